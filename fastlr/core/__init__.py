"""Hyper-parameters, discovery of rules, and differences between versions of scikit-learn."""
