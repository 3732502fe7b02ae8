"""Rows as users give them and as engines take them, and checks quick enough for a single row."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TypeAlias, TypeGuard

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from ...training.sparse.data import of_one_width

Features: TypeAlias = ArrayLike | sparse.sparray | sparse.spmatrix  # what users give for X
Matrix: TypeAlias = np.ndarray | sparse.csr_array  # what is left of it after validation

FLOATS = [np.float64, np.float32]

_SHORT = 4096
_FEW = 1 << 16
_NATIVE = (np.dtype(np.float32), np.dtype(np.float64))  # of this machine's byte order

# Labels by their type: bool, whole numbers and strings. scikit-learn, whose check sorts all of them
# once more, has nothing to say of those with no more different values than this share of rows.
PLAIN_LABELS = "biuSU"
MOST_PLAIN_LABELS = 0.4


@dataclass(eq=False, repr=False)
class Rows:
    """Rows as an engine takes them.

    Attributes
    ----------
    X : ndarray or sparse array of shape (n_samples, n_features)
        Features.
    y : ndarray
        Encoded targets.
    weights : ndarray of shape (n_samples,) or None
        Class weights included.
    sample_weight : ndarray of shape (n_samples,) or None
        Without them, for scores.
    chosen : ndarray of shape (n_used,), int64, or None
        Which rows to use; None for all.
    used : int
        How many rows are used.
    """

    X: Matrix
    y: np.ndarray
    weights: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    chosen: np.ndarray | None = None
    used: int = field(init=False)

    def __post_init__(self) -> None:
        self.used = int(self.X.shape[0]) if self.chosen is None else len(self.chosen)

    @property
    def numbers(self) -> np.ndarray:
        """Numbers of the rows that are used."""
        if self.chosen is None:
            return np.arange(self.X.shape[0], dtype=np.int64)
        return self.chosen

    def weights_of_chosen(self) -> np.ndarray | None:
        """Return weights of all rows, zero for those that are not used; None if all are one."""
        if self.chosen is None:
            return self.weights
        weights = np.zeros(self.X.shape[0])
        weights[self.chosen] = 1.0 if self.weights is None else self.weights[self.chosen]
        return weights

    def weigh_one_on_average(self) -> None:
        """Scale the weights, so that those of the rows used have a mean of 1."""
        if self.weights is not None:
            used = self.weights if self.chosen is None else self.weights[self.chosen]
            self.weights[:] /= used.mean()

    def taken(self, index: np.ndarray | slice) -> Rows:
        """Return some rows: a copy, or views where a slice of dense ones is asked for."""
        w, s = self.weights, self.sample_weight
        return Rows(
            self.X[index],
            np.ascontiguousarray(self.y[index]),
            None if w is None else w[index],
            None if s is None else s[index],
        )


def is_sparse(X: object) -> TypeGuard[sparse.csr_array]:
    """Return whether rows are a sparse matrix or array."""
    return bool(sparse.issparse(X))


def ready_rows(X: Matrix) -> Matrix:
    """Return validated rows as an engine takes them.

    They are copied only if not aligned, and if more than half of a matrix is stored: such rows
    take no more room in dense form, and are trained on faster.
    """
    if not is_sparse(X):
        return np.require(X, requirements="A")
    X = of_one_width(X)  # SciPy cannot slice others
    if 2 * X.nnz > X.shape[0] * X.shape[1]:
        return X.toarray(order="C")
    if not X.data[: X.nnz].all():  # what is zero is not met, stored or not
        X = X.copy()
        X.eliminate_zeros()
    parts = (X.data[: X.nnz], X.indices[: X.nnz], X.indptr)
    fits = all(part.flags.c_contiguous and part.flags.aligned for part in parts)
    if fits and X.nnz == len(X.data):
        return X
    return type(X)(tuple(np.require(part, requirements=["C", "A"]) for part in parts), X.shape)


def all_finite(array: np.ndarray) -> bool:
    """Return whether an array of floats holds neither NaN nor infinity.

    For a single row, its product with itself tells in half the time; only where that overflows
    must each number be looked at. Long products BLAS would split among threads.
    """
    if array.size <= _SHORT and math.isfinite(np.vdot(array, array)):
        return True
    return bool(np.isfinite(array).all())


def need_no_validation(X: object, y: object) -> bool:
    """Return whether X and y are few and as scikit-learn's validation would return them.

    To find that out here takes a tenth of the time.
    """
    return (
        _are_plain(X)
        and type(y) is np.ndarray
        and y.shape == (len(X),)
        and (y.dtype.kind in PLAIN_LABELS or (y.dtype in _NATIVE and all_finite(y)))
        and y.flags.c_contiguous
    )


def is_plain(X: object, n_features: int) -> bool:
    """Return whether rows are few and need no validation, which takes longer than prediction."""
    return _are_plain(X) and X.shape[1] == n_features


def is_plain_chunk(X: object, dtype: np.dtype, n_features: int) -> bool:
    """Return whether the rows of a chunk need no validation; they may be many, or sparse."""
    if type(X) is np.ndarray:
        return (
            X.dtype == dtype
            and X.ndim == 2
            and len(X) > 0
            and X.shape[1] == n_features
            and X.flags.c_contiguous
            and X.flags.aligned
            and all_finite(X)
        )
    return (
        is_sparse(X)
        and X.format == "csr"
        and X.dtype == dtype
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == n_features
        and X.indices.dtype == X.indptr.dtype
        and all(p.flags.c_contiguous and p.flags.aligned for p in (X.data, X.indices, X.indptr))
        and bool(np.isfinite(X.data).all())
        and bool(X.data.all())
    )


def is_huge(X: Matrix) -> bool:
    """Return whether squares of X come near the largest number."""
    values = X.data if is_sparse(X) else np.asarray(X)
    limit = math.sqrt(np.finfo(values.dtype).max) / 16.0
    return bool(values.size) and not -limit < values.min() <= values.max() < limit


def _are_plain(X: object) -> TypeGuard[np.ndarray]:
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.dtype in _NATIVE
        and 0 < X.size <= _FEW
        and X.flags.c_contiguous
        and X.flags.aligned
        and all_finite(X)
    )
