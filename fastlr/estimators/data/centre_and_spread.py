"""Centre and spread of regression targets, by what the loss makes of rows that lie far away.

Under squared error such rows pull as hard as they are far, and the standard deviation, which they
dominate, keeps their pull bounded. A robust loss bounds it by itself; there the standard deviation
would only make all other rows look alike, and quartiles tell the scale that matters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...losses.base import Loss

NORMAL = 1.3489795003921634  # distance of the quartiles of a normal variable, in deviations


def centre_and_spread(
    y: np.ndarray, weights: np.ndarray | None, loss: Loss, centred: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return what to subtract from targets, and what to divide them by."""
    mean = np.average(y, axis=0, weights=weights) if centred else np.zeros(y.shape[1])
    with np.errstate(over="ignore"):  # one that is infinite is not used
        spread = np.sqrt(np.average((y - mean) ** 2, axis=0, weights=weights))
    # Of all definitions, only this one knows weights: 2 is the row given twice.
    options: dict[str, Any] = {"axis": 0, "weights": weights, "method": "inverted_cdf"}
    if centred:
        low, middle, high = np.quantile(y, [0.25, 0.5, 0.75], **options)
    else:
        middle, low = np.zeros_like(mean), np.zeros_like(mean)
        high = 2 * np.quantile(np.abs(y), 0.5, **options)
    quartiles = (high - low) / NORMAL
    robust = _is_robust(loss, quartiles)
    return np.where(robust, middle, mean), np.where(robust, quartiles, spread)


def _is_robust(loss: Loss, scale: np.ndarray) -> np.ndarray:
    """Return where rows a thousand times as far as some pull hardly harder."""
    known = np.isfinite(scale) & (scale > 0)
    near = 10 * np.where(known, scale, 1.0)
    _, slopes = loss.evaluate(np.stack([near, 1e3 * near]), np.zeros((2, len(scale))))
    return known & (np.abs(slopes[1]) <= 2 * np.abs(slopes[0]))
