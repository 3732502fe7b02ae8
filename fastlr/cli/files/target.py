"""What a column to predict is: classes, or a quantity."""

from __future__ import annotations

import numpy as np

from ..errors import InputError

CLASSES, NUMBERS = "classification", "regression"
_FEW = 20  # different whole numbers that are taken for classes, however few the rows


def read_target(y: np.ndarray, name: str, kind: str) -> tuple[np.ndarray, str]:
    """Return the target fit for a model, and the kind: `CLASSES`, `NUMBERS` or by the values.

    `name` is for errors.
    """
    if kind == "auto":
        kind = NUMBERS if is_quantity(y) else CLASSES
    return (labels(y, name) if kind == CLASSES else numbers(y, name)), kind


def is_quantity(y: np.ndarray) -> bool:
    """Return whether values are more likely measured or counted than names of classes.

    Examples
    --------
    >>> is_quantity(np.array([0.5, 1.5])), is_quantity(np.array([0, 1])), is_quantity(np.arange(99))
    (True, False, True)
    """
    if y.dtype.kind not in "biufUmMc":
        y = _plain(y)
    if y.dtype.kind == "f":
        if not _is_whole(y):
            return True
        y = y.astype(np.int64)
    if y.dtype.kind not in "iu":
        return False
    counts = np.unique(y, return_counts=True)[1]
    return len(counts) > _FEW and (len(y) < 5 * len(counts) or bool(counts.min() < 2))


def numbers(y: np.ndarray, name: str) -> np.ndarray:
    """Return a quantity as float64; `name` is for errors."""
    if y.dtype.kind not in "biufU":
        _refuse_kinds(y, name, "numbers")
        y = _plain(y)
    if y.dtype.kind == "U":
        raise InputError("--target", f"{name} holds text, expected numbers (--task regression)")
    values = y.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError("--target", f"{name} holds infinite values")
    if values.min() == values.max():
        raise InputError("--target", f"{name} has one value only ({values[0]:g})")
    return values


def labels(y: np.ndarray, name: str) -> np.ndarray:
    """Return labels fit for a classifier: whole numbers, booleans or text; `name` is for errors."""
    if y.dtype.kind not in "biufU":
        _refuse_kinds(y, name, "classes")
        y = _plain(y)
    quantity = "classes are whole numbers or text, and `fastlr fit` trains regressors too"
    if y.dtype.kind == "f":
        if not _is_whole(y):
            different = len(np.unique(y))
            raise InputError(
                "--target",
                f"{name} is a quantity (fractions, {different:,} different values): {quantity}",
            )
        y = y.astype(np.int64)
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) == 1:
        raise InputError(
            "--target", f"{name} has one class only ({classes[0]}); a classifier needs two"
        )
    if y.dtype.kind in "iu" and len(classes) > _FEW and len(y) < 5 * len(classes):
        raise InputError(
            "--target",
            f"{name} is a quantity ({len(classes):,} different numbers in {len(y):,} rows): "
            f"{quantity}",
        )
    if counts.min() < 2:
        single = classes[counts < 2]
        shown = ", ".join(str(c) for c in single[:3]) + (", ..." if len(single) > 3 else "")
        raise InputError(
            "--target",
            f"{name}: {len(single):,} of {len(classes):,} classes have a single row ({shown}); "
            "each needs two, one to train on and one to test on",
        )
    return y


def _refuse_kinds(y: np.ndarray, name: str, expected: str) -> None:
    for kinds, what in (("mM", "dates or times"), ("c", "complex numbers")):
        if y.dtype.kind in kinds:
            raise InputError("--target", f"{name} holds {what}, expected {expected}")


def _is_whole(y: np.ndarray) -> bool:
    return bool(np.all(np.isfinite(y)) and np.all(y == np.round(y)) and np.abs(y).max() < 2**53)


def _plain(y: np.ndarray) -> np.ndarray:
    """Return an array of Python objects as numbers, where all are, else as text."""
    if all(isinstance(v, (int, float, np.number, bool)) for v in y):
        found = np.array(y.tolist())
        return found.astype(np.float64) if found.dtype.kind == "O" else found  # beyond 64 bits
    return np.array([str(v) for v in y])
