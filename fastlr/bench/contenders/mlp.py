"""Multi-layer perceptrons: relu, Adam at a constant rate, a fresh random order in each epoch."""

from __future__ import annotations

import functools
from typing import Any

from ..workloads.data import Data
from . import torch_loops
from .contender import Contender

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


def fit_fastlr(
    data: Data, length: int, setting: float, threads: int, hidden: int, batch: int
) -> Any:
    """Fit MLPClassifier."""
    from fastlr import Adam, MLPClassifier

    model = MLPClassifier(
        (hidden,),
        optimizer=Adam(lr=setting),
        schedule=None,
        batch_size=batch,
        max_epochs=length,
        standardize=False,
        random_state=0,
        n_threads=threads,
    )
    return model.fit(data.X, data.y)


def fit_sklearn(
    data: Data, length: int, setting: float, threads: int, hidden: int, batch: int
) -> Any:
    """Fit scikit-learn's, for a fixed number of epochs."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (hidden,),
        batch_size=batch,
        learning_rate_init=setting,
        alpha=0.0,
        max_iter=length,
        tol=0.0,
        n_iter_no_change=length,
        random_state=0,
    )
    return model.fit(data.X, data.y)


def fit_torch(
    data: Data, length: int, setting: float, threads: int, hidden: int, batch: int
) -> Any:
    """Train a plain loop."""
    return torch_loops.loop(data, length, setting, [hidden], batch, False, 0)


def fit_skorch(
    data: Data, length: int, setting: float, threads: int, hidden: int, batch: int
) -> Any:
    """Train skorch's net."""
    return torch_loops.skorch_net(data, length, setting, [hidden], batch, False, 0)


def contenders(hidden: int, batch: int, epochs: int) -> list[Contender]:
    """Return everybody for a network of one hidden layer."""
    sized = functools.partial(functools.partial, hidden=hidden, batch=batch)
    few, many = (1, 2, 4), (1, 2, 4, 8)
    return [
        Contender("fastlr MLPClassifier", sized(fit_fastlr), epochs, 1e-3, many, RATES),
        Contender("torch loop, Adam(fused)", sized(fit_torch), epochs, 1e-3, many, RATES, "torch"),
        Contender("skorch, Adam(fused)", sized(fit_skorch), epochs, 1e-3, few, RATES, "skorch"),
        Contender("scikit-learn MLPClassifier", sized(fit_sklearn), epochs, 1e-3, many, RATES),
    ]
