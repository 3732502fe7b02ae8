"""scikit-learn's SGD estimators, trained by fastlr: change the import alone.

Names, parameters, fitted attributes and predictions are scikit-learn's, for the classes here
derive from its own. Only the loops that train are replaced.
"""

from __future__ import annotations

from ._sgd import SGDClassifier, SGDRegressor

__all__ = ["SGDClassifier", "SGDRegressor"]
