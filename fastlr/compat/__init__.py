"""scikit-learn's SGD estimators and perceptrons, trained by fastlr: change the import alone.

Names, parameters, fitted attributes and predictions are scikit-learn's, for the classes here
derive from its own. Only the loops that train are replaced.
"""

from __future__ import annotations

from ._mlp import MLPClassifier, MLPRegressor
from ._sgd import SGDClassifier, SGDRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "SGDClassifier", "SGDRegressor"]
