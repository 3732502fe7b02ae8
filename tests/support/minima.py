"""Small penalised problems with sparse rows, and their minima by solvers of scikit-learn."""

import functools

import numpy as np
from scipy import sparse
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from fastlr import CosineAnnealing, LinearClassifier, LinearRegressor

ROWS, FEATURES, ALPHA, SHARE = 240, 12, 0.02, 0.5
_RNG = np.random.default_rng(0)
# A mini-batch of 24 rows misses the rarest feature every other time.
_HELD = _RNG.random((ROWS, FEATURES)) < np.linspace(0.03, 0.4, FEATURES)
X = _RNG.standard_normal((ROWS, FEATURES)) * _HELD
_SIGNAL = X @ _RNG.standard_normal((FEATURES, 3)) * 2 + _RNG.gumbel(size=(ROWS, 3))
CODES, TWO, NUMBERS = _SIGNAL.argmax(axis=1), _SIGNAL[:, 0] > 0.5, _SIGNAL[:, 1]

_LOGISTIC = {"C": 1 / (ALPHA * ROWS), "tol": 1e-10, "max_iter": 100_000}
_TO_L1 = {"solver": "saga", "random_state": 0}
PROBLEMS = {
    "two classes": (
        LinearClassifier,
        {},
        TWO,
        {
            "l2": LogisticRegression(**_LOGISTIC),
            "l1": LogisticRegression(l1_ratio=1.0, **_TO_L1, **_LOGISTIC),
            "elasticnet": LogisticRegression(l1_ratio=SHARE, **_TO_L1, **_LOGISTIC),
        },
    ),
    "three classes": (
        LinearClassifier,
        {},
        CODES,
        {
            "l2": LogisticRegression(**_LOGISTIC),
            "l1": LogisticRegression(l1_ratio=1.0, **_TO_L1, **_LOGISTIC),
        },
    ),
    "squared hinge": (
        LinearClassifier,
        {"loss": "squared_hinge", "fit_intercept": False},
        TWO,
        {"l2": LinearSVC(C=1 / (2 * ALPHA * ROWS) * 2, fit_intercept=False, tol=1e-10,
                         max_iter=100_000)},
    ),
    "numbers": (
        LinearRegressor,
        {},
        NUMBERS,
        {
            "l2": Ridge(ALPHA * ROWS, tol=1e-12),
            "l1": ElasticNet(ALPHA, l1_ratio=1.0, tol=1e-10, max_iter=100_000),
            "elasticnet": ElasticNet(ALPHA, l1_ratio=SHARE, tol=1e-10, max_iter=100_000),
        },
    ),
}  # fmt: skip
CASES = [(name, penalty) for name, problem in PROBLEMS.items() for penalty in problem[3]]


@functools.cache
def minimum(name, penalty):
    """Return coefficients and intercept of the minimum."""
    _, _, y, peers = PROBLEMS[name]
    peer = peers[penalty].fit(X, y)
    return np.atleast_2d(peer.coef_), np.atleast_1d(peer.intercept_)


def fitted(name, penalty, optimizer, lr, rows, **more):
    """Return a model trained for 200 epochs under a falling rate."""
    cls, options, y, _ = PROBLEMS[name]
    options = {
        "schedule": CosineAnnealing(),
        "max_epochs": 200,
        "batch_size": 24,
        "standardize": False,
        "random_state": 0,
        "alpha": ALPHA,
        "l1_ratio": SHARE,
        **options,
        **more,
    }
    model = cls(optimizer, penalty=penalty, lr=lr, **options)
    return model.fit(sparse.csr_array(X) if rows == "sparse" else X, y)


def distance(model, name, penalty):
    """Return how far coefficients lie from the minimum, beside their norm."""
    coef, _ = minimum(name, penalty)
    return np.linalg.norm(np.atleast_2d(model.coef_) - coef) / np.linalg.norm(coef)
