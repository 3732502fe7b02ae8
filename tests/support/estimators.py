"""All estimators that fastlr exports, and data for each kind, for tests of what they share."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.datasets import load_breast_cancer, load_diabetes

import fastlr.estimators

ALL = [
    exported
    for exported in (getattr(fastlr.estimators, name) for name in fastlr.estimators.__all__)
    if isinstance(exported, type)
]
CLASSIFIERS = [cls for cls in ALL if is_classifier(cls())]
REGRESSORS = [cls for cls in ALL if not is_classifier(cls())]


def data_for(cls):
    """Return 300 rows with features of one scale, and labels or targets."""
    load = load_breast_cancer if cls in CLASSIFIERS else load_diabetes
    X, y = load(return_X_y=True)
    X, y = X[:300], y[:300]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def raw_scores(model, X):
    """Return what shows the slightest difference between two models."""
    return model.decision_function(X) if hasattr(model, "decision_function") else model.predict(X)


def assert_same(one, other, X):
    """Assert that two models predict the same to the bit."""
    np.testing.assert_array_equal(raw_scores(one, X), raw_scores(other, X))
