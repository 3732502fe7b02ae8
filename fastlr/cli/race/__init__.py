"""The race of fastlr's classifier against scikit-learn's."""
