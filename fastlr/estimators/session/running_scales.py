"""Scales of features and targets that a model keeps up to date while it learns online.

The first rows say little of scales, and one of them may be an outlier. While they are few, all are
kept, and after 1, 2, 3, 5, 8, 13, ... of them the scales are worked out anew; trained parameters
stay, for they have learned next to nothing in units that were wrong. From `FIRST` rows on one row
in `STRIDE` is looked at, and whenever a block of them is full the moments take it in. Units of
training change only where the moments have left them by far, and then parameters are converted,
so that the model predicts what it did.

What happens for a row is counting, and for one in `STRIDE` copying it into the block: a compiled
loop may keep `rows_until_event` rows by itself, and hand them to `add` together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data.rows import Matrix, Rows, is_huge, is_sparse
from ..data.scaling import SILENT, feature_moments, is_constant
from ..data.targets import RealTargets, Targets
from ..models.model import Model
from ..models.units import Arrays
from .running_moments import LARGEST, RunningMoments, within_reach

FIRST, LATER = 64, 16  # rows from which the first scales come, and in a block later
STRIDE = 8  # of so many rows one is looked at later
FEATURE_ROWS = 128  # of a fit, by which outliers are told after it
AUTO = 8  # rows from which standardize="auto" can tell whether features need it
WIDE = 2**20  # elements that the block may have
RATIO, AWAY = 1.5, 0.5  # scales and deviations by which moments must leave the units in use
SPARSE_REACH = 10.0  # times the reach of stored values, beyond which one is an outlier

Known = tuple[Arrays, Targets]


class RunningScales:
    """Moments of X and of numeric y, and the block of rows that they take in next.

    Parameters
    ----------
    n_features, n_outputs : int
        Columns of X, and of y; no outputs for labels.
    dtype : numpy.dtype
        Of X.
    sparse : bool
        Whether X is; then its stored values have one scale, by which outliers are told.

    Attributes
    ----------
    warm : bool
        Whether the first rows have been seen.
    """

    def __init__(self, n_features: int, n_outputs: int, dtype: np.dtype, sparse: bool) -> None:
        self._sparse = sparse
        width = 0 if sparse else n_features
        self._size = max(min(FIRST, WIDE // max(width, 1)), AUTO)
        self._X, self._y = np.zeros((self._size, width), dtype), np.zeros((self._size, n_outputs))
        self._filled = self._skip = 0
        self._due, self._next = 1, 2
        self.warm = False
        self.features: RunningMoments | None = None
        self.targets: RunningMoments | None = None
        self._unit: RunningMoments | None = None  # what `targets` were when units were last set

    @property
    def rows_until_event(self) -> int:
        """Rows that may come before units have to be looked at, if they come one by one."""
        due = self._due - self._filled - 1
        return self._skip + due * (STRIDE if self.warm else 1)

    def passes(self, n: int) -> bool:
        """Count rows if none of so many is to be looked at; return whether that is so."""
        if self._skip < n:
            return False
        self._skip -= n
        return True

    def add(self, X: Matrix, y: np.ndarray | None) -> bool:
        """Count rows, and keep some; return whether units have to be looked at."""
        n = int(X.shape[0])
        if self.passes(n):
            return False
        if self.warm:
            picked = slice(self._skip, None, STRIDE)
            self._skip = (self._skip - n) % STRIDE
        else:
            picked = slice(None)
        X = self._dense(X, picked)
        numbers = np.zeros((len(X), 0)) if y is None else y.reshape(n, -1)[picked]
        if not self.warm and is_huge(X):  # such rows are not learned from
            ordinary = [not is_huge(row) for row in X]
            X, numbers = X[ordinary], numbers[ordinary]
        filled = self._filled + len(X)
        if filled <= self._size:
            self._X[self._filled : filled], self._y[self._filled : filled] = X, numbers
            self._filled = filled
            return filled >= self._due and len(X) > 0
        self._X = np.concatenate([self._X[: self._filled], X])
        self._y = np.concatenate([self._y[: self._filled], numbers])
        self._filled = filled
        return True

    def _dense(self, X: Matrix, picked: slice) -> np.ndarray:
        if not is_sparse(X):
            return X[picked, : self._X.shape[1]]
        if not self._sparse:  # a network takes rows of either kind
            return X[picked].toarray()
        if X.nnz:
            self._take_stored(X.data[: X.nnz])
        return np.zeros((len(range(X.shape[0])[picked]), 0), self._X.dtype)

    def _take_stored(self, values: np.ndarray) -> None:
        values = np.abs(values[:: -(-len(values) // 256), None])
        if self.features is None:
            self.features = RunningMoments.of(values)
        else:
            self.features.add(values)

    def look(self, model: Model, known: Known) -> Known:
        """Return inputs and targets that the rows ask for; the same objects if nothing changes."""
        X, y = self._X[: self._filled], self._y[: self._filled]
        if not self.warm:
            return self._first(model, known, X, y)
        for moments, block in ((self.features, X), (self.targets, y)):
            if moments is not None and block.shape[1]:
                moments.add(block)
        self._empty()
        return self._inputs(known[0], X.dtype), self._targets(model, known[1])

    def _empty(self) -> None:
        self._size = min(self._size, LATER)
        self._X = np.zeros((self._size, self._X.shape[1]), self._X.dtype)
        self._y = np.zeros((self._size, self._y.shape[1]))
        self._filled, self._due = 0, self._size

    def _first(self, model: Model, known: Known, X: np.ndarray, y: np.ndarray) -> Known:
        """Work out units from the first rows."""
        inputs, targets = known
        if not self._sparse:
            bounded = within_reach(X)
            self.features = RunningMoments(bounded.mean(axis=0), bounded.var(axis=0), len(X))
            found = model._scaling_of(bounded.astype(X.dtype), None, len(X) < AUTO)
            if "scale" in found:
                inputs = {**inputs, **self._units(found, X.dtype)}
            elif "scale" in inputs:
                inputs = {n: inputs[n] for n in inputs if n not in ("shift", "scale")}
        if y.shape[1]:
            bounded = within_reach(y)
            self.targets = RunningMoments(bounded.mean(axis=0), bounded.var(axis=0), len(y))
            self._unit = RunningMoments.from_state(self.targets.state())
            column = isinstance(targets, RealTargets) and targets.vector
            targets = model._targets_of_chunk(
                bounded[:, 0] if column else bounded, None, True, None
            )
        self._due, self._next = self._next, self._due + self._next
        if self._filled >= self._size:
            self.warm = True
            self._empty()
        else:
            self._due = max(min(self._due, self._size), self._filled + 1)
        return inputs, targets

    def _units(self, inputs: Arrays, dtype: np.dtype) -> dict[str, np.ndarray]:
        """Return units by the moments; a constant feature has its own size, and may vary later."""
        assert self.features is not None
        mean, deviation = self.features.mean.copy(), self.features.deviation
        size = np.where(mean == 0, 1.0, np.abs(mean))
        if "shift" not in inputs:
            scale = np.hypot(mean, deviation)
            return {"scale": np.where(scale > 0, scale, 1.0)}
        constant = is_constant(mean, deviation, dtype)
        return {"shift": mean, "scale": np.where(constant, size, deviation)}

    def _inputs(self, inputs: Arrays, dtype: np.dtype) -> Arrays:
        if self._sparse or "scale" not in inputs:
            return inputs
        wanted = self._units(inputs, dtype)
        ratio = wanted["scale"] / inputs["scale"]
        far = ratio.max() > RATIO or ratio.min() < 1.0 / RATIO
        if "shift" in inputs:
            away = np.abs(wanted["shift"] - inputs["shift"])
            far = far or bool((away > AWAY * wanted["scale"]).any())
        return {**inputs, **wanted} if far else inputs

    def _targets(self, model: Model, targets: Targets) -> Targets:
        now, unit = self.targets, self._unit
        if now is None or unit is None or not isinstance(targets, RealTargets):
            return targets
        centred = model._has_shift and not targets.log
        sizes = [m.deviation if centred else np.hypot(m.mean, m.deviation) for m in (now, unit)]
        if not targets.scaled or not all((size > 0).all() for size in sizes):
            return targets
        if np.ptp(targets.scale) == 0:  # thresholds and penalties may ask for one scale of all
            sizes = [np.full_like(size, np.sqrt(np.mean(size**2))) for size in sizes]
        ratio, moved = sizes[0] / sizes[1], np.abs(now.mean - unit.mean) * centred
        if ratio.max() <= RATIO and ratio.min() >= 1.0 / RATIO and (moved <= AWAY * sizes[0]).all():
            return targets
        self._unit = RunningMoments.from_state(now.state())
        shift = targets.shift + (now.mean - unit.mean) * centred
        return RealTargets(shift, targets.scale * ratio, targets.vector, targets.log)

    # Outliers

    def within(self, rows: Rows, targets: Targets) -> Rows:
        """Return rows with outliers brought back within reach; the same if there are none.

        Dense features, and numeric targets, are cut off at `FAR` deviations, and a row with one
        that lies `k` times as far weighs ``1 / k**2``. Sparse rows are cut off by the scale that
        all stored values have in common, if one is beyond `SPARSE_REACH` times that; the chunk
        then weighs less.
        """
        X, y, excess = rows.X, rows.y, np.ones(1)
        if self.features is not None and is_sparse(X) and self._sparse:
            values, usual = X.data[: X.nnz], float((self.features.mean + self.features.reach)[0])
            most = max(values.max(), -values.min()) if values.size else 0.0
            if most > SPARSE_REACH * usual:
                X, excess = X.copy(), np.array([float(most) / usual])
                np.clip(X.data, -usual, usual, out=X.data)
        elif self.features is not None and not is_sparse(X) and not self._sparse:
            excess = self.features.excess(X)
            if excess.max() > 1.0:
                X = self.features.clipped(X)
        if self.targets is not None and isinstance(targets, RealTargets):
            numbers = y * targets.scale + targets.shift
            further = self.targets.excess(numbers)
            if further.max() > 1.0 + 1e-6:
                numbers = self.targets.clipped(numbers)
                y = ((numbers - targets.shift) / targets.scale).astype(y.dtype)
                excess = np.maximum(excess, further)
        if X is rows.X and y is rows.y:
            return rows
        weights = 1.0 if rows.weights is None else rows.weights
        return Rows(X, y, np.broadcast_to(weights / excess / excess, y.shape[:1]).copy())

    # From one session to the next

    def start_after(self, n_rows: int, known: Known, X: Matrix, z: np.ndarray) -> None:
        """Begin after a fit on so many rows, of which X and encoded targets are some."""
        inputs, targets = known
        self.warm = True
        self._empty()
        weight = float(n_rows)
        if is_sparse(X):
            if X.nnz:
                self._take_stored(X.data[: X.nnz])
        elif "scale" in inputs:
            mean, scale = inputs.get("shift"), inputs["scale"].astype(np.float64)
            if mean is None:
                mean = np.zeros_like(scale)
            silent = (mean != 0) & (scale == SILENT * np.abs(mean))
            self.features = RunningMoments(
                mean.astype(np.float64), np.where(silent, 0.0, scale) ** 2, weight
            )
        else:
            mean, deviation = feature_moments(X[:: -(-len(X) // FEATURE_ROWS)], None)
            self.features = RunningMoments(
                mean.astype(np.float64), deviation.astype(np.float64) ** 2, weight
            )
        if isinstance(targets, RealTargets):
            y = np.clip(z * targets.scale + targets.shift, -LARGEST, LARGEST)
            self.targets = RunningMoments(y.mean(axis=0), y.var(axis=0), weight)
            self._unit = RunningMoments.from_state(self.targets.state())

    def state(self) -> dict[str, Any]:
        """Return all of it, as arrays and plain values by name."""
        own = {name: getattr(self, name) for name in ("_filled", "_skip", "_due", "_next", "warm")}
        blocks = {"X": self._X[: self._filled].copy(), "y": self._y[: self._filled].copy()}
        moments = {"features": self.features, "targets": self.targets, "unit": self._unit}
        return {
            "sparse": self._sparse,
            **{name.lstrip("_"): value for name, value in own.items()},
            **blocks,
            **{name: each if each is None else each.state() for name, each in moments.items()},
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        self._filled, self._skip, self._due = state["filled"], state["skip"], state["due"]
        self._next, self.warm = state["next"], state["warm"]
        if self.warm:
            self._size = min(self._size, LATER)
        self._X[: self._filled], self._y[: self._filled] = state["X"], state["y"]
        found = [state[name] for name in ("features", "targets", "unit")]
        found = [each if each is None else RunningMoments.from_state(each) for each in found]
        self.features, self.targets, self._unit = found
