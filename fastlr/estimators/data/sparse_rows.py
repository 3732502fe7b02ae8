"""What a linear model needs besides its engine to be trained on sparse rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from ...training import EpochResult


def ready_rows(X: Any) -> Any:
    """Return rows as an engine takes them.

    Parameters
    ----------
    X : ndarray or CSR matrix
        Validated rows.

    Returns
    -------
    ndarray or CSR matrix
        Copied only if not aligned, and if more than half of a matrix is stored: such rows take no
        more room in dense form, and are trained on faster.
    """
    if not sparse.issparse(X):
        return np.require(X, requirements="A")
    if 2 * X.nnz > X.shape[0] * X.shape[1]:
        return X.toarray(order="C")
    if not X.data[: X.nnz].all():  # what is zero is not met, stored or not
        X = X.copy()
        X.eliminate_zeros()
    parts = (X.data[: X.nnz], X.indices[: X.nnz], X.indptr)
    if X.nnz == len(X.data) and all(
        part.flags.c_contiguous and part.flags.aligned for part in parts
    ):
        return X
    return type(X)(tuple(np.require(part, requirements=["C", "A"]) for part in parts), X.shape)


def check_sparse(X: Any, name: str = "X") -> None:
    """Raise if a sparse matrix says that entries lie where there is no room for them.

    SciPy trusts indices: before anything reads through them, this must have looked at all of them.
    Objects of other kinds pass.

    Parameters
    ----------
    X : object
        What a user gave.
    name : str, default="X"
        What to call it.

    Raises
    ------
    ValueError
        If indices are out of range, or starts fall or do not fit the arrays.
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


def is_plain_csr(X: Any, dtype: np.dtype, n_features: int) -> bool:
    """Return whether rows need no validation.

    Parameters
    ----------
    X : object
        What a user gave.
    dtype : numpy.dtype
        Precision of the model.
    n_features : int
        Of the model.

    Returns
    -------
    bool
    """
    return (
        sparse.issparse(X)
        and X.format == "csr"
        and X.dtype == dtype
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == n_features
        and all(p.flags.c_contiguous and p.flags.aligned for p in (X.data, X.indices, X.indptr))
        and bool(np.isfinite(X.data).all())
        and bool(X.data.all())
    )


class AnyRows:
    """An engine that takes rows of the other kind as well, which it copies.

    A model is trained by the engine of the rows that it saw first, whose parameters lie as that
    engine wants them.

    Parameters
    ----------
    epoch : LinearEpoch or SparseEpoch
        The engine.
    """

    def __init__(self, epoch: Any) -> None:
        self.epoch = epoch
        self._sparse = epoch.model == "sparse"

    @property
    def uses_blas(self) -> bool:
        """Whether BLAS does the products."""
        uses: bool = self.epoch.uses_blas
        return uses

    def run(self, X: Any, *args: Any) -> EpochResult:
        """Train for one epoch."""
        result: EpochResult = self.epoch.run(self._own(X), *args)
        return result

    @classmethod
    def run_together(
        cls, engines: Sequence[AnyRows], X: Any, *args: Any
    ) -> list[EpochResult] | None:
        """Train several for one epoch."""
        epochs = [engine.epoch for engine in engines]
        results: list[EpochResult] | None = type(epochs[0]).run_together(
            epochs, engines[0]._own(X), *args
        )
        return results

    def gains_together(self, X: Any) -> bool:
        """Return whether to train several side by side saves time on rows such as these."""
        gains: bool = self.epoch.gains_together(X)
        return gains

    def evaluate(self, X: Any, *args: Any) -> tuple[float, float]:
        """Return sums of losses and weights."""
        sums: tuple[float, float] = self.epoch.evaluate(self._own(X), *args)
        return sums

    def lag(self) -> bool:
        """Let parameters fall behind the steps made until `settle`; return whether they may."""
        if self._sparse:
            self.epoch.settles = False
        return self._sparse

    def settle(self) -> None:
        """Bring parameters up to date."""
        if self._sparse:
            self.epoch.settle()

    def _own(self, X: Any) -> Any:
        if sparse.issparse(X) == self._sparse:
            return X
        check_sparse(X)
        return sparse.csr_array(X) if self._sparse else X.toarray()


def sparse_scaling(
    X: Any, weights: np.ndarray | None, wanted: bool | str, centre: bool
) -> dict[str, np.ndarray]:
    """Return what to divide features by, or nothing where they are to stay as they are.

    By default they are, for what makes sparse rows, such as tf-idf, has scaled them already; and
    they are never shifted, which would leave no zeros.

    Parameters
    ----------
    X : CSR matrix of shape (rows, features)
        Finite numbers.
    weights : ndarray of shape (rows,) or None
        Weights of the rows, not all zero.
    wanted : {"auto"} or bool
        The constructor parameter.
    centre : bool
        Whether the model has an intercept: features are divided by their standard deviation, else
        by the root of their mean square.

    Returns
    -------
    dict of str to ndarray
        ``scale``, as `scale_features` returns it.
    """
    if not wanted or wanted == "auto":
        return {}
    if not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    values = X.data.astype(np.float64)
    weight = np.ones(X.shape[0]) if weights is None else weights
    each = np.repeat(weight, np.diff(X.indptr))
    total, size = weight.sum(), X.shape[1]
    second = np.bincount(X.indices, each * values * values, minlength=size) / total
    if centre:
        second -= (np.bincount(X.indices, each * values, minlength=size) / total) ** 2
    scale = np.sqrt(np.maximum(second, 0))
    return {"scale": np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)}
