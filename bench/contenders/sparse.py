"""Linear models of sparse rows: one thread each."""

from __future__ import annotations

from typing import Any

from ..workloads.data import Data
from .contender import Contender
from .linear import fit_sgd, fit_snapml, fit_svc
from .vowpal import fit_vowpal, write_rows

RATES = (0.03, 0.1, 0.3, 1.0, 3.0)
ALPHAS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


def fit_log_loss(data: Data, length: int, setting: float, threads: int, batch: int = 16) -> Any:
    """Fit a model that gives probabilities."""
    from fastlr import Adagrad, LinearClassifier

    model = LinearClassifier(
        Adagrad(lr=setting), batch_size=batch, max_epochs=length, random_state=0, n_threads=threads
    )
    return model.fit(data.X, data.y)


def fit_ads(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit the same in larger mini-batches."""
    return fit_log_loss(data, length, setting, threads, batch=256)


def fit_squared_hinge(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit what learns what LinearSVC learns."""
    from fastlr import SGD, LinearClassifier

    model = LinearClassifier(
        SGD(lr=setting),
        loss="squared_hinge",
        multi_class="ovr",
        penalty="l2",
        alpha=3e-6,
        batch_size=16,
        max_epochs=length,
        random_state=0,
        n_threads=threads,
    )
    return model.fit(data.X, data.y)


def fit_hinge(data: Data, length: int, setting: float, threads: int) -> Any:
    """Fit SGDClassifier as it comes."""
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(alpha=setting, max_iter=length, tol=None, random_state=0, n_jobs=threads)
    return model.fit(data.X, data.y)


TEXT = [
    Contender("fastlr LinearClassifier(log_loss)", fit_log_loss, 2, 0.15),
    Contender("fastlr LinearClassifier(squared_hinge, ovr)", fit_squared_hinge, 4, 2.0),
    Contender("SGDClassifier(hinge)", fit_hinge, 5, 1e-4),
    Contender("SGDClassifier(log_loss)", fit_sgd, 5, 1e-4),
    Contender("LinearSVC", fit_svc, 1000, 1.0),
    Contender("snapml LogisticRegression", fit_snapml, 20, 1.0, needs="snapml"),
    Contender(
        "Vowpal Wabbit, from its cache",
        fit_vowpal,
        2,
        0.5,
        needs="vowpalwabbit",
        prepare=write_rows,
    ),
]

ADS = [
    Contender("fastlr LinearClassifier(log_loss)", fit_ads, 1, 0.2, (1, 2, 4), RATES),
    Contender("SGDClassifier(log_loss)", fit_sgd, 1, 1e-6, (1, 2, 5, 10), ALPHAS),
    Contender("snapml LogisticRegression", fit_snapml, 20, 1.0, (2, 5, 20), (), "snapml"),
    Contender(
        "Vowpal Wabbit, from its cache",
        fit_vowpal,
        1,
        0.5,
        (1, 2, 4),
        RATES,
        "vowpalwabbit",
        write_rows,
    ),
]
