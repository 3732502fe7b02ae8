"""One row as a caller has it: a NumPy row, a sequence, or indices and values."""

from __future__ import annotations

from typing import Any

import numpy as np


def fill(row: np.ndarray, x: Any) -> np.ndarray:
    """Write one row of features into a matrix of one row; raise what is wrong with it."""
    n_features = row.shape[1]
    if type(x) is tuple and len(x) == 2 and np.ndim(x[0]) == 1 and np.ndim(x[1]) == 1:
        _scatter(row[0], *x)
    else:
        try:
            values = np.asarray(x)
        except ValueError as error:  # ragged
            raise ValueError(f"x must be one row of {n_features} numbers: {error}") from None
        if values.shape != (n_features,):
            raise ValueError(
                f"x must be one row of {n_features} numbers, got an array of shape {values.shape}"
            )
        if values.dtype.kind not in "biuf":
            raise TypeError(f"x must hold numbers, got {values.dtype}")
        with np.errstate(over="ignore"):
            row[0] = values
    if not np.isfinite(row).all():
        raise ValueError("x holds NaN or a number that is infinite in the model's precision")
    return row


def _scatter(row: np.ndarray, indices: Any, values: Any) -> None:
    indices, values = np.asarray(indices), np.asarray(values)
    if indices.size == 0 == values.size:
        row[:] = 0
        return
    if indices.dtype.kind not in "iu" or values.dtype.kind not in "biuf":
        raise TypeError(
            f"x as (indices, values) must hold whole numbers and numbers, got {indices.dtype} "
            f"and {values.dtype}"
        )
    if len(indices) != len(values):
        raise ValueError(
            f"x as (indices, values) must have as many values as indices, got {len(indices)} "
            f"and {len(values)}"
        )
    if indices.min() < 0 or indices.max() >= len(row):
        raise ValueError(f"x: indices must lie in 0 ... {len(row) - 1}")
    row[:] = 0
    with np.errstate(over="ignore"):
        np.add.at(row, indices, values.astype(row.dtype))
