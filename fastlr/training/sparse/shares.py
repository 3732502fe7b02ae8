"""Penalties under rules without a closed form, shared out among the mini-batches of a feature.

A lazy step leaves features alone that its mini-batch does not hold, and with them the pull of a
penalty. Where the rule is linear that pull is known, and `lazy` catches it up. Where it is not, as
with all that divide gradients by their size, each meeting of a feature takes the pull of all steps
since the one before, on average: its gradient gets the penalty's, times the mean number of steps
between meetings. Summed over an epoch the gradient is that of loss and penalty, so the minimum is
theirs too, whatever the rule; Hogwild (Niu et al. 2011, arXiv:1106.5730) splits penalties so.
"""

from __future__ import annotations

import numpy as np

from ..l1 import MEMORY

FEW = 16  # meetings that the mean number of steps between them reaches back over


class Shares:
    r"""Adds to the gradients of a mini-batch's features their share of the penalties.

    With :math:`c_j` the mean number of steps from one meeting of a feature to the next, the
    gradient gets :math:`c_j \lambda_2 p`, and that of an L1 penalty as `l1.OrthantStep` adds it:
    with the mean gradient over the feature's meetings, and :math:`c_j \lambda_1` for a strength.
    A coefficient of zero stays there when its feature is met for the first time.

    Attributes
    ----------
    meetings : ndarray of shape (features + 1, 3)
        Step of the last meeting, :math:`c_j` and number of meetings (up to `MEMORY`) of each
        feature; the number of steps made stands in the last row.
    mean_grad : ndarray of shape (features, outputs) or None
        Mean gradients, where there is an L1 penalty.
    """

    def __init__(self, coef: np.ndarray, l1: float) -> None:
        self._l1 = l1
        self.meetings = np.zeros((len(coef) + 1, 3))
        self.mean_grad = np.zeros_like(coef) if l1 else None

    def add(
        self, rows: np.ndarray, p: np.ndarray, g: np.ndarray, l2: float, still: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return gradients with penalties, and sides of zero; `still` if L1 is to do nothing."""
        self.meetings[-1, 0] += 1
        now, met = self.meetings[-1, 0], self.meetings[rows]
        first = met[:, 2] == 0
        newest = np.where(first, 1, now - met[:, 0])
        weight = np.where(first, 1, 1 / np.clip(met[:, 2], 1, FEW))
        met[:, 0] = now
        met[:, 1] += weight * (newest - met[:, 1])
        met[:, 2] = np.minimum(met[:, 2] + 1, MEMORY)
        self.meetings[rows] = met
        between, side = met[:, 1:2], None
        if self.mean_grad is not None and not still:
            slope = (self._l1 * between).astype(p.dtype)
            mean = self.mean_grad[rows]
            mean += (1 / met[:, 2:]).astype(p.dtype) * (g - mean)
            self.mean_grad[rows] = mean
            bound = np.where(first[:, None], np.inf, slope)
            side = np.where(p != 0, np.sign(p), -np.sign(mean) * (np.abs(mean) > bound))
            g = np.where(side == 0, 0 * g, g + slope * side).astype(p.dtype)
        return g + (l2 * between).astype(p.dtype) * p, side

    def forget(self) -> None:
        """Start anew."""
        for array in self.arrays:
            array[...] = 0

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What meetings change."""
        return (self.meetings,) if self.mean_grad is None else (self.meetings, self.mean_grad)
