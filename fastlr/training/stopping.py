"""When to stop, and which epoch was the best: one rule for losses and for scores."""

from __future__ import annotations

import math


class Stopping:
    """Counts the epochs that did not improve on the best value enough.

    As in scikit-learn, an epoch counts as an improvement if it is better than the best one by
    more than `tol`, while the best value itself follows the smallest improvement. A value that
    is not a number is never one.

    Parameters
    ----------
    patience : int or None
        Consecutive epochs without improvement after which to stop; None never stops.
    tol : float, default=0.0
        Least improvement.

    Attributes
    ----------
    best : tuple of (float, float)
        Best value and its second one; larger is better.
    stop : bool
        Whether to stop.

    Examples
    --------
    >>> from fastlr.training import Stopping
    >>> stopping = Stopping(patience=2, tol=0.01)
    >>> [stopping.observe(score) for score in (0.5, 0.7, 0.705, 0.7)]
    [True, True, True, False]
    >>> stopping.best[0], stopping.stop
    (0.705, True)
    """

    def __init__(self, patience: int | None, tol: float = 0.0) -> None:
        self.patience, self.tol = patience, tol
        self.best = (-math.inf, -math.inf)
        self.stop = False
        self._without = 0

    def observe(self, value: float, tie: float = 0.0) -> bool:
        """Enter the value of an epoch (larger is better); return whether it is the best.

        Parameters
        ----------
        value : float
            Score, or minus a loss.
        tie : float, default=0.0
            Decides between epochs of equal value; scores that count rows often are equal.

        Returns
        -------
        bool
            Whether no epoch was better so far.
        """
        improved = value > self.best[0] + self.tol if self.best[0] > -math.inf else value == value
        self._without = 0 if improved else self._without + 1
        self.stop = self.patience is not None and self._without >= self.patience
        if (value, tie) > self.best:
            self.best = (value, tie)
            return True
        return False
