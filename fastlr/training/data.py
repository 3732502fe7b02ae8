"""Checks of the arguments of an epoch over dense rows."""

from __future__ import annotations

from typing import Any

import numpy as np

MOST_ROWS = 2**53  # in a mini-batch; compiled loops count in 64 bits


def check_data(X: Any, *rows: Any, features: int, **model: Any) -> None:
    """Raise an error that names the first unfit argument of an epoch over dense rows."""
    check_array(X, "X", model["dtype"], (None, features))
    check_rows(len(X), *rows, **model)


def check_rows(
    rows: int,
    y: Any,
    sample_weight: Any,
    order: Any,
    batch_size: Any,
    *,
    dtype: np.dtype,
    outputs: int,
    codes: bool,
) -> None:
    """Raise an error that names the first unfit argument besides X."""
    if codes:
        classes = max(outputs, 2)
        check_array(y, "y", np.dtype(np.int64), (rows,))
        if rows and not 0 <= y.min() <= y.max() < classes:
            raise ValueError(f"y must hold codes from 0 to {classes - 1}")
    else:
        check_array(y, "y", dtype, (rows, outputs))
    if sample_weight is not None:
        check_array(sample_weight, "sample_weight", np.dtype(np.float64), (rows,))
    if order is not None:
        check_array(order, "order", np.dtype(np.int64), (None,))
        if len(order) and not 0 <= order.min() <= order.max() < rows:
            raise ValueError(f"order must hold row numbers from 0 to {rows - 1}")
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)):
        raise TypeError(f"batch_size must be an int, got {batch_size!r}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size!r}")
    if batch_size > MOST_ROWS:
        raise ValueError(f"batch_size must be at most 2**53, got {batch_size!r}")


def check_array(array: Any, name: str, dtype: np.dtype, shape: tuple[int | None, ...]) -> None:
    """Raise unless an array is C-contiguous, aligned, of a dtype and a shape (None: any length)."""
    said = f"{name} must be a C-contiguous {dtype} array of shape " + str(
        tuple("n" if s is None else s for s in shape)
    ).replace("'", "")
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{said}, got {type(array).__name__}")
    if array.dtype != dtype:
        raise TypeError(f"{said}, got {array.dtype}")
    fits = array.ndim == len(shape) and all(
        s is None or s == got for s, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{said}, got shape {array.shape}")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(f"{said}, got one that is strided or not aligned")
