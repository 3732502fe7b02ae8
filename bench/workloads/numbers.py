"""Regression data as they come: nothing is scaled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .data import Data

Pair = tuple[np.ndarray, np.ndarray]


def prices(rng: np.random.Generator, n: int) -> Pair:
    """Return houses: income, age, rooms, people, latitude, longitude, and prices in dollars."""
    X = np.column_stack(
        [
            rng.lognormal(1.2, 0.45, n),
            rng.integers(1, 52, n),
            rng.lognormal(1.6, 0.3, n),
            rng.lognormal(7, 0.7, n),
            rng.uniform(32, 42, n),
            rng.uniform(-124, -114, n),
        ]
    )
    y = X @ [0.4, 0.01, 0.0, -3e-5, -0.4, -0.4] + 0.6 * rng.standard_t(3, n)
    return X, 1e5 * (y - y.min())


def millions(rng: np.random.Generator, n: int) -> Pair:
    """Return features and targets around three million."""
    X = 1e6 * rng.standard_normal((n, 10)) + 3e6
    return X, X @ rng.uniform(0.5, 2.0, 10) + 1e6 * rng.standard_normal(n)


def lognormal(rng: np.random.Generator, n: int) -> Pair:
    """Return features with a very long tail."""
    X = np.exp(2 * rng.standard_normal((n, 10)))
    return X, X @ rng.uniform(0.5, 2.0, 10) + 5 * rng.standard_t(3, n)


def diabetes(rng: np.random.Generator, n: int) -> Pair:
    """Return scikit-learn's 442 patients, whatever `n` is."""
    from sklearn.datasets import load_diabetes

    X, y = load_diabetes(return_X_y=True, scaled=False)
    return X, y


def friedman2(rng: np.random.Generator, n: int) -> Pair:
    """Return Friedman's second problem, whose features are of very different scales."""
    from sklearn.datasets import make_friedman2

    X, y = make_friedman2(n, noise=100, random_state=0)
    return X, y


SETS: dict[str, Callable[[np.random.Generator, int], Pair]] = {
    "diabetes, unscaled": diabetes,
    "friedman2": friedman2,
    "prices in dollars": prices,
    "millions": millions,
    "lognormal": lognormal,
}


def regression(name: str, rows: int) -> Data:
    """Return one of `SETS`, of which a quarter of the rows is held out.

    Examples
    --------
    >>> regression("millions", 400).X.shape
    (300, 10)
    """
    X, y = SETS[name](np.random.default_rng(0), rows)
    order = np.random.default_rng(1).permutation(len(y))
    cut = len(y) * 3 // 4
    train, test = order[:cut], order[cut:]
    return Data(f"{name}, {cut:,} x {X.shape[1]}", X[train], y[train], X[test], y[test])
