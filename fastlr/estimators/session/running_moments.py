"""Mean and variance of columns, kept up to date block by block, that no outlier can carry away.

A value counts for no more than `FAR` deviations. Among the first rows, whose deviations are not
known, the values that lie farthest in a column do not count for the deviation that bounds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

FAR = 10.0  # deviations from the mean at which values are cut off
FEW, NEAR = 100, 5.0  # rows that hardly lie farther from their mean than this, but for outliers
LEFT_OUT = 8, 256  # one of so many rows lies farthest: of few, and of more
LARGEST = 1e140  # whose square is a number
REMEMBERED = 4096.0  # rows that the moments reach back over


class RunningMoments:
    """Running mean and variance of columns, in double precision.

    Parameters
    ----------
    mean, variance : ndarray of shape (columns,)
        Moments to begin with.
    weight : float
        Rows that they come from; at most `REMEMBERED` count.
    """

    def __init__(self, mean: np.ndarray, variance: np.ndarray, weight: float) -> None:
        self.mean, self.variance = mean, variance
        self.weight = min(weight, REMEMBERED)

    @classmethod
    def of(cls, block: np.ndarray) -> RunningMoments:
        """Return the moments of first rows, outliers cut off."""
        block = within_reach(block)
        return cls(block.mean(axis=0), block.var(axis=0), float(len(block)))

    @property
    def deviation(self) -> np.ndarray:
        """Standard deviation of each column."""
        return np.sqrt(self.variance)

    @property
    def reach(self) -> np.ndarray:
        """How far from its mean a value may be to be taken as it is."""
        return FAR * _filled(self.deviation, self.mean)

    def add(self, block: np.ndarray) -> None:
        """Add rows, cut off at the reach of the moments so far."""
        block = np.clip(block, self.mean - self.reach, self.mean + self.reach, dtype=np.float64)
        self.weight = min(self.weight + len(block), REMEMBERED)
        share = min(len(block) / self.weight, 1.0)
        shift = block.mean(axis=0) - self.mean
        self.variance += share * (block.var(axis=0) - self.variance)
        self.variance += share * (1.0 - share) * shift * shift
        self.mean += share * shift

    def excess(self, block: np.ndarray) -> np.ndarray:
        """Return for each row how many times out of reach its farthest value is, 1 at least."""
        with np.errstate(over="ignore"):
            excess = (np.abs(block - self.mean) / self.reach).max(axis=1, initial=1.0)
        return np.asarray(excess, np.float64)

    def clipped(self, block: np.ndarray) -> np.ndarray:
        """Return a block with values out of reach brought back."""
        reach = self.reach
        return np.clip(block, self.mean - reach, self.mean + reach).astype(block.dtype)

    def state(self) -> dict[str, Any]:
        """Return all of it, as arrays and numbers by name."""
        return {"mean": self.mean.copy(), "variance": self.variance.copy(), "weight": self.weight}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> RunningMoments:
        """Return the moments that `state` was taken of."""
        return cls(state["mean"].copy(), state["variance"].copy(), state["weight"])


def within_reach(block: np.ndarray) -> np.ndarray:
    """Return first rows as doubles, cut off where all the others of a column say they should be."""
    block = np.clip(block, -LARGEST, LARGEST, dtype=np.float64)
    n, few = len(block), len(block) < FEW
    centre = np.partition(block, (n - 1) // 2, axis=0)[(n - 1) // 2]
    inner = n - max(n // LEFT_OUT[not few], 1)
    distance = np.partition(np.abs(block - centre), max(inner - 1, 0), axis=0)[:inner]
    rest = np.sqrt((distance * distance).sum(axis=0) / max(inner, 1))
    reach = (NEAR if few else FAR) * _filled(rest, centre)
    return np.clip(block, centre - reach, centre + reach)


def _filled(deviation: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return deviations, and where there is none a guess by other columns, or infinity."""
    known = deviation > 0
    if known.all():
        return deviation
    usual = np.median(deviation[known]) if known.any() else np.inf
    return np.where(known, deviation, np.maximum(np.abs(mean), usual))
