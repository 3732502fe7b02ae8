"""What a fit learns of y: how labels or numbers are written for an engine, and read back.

The engines know codes from 0 (``"softmax"``, ``"multinomial"``, ``"ovr"``) and matrices in the
arena's precision (``"each"``), nothing of labels or units.
"""

from __future__ import annotations

import numpy as np

from .rows import all_finite


def encode(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the position of each label in `classes`, which are sorted, as int64."""
    codes = classes.searchsorted(y)
    right = classes.take(codes, mode="clip") == y
    if not np.all(right):
        unknown = np.unique(y[~right])[:5].tolist()
        raise ValueError(f"y contains labels that are not among the classes {classes!r}: {unknown}")
    return codes.astype(np.int64, copy=False)


class ClassTargets:
    """Labels.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        All labels, sorted; for multilabel targets the numbers of the columns.
    multilabel : bool, default=False
        Whether a row may have any number of labels, which y says in a matrix of 0 and 1.

    Attributes
    ----------
    outputs : int
        Raw scores per row: 1 for two classes, else one for each class or label.
    start : None
        There is no better first guess than zero.
    scaled : bool
        Always False; numbers may be.
    """

    start: np.ndarray | None = None
    scaled = False

    def __init__(self, classes: np.ndarray, multilabel: bool = False) -> None:
        self.classes, self.multilabel = classes, multilabel
        self.outputs = 1 if len(classes) == 2 and not multilabel else len(classes)

    def encode(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return int64 codes, or a matrix of +1 and -1 for multilabel targets."""
        if not self.multilabel:
            if y.ndim != 1:
                raise ValueError(f"y must have one dimension, as in the first fit, got {y.shape}")
            return encode(y, self.classes)
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise ValueError(
                f"y must have {len(self.classes)} columns, one for each label, got shape {y.shape}"
            )
        signs = np.full(y.shape, -1, dtype)
        signs[y != 0] = 1
        return signs

    def is_plain(self, y: object, n_rows: int) -> bool:
        """Return whether y needs no conversion, so that `encode` alone checks it."""
        return (
            type(y) is np.ndarray
            and y.ndim == 1
            and len(y) == n_rows
            and not self.multilabel
            and y.dtype == self.classes.dtype
            and y.dtype.kind in "biufU"
        )

    def same_kind(self, other: Targets) -> bool:
        """Return whether outputs of a model of `other` mean the same here."""
        return (
            isinstance(other, ClassTargets)
            and self.multilabel == other.multilabel
            and np.array_equal(self.classes, other.classes)
        )

    def going_on_from(self, known: ClassTargets) -> ClassTargets:
        """Return what a warm start trains on, `known` being of the fit before."""
        if self.multilabel != known.multilabel or not np.array_equal(self.classes, known.classes):
            raise ValueError(
                f"warm_start: y must have the classes of the last fit, {known.classes!r}, "
                f"got {self.classes!r}"
            )
        return self


class RealTargets:
    """Numbers, trained on as ``(y - shift) / scale``.

    Parameters
    ----------
    shift, scale : ndarray of shape (n_outputs,), float64
        Units of training; zeros and ones leave y as it is.
    vector : bool
        Whether y has one dimension, so that predictions have one, too.
    log : bool, default=False
        Whether raw scores are logarithms of predictions; `shift` is then zero.
    start : ndarray of shape (n_outputs,) or None, default=None
        First raw scores, for the intercept to start at where it would be far from zero.

    Attributes
    ----------
    outputs : int
        Raw scores per row.
    scaled : bool
        Whether shift and scale change anything.
    raw_shift, raw_scale : ndarray of shape (n_outputs,)
        What makes raw scores in the units of y of those of training: ``raw_scale * z +
        raw_shift``.
    """

    def __init__(
        self,
        shift: np.ndarray,
        scale: np.ndarray,
        vector: bool,
        log: bool = False,
        start: np.ndarray | None = None,
    ) -> None:
        self.shift, self.scale, self.vector, self.log, self.start = shift, scale, vector, log, start
        self.outputs = len(shift)
        self.scaled = bool(shift.any() or (scale != 1).any())
        self.raw_shift = np.log(scale) if log else shift
        self.raw_scale = np.ones_like(scale) if log else scale

    def encode(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return a C-contiguous matrix of shape (n_samples, n_outputs)."""
        if y.ndim != (1 if self.vector else 2) or y.size != len(y) * self.outputs:
            expected = "(n,)" if self.vector else f"(n, {self.outputs})"
            raise ValueError(f"y must be of shape {expected} as in the first fit, got {y.shape}")
        matrix = y.reshape(len(y), self.outputs)
        if self.scaled:
            matrix = (matrix - self.shift) / self.scale
        return np.ascontiguousarray(matrix, dtype)

    def is_plain(self, y: object, n_rows: int) -> bool:
        """Return whether y needs no conversion, so that `encode` alone checks it."""
        return (
            type(y) is np.ndarray
            and len(y) == n_rows
            and y.dtype.kind in "iuf"
            and (y.dtype.kind != "f" or all_finite(y))
        )

    def same_kind(self, other: Targets) -> bool:
        """Return whether outputs of a model of `other` mean the same here."""
        return (
            isinstance(other, RealTargets)
            and self.outputs == other.outputs
            and self.log == other.log
        )

    def going_on_from(self, known: RealTargets) -> RealTargets:
        """Return what a warm start trains on, `known` being of the fit before."""
        if (self.outputs, self.vector) != (known.outputs, known.vector):
            raise ValueError(
                f"warm_start: y must have the {known.outputs} outputs of the last fit, in as many "
                f"dimensions, got {self.outputs}"
            )
        return known


Targets = ClassTargets | RealTargets
