"""What loss and gradient of a chunk usually are, to tell chunks that need a closer look."""

from __future__ import annotations

import math
from collections.abc import Mapping

MEMORY = 3000  # rows that the means reach back over
KNOWN, CHUNKS = 100, 10  # rows and chunks from which the usual is known
FAR = 10.0  # deviations of what is unusual, at which losses are cut off
STEEP = 30.0  # times the usual norm of a gradient that is unusual


class UsualLoss:
    """Running mean and variance of the losses of chunks, and mean norm of their gradients.

    Attributes
    ----------
    rows, chunks, mean, variance, norm : float
        All that it depends on; the variance is of single rows.
    """

    def __init__(self) -> None:
        self.rows = self.chunks = self.mean = self.variance = self.norm = 0.0

    @property
    def is_known(self) -> bool:
        """Whether enough rows have come."""
        return self.rows >= KNOWN and self.chunks >= CHUNKS

    def is_exceeded(self, loss: float, norm: float, rows: int) -> bool:
        """Return whether a chunk lies far above the usual, or is not finite."""
        above = loss - self.mean
        return not (
            norm <= STEEP * self.norm
            and (above <= 0 or above * above * rows <= FAR * FAR * self.variance)
        )

    def observe(self, loss: float, norm: float, rows: int) -> None:
        """Take a chunk into account, and no more of it than is usual."""
        known = self.is_known
        self.rows += rows
        self.chunks += 1.0
        share = rows / self.rows if self.rows < MEMORY else min(rows / MEMORY, 1.0)
        difference = loss - self.mean
        if known:
            if difference > 0 and difference * difference * rows > FAR * FAR * self.variance:
                difference = FAR * math.sqrt(self.variance / rows) + self.mean
            if norm > STEEP * self.norm > 0:
                norm = STEEP * self.norm
        self.mean += share * difference
        self.variance += share * (difference * difference * rows - self.variance)
        self.norm += share * (norm - self.norm)

    def state(self) -> dict[str, float]:
        """Return all that it depends on, as plain numbers by name."""
        return dict(vars(self))

    def load(self, state: Mapping[str, float]) -> None:
        """Take over what `state` returned."""
        vars(self).update(state)
