"""The race of fastlr against scikit-learn that `fastlr demo` shows."""
