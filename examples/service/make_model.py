"""Write a first model: ``python examples/service/make_model.py model.skops``."""

import sys

from sklearn.datasets import load_breast_cancer

from fastlr import LinearClassifier, save_model


def first_model():
    """Return a classifier of 30 features, fitted on the first rows."""
    X, y = load_breast_cancer(return_X_y=True)
    return LinearClassifier(random_state=0).fit(X[:100], y[:100])


if __name__ == "__main__":
    save_model(first_model(), sys.argv[1])
