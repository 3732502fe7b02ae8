"""Numbers that are the same on every machine and with every NumPy version.

Recorded trajectories must be fed the gradients that they were recorded with. Storing those would
take megabytes, and NumPy may change its distributions, so a number here is the hash of where it
stands: SplitMix64 (Steele, Lea & Flood 2014) of seed, step and index, in exact integer arithmetic.
"""

from __future__ import annotations

import numpy as np


def uniform(shape: int | tuple[int, ...], seed: int, step: int = 0) -> np.ndarray:
    """Return float64 numbers in [-1, 1): element k is a hash of (seed, step, k).

    Parameters
    ----------
    shape : int or tuple of int
        Fewer than 2**24 elements.
    seed : int
        Below 2**16.
    step : int
        Below 2**24.

    Returns
    -------
    ndarray
        With ``z = splitmix64(seed * 2**48 + step * 2**24 + k)``: ``(z >> 11) / 2**52 - 1``.

    Examples
    --------
    >>> uniform(2, seed=1).tolist()
    [0.6292711406925435, -0.7902456120810732]
    """
    count = int(np.prod(shape))
    z = np.arange(count, dtype=np.uint64) + np.uint64((seed << 48) + (step << 24))
    z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)  # wraps around, as it should
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0).reshape(shape)
