"""Rates to search over, for scikit-learn's searches."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from ..core.hyper import check_number


def log_uniform(low: float, high: float) -> Any:
    """Return a distribution whose logarithm is uniform, for random searches.

    Parameters
    ----------
    low, high : float
        Ends, above zero.

    Returns
    -------
    scipy.stats distribution
        Frozen; `RandomizedSearchCV` and `HalvingRandomSearchCV` draw from it.

    Raises
    ------
    TypeError, ValueError
        If an end is not a number above zero.

    Examples
    --------
    >>> from fastlr.tuning import log_uniform
    >>> drawn = log_uniform(1e-4, 1e-1).rvs(1000, random_state=0)
    >>> bool(((drawn > 1e-4) & (drawn < 1e-1)).all()), bool(0.4 < (drawn < 3e-3).mean() < 0.6)
    (True, True)
    """
    _check_ends(low, high)
    from scipy.stats import loguniform

    return loguniform(low, high)


def log_grid(low: float, high: float, n: int = 10) -> list[float]:
    """Return rates in equal ratios, for grid searches.

    Parameters
    ----------
    low, high : float
        Ends, included.
    n : int, default=10
        How many, 2 or more.

    Returns
    -------
    list of float
        Rising.

    Raises
    ------
    TypeError, ValueError
        If an argument is unfit.

    Examples
    --------
    >>> from fastlr.tuning import log_grid
    >>> [f"{rate:g}" for rate in log_grid(1e-4, 1e-1, 4)]
    ['0.0001', '0.001', '0.01', '0.1']
    """
    _check_ends(low, high)
    if isinstance(n, bool) or not isinstance(n, numbers.Integral):
        raise TypeError(f"n must be a whole number, got {n!r}")
    if n < 2:
        raise ValueError(f"n must be at least 2, got {n!r}")
    rates: list[float] = np.geomspace(low, high, int(n)).tolist()
    return rates


def _check_ends(low: Any, high: Any) -> None:
    check_number(low, "low", "(0, inf)")
    check_number(high, "high", "(0, inf)")
    if low >= high:
        raise ValueError(f"high must be larger than low={low!r}, got {high!r}")
