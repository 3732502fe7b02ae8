"""Evaluates a user's Python function over a block of times."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def values_of(
    function: Callable[[Any], Any], x: np.ndarray, name: str, highest: float = math.inf
) -> np.ndarray:
    """Return a function's values at the elements of an array."""
    values = _at_once(function, x)
    if values is None:
        results = [function(each) for each in x.ravel()]
        try:
            values = np.array([float(each) for each in results]).reshape(x.shape)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must return a number, got {results[0]!r}") from None
    bad = ~((values >= 0) & (values <= highest) & np.isfinite(values))
    if bad.any():
        limits = ">= 0" if math.isinf(highest) else f"in [0, {highest:g}]"
        raise ValueError(
            f"{name} must return finite numbers {limits}, got {values[bad][0]} at {x[bad][0]:g}"
        )
    return values


def _at_once(function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray | None:
    """Return what a function makes of a whole array, None unless that is an array like it."""
    # Two elements at least: with a single one, functions that take no arrays may seem to.
    block = np.repeat(x.ravel(), 2) if x.size == 1 else x.copy()
    try:
        values = np.asarray(function(block))
    except Exception:  # whatever is really wrong shows again with the first element alone
        return None
    if values.shape != block.shape or values.dtype.kind not in "fiub":
        return None
    return values.astype(np.float64)[: x.size].reshape(x.shape)
