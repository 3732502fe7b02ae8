"""The result of one epoch, in the form every model's epoch returns."""

from __future__ import annotations

from typing import NamedTuple


class EpochResult(NamedTuple):
    """Sums over the rows seen, and where it went wrong if it did.

    Attributes
    ----------
    loss_sum : float
        Sum of weighted losses, each taken before the step on its mini-batch.
    weight_sum : float
        Sum of the weights, the number of rows where there are none.
    steps : int
        Mini-batches finished.
    diverged_at : int or None
        Mini-batch, counted from 0 within the epoch, whose loss or gradient was not finite. It
        left parameters and optimizer state as they were, and ended the epoch.
    """

    loss_sum: float
    weight_sum: float
    steps: int
    diverged_at: int | None

    @property
    def mean_loss(self) -> float:
        """Weighted mean of the losses, 0 where all weights are."""
        return self.loss_sum / self.weight_sum if self.weight_sum else 0.0
