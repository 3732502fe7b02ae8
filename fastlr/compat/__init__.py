"""scikit-learn's SGD estimators and perceptrons with fastlr's training loops.

The classes derive from scikit-learn's, so names, parameters, fitted attributes and predictions are
the same, and only the import changes.
"""

from __future__ import annotations

from ._mlp import MLPClassifier, MLPRegressor
from ._sgd import SGDClassifier, SGDRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "SGDClassifier", "SGDRegressor"]
