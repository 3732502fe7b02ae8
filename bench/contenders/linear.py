"""Multinomial logistic regression on dense rows.

fastlr and torch do the same work: mini-batches of 128 in a fresh random order, AdamW under a
one-cycle schedule. Everybody else is fitted as its users would.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..workloads.data import Data
from . import torch_loops
from .contender import Contender

RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
ALPHAS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
INVERSES = (1e-2, 1e-1, 1.0, 1e1, 1e2)


def fit_fastlr(data: Data, length: int, setting: float, threads: int, batch: int = 128) -> Any:
    """Fit LinearClassifier."""
    from fastlr import AdamW, LinearClassifier

    model = LinearClassifier(
        AdamW(weight_decay=torch_loops.DECAY),
        lr=setting,
        schedule="onecycle",
        batch_size=batch,
        max_epochs=length,
        random_state=0,
        n_threads=threads,
    )
    return model.fit(data.X, data.y)


def fit_default(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit LinearClassifier as it comes."""
    from fastlr import LinearClassifier

    return LinearClassifier(random_state=0, n_threads=threads).fit(data.X, data.y)


def fit_given_rate(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit LinearClassifier at a given rate, so that none is looked for."""
    from fastlr import LinearClassifier

    return LinearClassifier(lr=setting, random_state=0, n_threads=threads).fit(data.X, data.y)


def fit_torch(data: Data, length: int, setting: float, threads: int) -> Any:
    """Train a plain loop; torch's threads are set around it."""
    return torch_loops.loop(data, length, setting, [], 128, True, 0)


def fit_skorch(data: Data, length: int, setting: float, threads: int) -> Any:
    """Train skorch's net."""
    return torch_loops.skorch_net(data, length, setting, [], 128, True, 0)


def fit_sgd(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit SGDClassifier, for a fixed number of epochs."""
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(
        loss="log_loss", alpha=setting, max_iter=length, tol=None, random_state=0, n_jobs=threads
    )
    return model.fit(data.X, data.y)


def fit_logistic(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit LogisticRegression."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=setting, max_iter=length).fit(data.X, data.y)


def fit_intel(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit the LogisticRegression of scikit-learn-intelex, which has threads of its own."""
    import daal4py
    from sklearnex.linear_model import LogisticRegression

    daal4py.daalinit(threads)
    return LogisticRegression(C=setting, max_iter=length).fit(data.X, data.y)


class SnapModel:
    """A model of snapml that takes a csr_array."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, X: Any) -> np.ndarray:
        """Return class codes."""
        from scipy.sparse import csr_matrix

        return self.model.predict(csr_matrix(X))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities."""
        from scipy.sparse import csr_matrix

        return self.model.predict_proba(csr_matrix(X))


def fit_snapml(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit snapml's LogisticRegression, which takes 0 or 1, or one class against the rest."""
    from scipy.sparse import csr_matrix, issparse
    from snapml import LogisticRegression

    X = csr_matrix(data.X) if issparse(data.X) else data.X  # it refuses csr_array
    model = LogisticRegression(max_iter=length, regularizer=1 / setting, n_jobs=threads)
    model.fit(X, data.y.astype(np.float64))
    return SnapModel(model) if issparse(data.X) else model


def fit_svc(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit LinearSVC."""
    from sklearn.svm import LinearSVC

    return LinearSVC(C=setting, max_iter=length, random_state=0).fit(data.X, data.y)


def fit_river(data: Data, length: int, setting: float, threads: int) -> Any:
    """Train river's SoftmaxRegression row by row, which is what river is made for."""
    from river import optim

    from .online import RiverModel

    model = RiverModel(optim.Adam(setting))
    for _ in range(length):
        model.partial_fit(data.X, data.y)
    return model


LARGE = [
    Contender("fastlr LinearClassifier", fit_fastlr, 3, 1e-2, (1, 2, 3, 5, 10), RATES),
    Contender("fastlr, 2 epochs of batch 64", functools.partial(fit_fastlr, batch=64), 2, 1e-2),
    Contender("torch loop, AdamW(fused)", fit_torch, 3, 1e-2, (1, 2, 3, 5), RATES, "torch"),
    Contender("skorch, AdamW(fused)", fit_skorch, 3, 1e-2, (1, 2), RATES, "skorch"),
    Contender("SGDClassifier(log_loss)", fit_sgd, 5, 1e-4, (1, 2, 5), ALPHAS),
    Contender("LogisticRegression", fit_logistic, 100, 1.0, (5, 10, 25, 50, 100), INVERSES),
    Contender(
        "sklearnex LogisticRegression",
        fit_intel,
        100,
        1.0,
        (5, 25, 100),
        INVERSES,
        "scikit-learn-intelex",
    ),
    Contender(
        "snapml LogisticRegression(max_iter=10)",
        fit_snapml,
        10,
        1.0,
        (2, 5, 10),
        INVERSES,
        "snapml",
    ),
]

SMALL = [
    Contender("fastlr LinearClassifier()", fit_default, 10, 0.0),
    Contender("fastlr LinearClassifier(lr=0.03)", fit_given_rate, 10, 0.03),
    Contender("SGDClassifier(log_loss)", fit_sgd, 10, 1e-4),
    Contender("LogisticRegression", fit_logistic, 100, 1.0),
    Contender("sklearnex LogisticRegression", fit_intel, 100, 1.0, needs="scikit-learn-intelex"),
    Contender("LinearSVC", fit_svc, 1000, 1.0),
    Contender("snapml LogisticRegression", fit_snapml, 100, 1.0, needs="snapml"),
    Contender("river SoftmaxRegression", fit_river, 1, 1e-2, needs="river"),
]
