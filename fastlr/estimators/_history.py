"""The table of epochs that every estimator keeps.

A plain array that doubles when it is full: `partial_fit` may be called millions of times, and a
list of tuples would then cost hundreds of bytes a call, or copying the table at each.
"""

from __future__ import annotations

import numpy as np

from .._compat import check_is_fitted

COLUMNS = ("epoch", "loss", "lr", "momentum", "seconds")


def append_row(table: np.ndarray, n: int, row: tuple[float, ...]) -> np.ndarray:
    """Write a row behind the first `n`, in place while there is room.

    Parameters
    ----------
    table : ndarray of shape (capacity, columns)
        Of which `n` rows are in use.
    n : int
        Rows in use.
    row : tuple of float
        A value for each of `COLUMNS`.

    Returns
    -------
    ndarray
        `table`, or a larger copy.
    """
    if n == len(table):
        table = np.concatenate([table, np.empty((max(n, 8), len(COLUMNS)))])
    table[n] = row
    return table


def columns(table: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """Return the first `n` rows as one array for each column."""
    found = {name: table[:n, k].copy() for k, name in enumerate(COLUMNS)}
    found["epoch"] = found["epoch"].astype(np.int64)
    return found


class Recorded:
    """An estimator that records its epochs."""

    n_iter_: int
    verbose: int
    _history: np.ndarray

    def _start_history(self) -> None:
        self.n_iter_ = 0
        self._history = np.empty((0, len(COLUMNS)))

    def _record(self, loss: float, lr: float, momentum: float, seconds: float) -> None:
        """Add an epoch to the history."""
        row = (self.n_iter_ + 1, loss, lr, momentum, seconds)
        self._history = append_row(self._history, self.n_iter_, row)
        self.n_iter_ += 1
        if self.verbose:
            print(
                f"{type(self).__name__} epoch {self.n_iter_}: loss {loss:.6g}, lr {lr:.4g}, "
                f"{seconds:.3g} s"
            )

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Table of the epochs: ``epoch``, ``loss``, ``lr``, ``momentum``, ``seconds``."""
        check_is_fitted(self)
        return columns(self._history, self.n_iter_)

    @property
    def loss_curve_(self) -> np.ndarray:
        """Mean training loss of each epoch."""
        check_is_fitted(self)
        return self._history[: self.n_iter_, COLUMNS.index("loss")].copy()

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_iter_")  # not n_features_in_, which data set before they are used
