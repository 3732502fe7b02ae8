"""Mean and variance of columns, kept up to date block by block, that no outlier can carry away.

A value counts for no more than `FAR` deviations. Among the first rows, whose deviations are not
known, the value that lies farthest in a column does not count for the deviation that bounds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

FAR = 10.0  # deviations from the mean at which values are cut off
FEW, NEAR = 100, 4.0  # rows that never lie farther from their mean than this, but for outliers
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
        block = np.clip(block.astype(np.float64), self.mean - self.reach, self.mean + self.reach)
        self.weight = min(self.weight + len(block), REMEMBERED)
        share = min(len(block) / self.weight, 1.0)
        shift = block.mean(axis=0) - self.mean
        self.variance += share * (block.var(axis=0) - self.variance)
        self.variance += share * (1.0 - share) * shift * shift
        self.mean += share * shift

    def clipped(self, block: np.ndarray) -> np.ndarray:
        """Return a block with values out of reach brought back; the same one if there are none."""
        low, high = (self.mean + sign * self.reach for sign in (-1.0, 1.0))
        if (block >= low).all() and (block <= high).all():
            return block
        return np.clip(block, low, high).astype(block.dtype)

    def state(self) -> dict[str, Any]:
        """Return all of it, as arrays and numbers by name."""
        return {"mean": self.mean.copy(), "variance": self.variance.copy(), "weight": self.weight}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> RunningMoments:
        """Return the moments that `state` was taken of."""
        return cls(state["mean"].copy(), state["variance"].copy(), state["weight"])


def within_reach(block: np.ndarray) -> np.ndarray:
    """Return first rows as doubles, cut off where all the others of a column say they should be."""
    block = block.astype(np.float64)
    centre = np.partition(block, (len(block) - 1) // 2, axis=0)[(len(block) - 1) // 2]
    distance = np.abs(block - centre)
    farthest, columns = distance.argmax(axis=0), np.arange(block.shape[1])
    distance[farthest, columns] = 0.0
    with np.errstate(over="ignore"):
        rest = np.sqrt((distance * distance).sum(axis=0) / max(len(block) - 1, 1))
    reach = (NEAR if len(block) < FEW else FAR) * _filled(rest, centre)
    return np.clip(block, centre - reach, centre + reach)


def _filled(deviation: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return deviations, and a guess where there is none: by the mean, or by other columns."""
    known = deviation > 0
    if known.all():
        return deviation
    usual = np.median(deviation[known]) if known.any() else 1.0
    return np.where(known, deviation, np.maximum(np.abs(mean), usual))
