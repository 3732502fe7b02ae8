"""Checks of sparse matrices, for SciPy and the engines trust their indices."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse


def check_sparse(X: Any, name: str = "X") -> None:
    """Raise if a sparse matrix says that entries lie where there is no room for them.

    SciPy trusts indices: before anything reads through them, this must have looked at all of them.
    Objects of other kinds pass.
    """
    if not sparse.issparse(X) or X.ndim != 2:
        return
    if X.format == "coo":
        bounds = zip((X.row, X.col), X.shape, strict=True)
        if not all(len(X.data) == len(index) and _below(index, n) for index, n in bounds):
            raise _unsound(name)
    if X.format not in {"csr", "csc", "bsr"}:
        return
    height, width = X.blocksize if X.format == "bsr" else (1, 1)
    rows, columns = X.shape[0] // height, X.shape[1] // width
    major, minor = (columns, rows) if X.format == "csc" else (rows, columns)
    starts, indices, stored = X.indptr, X.indices, len(X.data)
    if not (
        starts.ndim == indices.ndim == 1
        and X.data.ndim == (3 if X.format == "bsr" else 1)
        and starts.dtype.kind == indices.dtype.kind == "i"
        and len(starts) == major + 1
        and len(indices) == stored
        and starts[0] == 0
        and starts[-1] <= stored
        and not (starts[1:] < starts[:-1]).any()
        and _below(indices[: starts[-1]], minor)
    ):
        raise _unsound(name)


def _below(index: np.ndarray, n: int) -> bool:
    """Return whether whole numbers are at least 0 and below `n`."""
    # A negative number without its sign is a very large one: one pass tells both.
    if index.dtype.kind != "i" or not index.dtype.isnative:
        return not index.size or bool(index.min() >= 0 and index.max() < n)
    return not index.size or int(index.view(f"u{index.itemsize}").max()) < n


def _unsound(name: str) -> ValueError:
    return ValueError(
        f"{name} must have indices within its shape, and starts (indptr) that begin at 0, do not "
        "fall, and end within the entries"
    )
