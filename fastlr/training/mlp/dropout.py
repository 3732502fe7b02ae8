"""Random masks of dropout, as a function of seed, step, layer, row and column.

Nothing is kept between draws, so a mask depends neither on who draws it nor in which order: any
number of threads, the compiled loop (`_mlp_random.h`) and this module draw the same.
"""

from __future__ import annotations

import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 0xFFFFFFFFFFFFFFFF


def _mix(x: np.ndarray) -> np.ndarray:
    """Return one round of SplitMix64 (Steele, Lea and Flood 2014) on uint64."""
    x = x + np.uint64(_GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def dropout_mask(
    seed: int, step: int, layer: int, rows: int, columns: int, rate: float, dtype: np.dtype
) -> np.ndarray:
    """Return the factors on the inputs (layer 0) or a hidden layer (from 1) in one step.

    A factor is 0 with probability `rate`, else :math:`1 / (1 - rate)`, so that its expectation is
    1 (inverted dropout; Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks
    from overfitting"). `step` counts the steps made before; `seed` is below 2**64.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.training.mlp.dropout import dropout_mask
    >>> dropout_mask(0, 0, 1, 2, 4, 0.5, np.float32).tolist()
    [[0.0, 2.0, 0.0, 2.0], [2.0, 0.0, 0.0, 0.0]]
    """
    with np.errstate(over="ignore"):
        key = np.array(seed & _MASK, np.uint64)
        for number in (0, step, layer):
            key = _mix(key + np.uint64(number))
        keys = _mix(key + np.arange(rows, dtype=np.uint64))[:, None]
        x = keys.astype(np.uint32) + np.arange(columns, dtype=np.uint32) * np.uint32(0x9E3779B9)
        x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        x ^= (keys >> np.uint64(32)).astype(np.uint32)
        x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    kept = np.array(1 / (1 - rate), dtype)
    return np.where(x < np.uint32(rate * 2**32), np.zeros((), dtype), kept)
