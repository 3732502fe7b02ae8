"""Multi-layer perceptrons: relu, a fresh random order in each epoch.

Adam at a constant rate, so that all do the same work; or AdamW under one-cycle by those who have
it, which is what their users would set.
"""

from __future__ import annotations

import functools
from typing import Any

from ..workloads.data import Data
from . import torch_loops
from .contender import Contender

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)


def fit_fastlr(
    data: Data,
    length: int,
    setting: float,
    threads: int,
    hidden: int,
    batch: int,
    one_cycle: bool = False,
) -> Any:
    """Fit MLPClassifier."""
    from fastlr import Adam, AdamW, MLPClassifier

    model = MLPClassifier(
        (hidden,),
        optimizer=AdamW(lr=setting) if one_cycle else Adam(lr=setting),
        schedule="onecycle" if one_cycle else None,
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
    data: Data,
    length: int,
    setting: float,
    threads: int,
    hidden: int,
    batch: int,
    one_cycle: bool = False,
) -> Any:
    """Train a plain loop."""
    return torch_loops.loop(data, length, setting, [hidden], batch, one_cycle, 0)


def fit_skorch(
    data: Data,
    length: int,
    setting: float,
    threads: int,
    hidden: int,
    batch: int,
    one_cycle: bool = False,
) -> Any:
    """Train skorch's net."""
    return torch_loops.skorch_net(data, length, setting, [hidden], batch, one_cycle, 0)


def contenders(hidden: int, batch: int, epochs: int, one_cycle: bool = False) -> list[Contender]:
    """Return everybody for a network of one hidden layer; scikit-learn's has no one-cycle."""
    sized = functools.partial(functools.partial, hidden=hidden, batch=batch)
    own = functools.partial(sized, one_cycle=one_cycle)
    rule = "AdamW" if one_cycle else "Adam"
    few, many = (1, 2, 4), (1, 2, 4, 8)
    return [
        Contender("fastlr MLPClassifier", own(fit_fastlr), epochs, 1e-3, many, RATES),
        Contender(f"torch loop, {rule}(fused)", own(fit_torch), epochs, 1e-3, many, RATES, "torch"),
        Contender(f"skorch, {rule}(fused)", own(fit_skorch), epochs, 1e-3, few, RATES, "skorch"),
        Contender("scikit-learn MLPClassifier", sized(fit_sklearn), epochs, 1e-3, many, RATES),
    ]
