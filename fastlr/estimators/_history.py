"""The table of epochs that every estimator keeps.

A plain array that doubles when it is full: `partial_fit` may be called millions of times, and a
list of tuples would then cost hundreds of bytes a call, or copying the table at each.
"""

from __future__ import annotations

import numpy as np

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
