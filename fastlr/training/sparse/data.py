"""Checks of the arguments of an epoch over sparse rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ..data import check_array, check_rows


def check_data(X: Any, *rows: Any, features: int, **model: Any) -> None:
    """Raise an error that names the first unfit argument; values of indices are not looked at."""
    if not sparse.issparse(X) or X.format != "csr":
        what = f"{X.format} format" if sparse.issparse(X) else type(X).__name__
        raise TypeError(f"X must be a SciPy matrix or array in CSR format, got {what}")
    if X.ndim != 2 or X.shape[1] != features:
        raise ValueError(f"X must be of shape ('n', {features}), got {X.shape}")
    check_array(X.data, "X.data", model["dtype"], (None,))
    for name, array, length in (
        ("X.indices", X.indices, len(X.data)),
        ("X.indptr", X.indptr, X.shape[0] + 1),
    ):
        kind = np.dtype(np.int32) if array.dtype == np.int32 else np.dtype(np.int64)
        check_array(array, name, kind, (length,))
    check_rows(X.shape[0], *rows, **model)


def check_all(X: Any, *args: Any, **kwargs: Any) -> None:
    """Check the arguments of an epoch as `check_data` does, and the values of indices."""
    check_data(X, *args, **kwargs)
    check_indices(X)


def check_indices(X: Any) -> None:
    """Raise unless row starts do not fall, and indices lie within the features."""
    starts = X.indptr
    fit = len(starts) == X.shape[0] + 1 and len(X.indices) == len(X.data)
    fit = (
        fit and starts[0] >= 0 and starts[-1] <= len(X.indices) and not (np.diff(starts) < 0).any()
    )
    used = X.indices[starts[0] : starts[-1]]
    if not (fit and (not used.size or (used.min() >= 0 and used.max() < X.shape[1]))):
        raise corrupt(X)


def of_one_width(X: Any) -> Any:
    """Return a CSR matrix with row starts as wide as its indices; other objects as they are."""
    if not sparse.issparse(X) or X.format != "csr" or X.indptr.dtype == X.indices.dtype:
        return X
    kinds = {X.indptr.dtype, X.indices.dtype}
    if kinds != {np.dtype(np.int32), np.dtype(np.int64)}:
        return X  # which the check of the data says what is wrong with
    same = X.copy()
    same.indptr, same.indices = X.indptr.astype(np.int64), X.indices.astype(np.int64)
    return same


def corrupt(X: Any) -> ValueError:
    """Return the error for a matrix whose indices are out of bounds."""
    return ValueError(
        f"X must have indices from 0 to {X.shape[1] - 1}, and row starts (indptr) that do not fall"
    )
