"""Mean and scale of features, and whether training needs them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .rows import Matrix

_BLOCK = 1 << 16  # elements looked at together
_SMALL = 1e-15  # numbers whose squares float32 holds with few digits, or none
SILENT = 1e8  # times its size, the scale of a constant feature
_LOOKED_AT = 512  # rows by which `standardize="auto"` decides
# Root of the summed variances between which features of one kind are left as they are. Measured
# over scikit-learn's data sets and Fashion-MNIST with the default rates: below, weights do not
# get large enough in time; above, steps overshoot.
_LEAST, _MOST = 6.0, 60.0
# A feature that hardly ever varies lies this many deviations from its mean when it does. Where a
# twentieth of the features do (digits 0.13 and 0.22, Fashion-MNIST 0.12), scaling cost 0.5 points;
# where none does (pen strokes 0 to 100, image segments), it gained 2 to 4, most of it by the shift.
_FAR, _SOME = 8.0, 0.05


# Entries of sparse features are far larger than others' from this factor on (years and sums of
# money beside indicators), and this many tell what is usual.
_LARGER, _ENTRIES = 10.0, 4096


def feature_moments(X: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each column, in one pass."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = _moments(X, weights, X.dtype)
        if X.dtype != np.float64 and not np.isfinite(found).all():
            found = _moments(X, weights, np.dtype(np.float64))
    if X.dtype != np.float64:  # where squares are below its numbers, too
        mean, deviation = found
        small = np.flatnonzero((deviation < _SMALL) & (np.abs(mean) < _SMALL))
        if small.size and (columns := np.ascontiguousarray(X[:, small])).any():
            mean[small], deviation[small] = _moments(columns, weights, np.dtype(np.float64))
    return found


def _moments(
    X: np.ndarray, weights: np.ndarray | None, dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    rows = max(_BLOCK // max(X.shape[1], 1), 1)
    first_used = 0 if weights is None else int(np.argmax(weights > 0))
    pivot = X[first_used].astype(dtype)  # sums of squares lose no digits to a large offset
    first, second, total = np.zeros(X.shape[1]), np.zeros(X.shape[1]), 0.0
    for start in range(0, len(X), rows):
        block = X[start : start + rows].astype(dtype, copy=False) - pivot
        if weights is None:
            total += len(block)
            first += block.sum(axis=0)
            second += np.einsum("ij,ij->j", block, block)
        else:
            w = weights[start : start + rows].astype(dtype)
            total += float(w.sum())
            first += w @ block
            second += np.einsum("i,ij,ij->j", w, block, block)
    first /= total
    return pivot + first, np.sqrt(np.maximum(second / total - first**2, 0))


def is_constant(mean: np.ndarray, deviation: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return which features vary by no more than rounding does."""
    return deviation <= 8 * np.finfo(dtype).eps * np.abs(mean)


def scale_features(
    mean: np.ndarray, deviation: np.ndarray, centre: bool, dtype: np.dtype
) -> dict[str, np.ndarray]:
    """Return what to take off features and what to divide them by."""
    known = np.isfinite(mean) & np.isfinite(deviation)
    mean, deviation = np.where(known, mean, 0.0), np.where(known, deviation, 1.0)
    if centre:
        silent = np.where(mean == 0, 1.0, SILENT * np.abs(mean))
        constant = is_constant(mean, deviation, dtype)
        return {"shift": mean, "scale": np.where(constant, silent, deviation)}
    scale = np.hypot(mean, deviation)
    return {"scale": np.where(scale > 0, scale, 1.0)}


def is_well_scaled(X: np.ndarray, weights: np.ndarray | None) -> bool:
    """Return whether training goes well on features as they are, judged by some of the rows.

    That is so if each has a deviation near 1 and a mean near 0. It is so too if all are of one
    kind, such as pixels and counts: few of them vary far less than the others, their means are
    no larger than a few deviations, a row varies, over all features together, by neither
    too little nor too much for the usual rates, and some features hardly ever vary. Dividing
    each by its deviation would only blow those up. Without any of them means must be small,
    for it is the offsets that hinder training.
    """
    used = np.arange(len(X)) if weights is None else np.flatnonzero(weights)
    if not used.size:
        return True
    rows = X[used[:: -(-len(used) // _LOOKED_AT)]]
    mean, deviation = feature_moments(rows, None)
    if not np.isfinite(deviation).all():
        return False
    varying = ~is_constant(mean, deviation, X.dtype)
    mean, deviation = mean[varying], deviation[varying]
    if not deviation.size:
        return True
    if deviation.min() >= 0.5 and deviation.max() <= 2 and np.abs(mean).max() <= 1:
        return True
    whole, offset = float(np.linalg.norm(deviation)), float(np.linalg.norm(mean))
    typical = whole / np.sqrt(deviation.size)
    if not _LEAST <= whole <= _MOST or np.quantile(deviation, 0.25) < 0.1 * typical:
        return False
    if offset <= 0.5 * whole:
        return True
    farthest = np.abs(rows[:, varying] - mean).max(axis=0)
    return offset <= 3 * whole and bool(np.mean(farthest > _FAR * deviation) >= _SOME)


def learn_scaling(
    X: Matrix, weights: np.ndarray | None, wanted: bool | str, centre: bool
) -> dict[str, np.ndarray]:
    """Return what to take off features and divide them by; nothing where they stay as they are."""
    if sparse.issparse(X):
        if wanted == "auto":
            return _outliers_scaling(X)
        return _sparse_scaling(X, weights, centre) if wanted else {}
    if not wanted or (wanted == "auto" and is_well_scaled(X, weights)):
        return {}
    return scale_features(*feature_moments(X, weights), centre, X.dtype)


def _outliers_scaling(X: sparse.csr_array) -> dict[str, np.ndarray]:
    """Return scales of features whose entries are far larger than others', nothing for none."""
    if not X.nnz:
        return {}
    usual = np.median(np.abs(X.data[:: -(-X.nnz // _ENTRIES)]))
    if not (X.data.max() > _LARGER * usual or X.data.min() < -_LARGER * usual):
        return {}
    size = X.shape[1]
    values = X.data.astype(np.float64)
    counts = np.bincount(X.indices, minlength=size)
    with np.errstate(over="ignore", invalid="ignore"):
        root = np.sqrt(np.bincount(X.indices, values * values, size) / np.maximum(counts, 1))
    usual = np.median(root[root > 0])
    large = np.isfinite(root) & (root > _LARGER * usual)
    return {"scale": np.where(large, root / usual, 1.0)} if large.any() else {}


def _sparse_scaling(
    X: sparse.csr_array, weights: np.ndarray | None, centre: bool
) -> dict[str, np.ndarray]:
    """Return standard deviations, or without an intercept roots of mean squares."""
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
