"""The stepper in Python: what `_stepper.pyx` does, where nothing could be compiled.

It calls the same C function pointers (Numba makes them) through ctypes, and adds norms in the
same order, so that results do not depend on which stepper made them.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .bound_sums import BoundSums

_NORM_BLOCK = 16384
_TABLE_ROWS = 256
_KERNEL = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t
)
_MEASURE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, ctypes.c_ssize_t)
_ADAPT = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)


class Stepper:
    """Steps bound arrays; see the compiled class of the same name for the parameters."""

    def __init__(
        self,
        params: list[np.ndarray],
        states: list[list[np.ndarray]],
        group_ids: list[int],
        *,
        names: list[Any] | None,
        single: bool,
        kernel: int,
        sumsq: int,
        refill: Callable[[int, int], Any],
        complain: Callable[[int, Any], None],
        clip_norm: float,
        clip_scope: str,
        check: bool,
        raises: bool,
        sign: float,
        n_threads: int,
        owner: Any,
        summing: BoundSums | None = None,
    ) -> None:
        self.t = 0
        self.skipped = 0
        self.dtype = params[0].dtype
        self._params, self._states, self._group_ids = params, states, group_ids
        self._names, self._single = names, single
        self._kernel, self._owner = _KERNEL(kernel), owner
        self._refill, self._complain = refill, complain
        self._clip_scope = clip_scope
        self._clip_norm, self._check, self._raises, self._sign = clip_norm, check, raises, sign
        self._table = np.empty((0, 0, 0), self.dtype)
        self._cursor = 0
        self._summing = summing
        self._exact = np.empty((0, 0, 0))
        if summing is not None:
            self._measure = _MEASURE(summing.kernels.measure)
            self._adapt = _ADAPT(summing.kernels.adapt)
        self._pointers = [
            (ctypes.c_void_p * max(len(s), 1))(*[a.ctypes.data for a in s]) for s in states
        ]

    def step(self, grads: Any) -> int:
        """Update the parameters with `grads`; return 1 if the step was skipped, else 0."""
        gradients = self._load(grads)
        if self._cursor == len(self._table):
            self._table = self._refill(self.t, _TABLE_ROWS)
            if self._summing is not None:
                self._table, self._exact = self._table
            self._cursor = 0
        row = self._table[self._cursor]
        if self._check or self._clip_norm > 0:
            total = sum_of_squares(gradients)
            # Finite gradients may have a sum of squares that is not.
            finite = math.isfinite(total) or all(np.isfinite(g).all() for g in gradients)
            if self._check and not finite:
                if self._raises:
                    self._complain(-2, grads)
                self.skipped += 1
                return 1
        rows = row[self._group_ids]
        if self._clip_norm > 0:
            rows[:, 0] = self._scales(gradients)
        if self._summing is not None:
            self._derive(self._summing, gradients, rows, row[0].copy())
        self._move(gradients, rows)
        self._cursor += 1
        self.t += 1
        return 0

    def _move(self, grads: Sequence[np.ndarray], rows: np.ndarray) -> None:
        """Update every array with its row of coefficients."""
        for p, g, state, own in zip(self._params, grads, self._pointers, rows, strict=True):
            self._kernel(p.ctypes.data, g.ctypes.data, state, own.ctypes.data, p.size)

    def _scales(self, grads: Sequence[np.ndarray]) -> list[float]:
        """Return what clipping multiplies each gradient by, the sign of `maximize` included."""
        sets = {"global": [0] * len(grads), "group": self._group_ids}
        norm_ids = sets.get(self._clip_scope, list(range(len(grads))))
        scales = {}
        for each in set(norm_ids):
            members = [g for g, k in zip(grads, norm_ids, strict=True) if k == each]
            scale = self._clip_norm / (math.sqrt(sum_of_squares(members)) + 1e-6)
            scales[each] = self._sign * (1.0 if scale > 1 else scale)
        return [scales[each] for each in norm_ids]

    def _derive(
        self, summing: BoundSums, grads: Sequence[np.ndarray], rows: np.ndarray, common: np.ndarray
    ) -> None:
        """Sum over elements; renew the scalars, and what rows say of scalars and derived values."""
        tail = rows.shape[1] - summing.tail
        with np.errstate(over="ignore"):
            rows[:, tail : tail + len(summing.kernels.scalars)] = summing.scalars
        exact = self._exact[self._cursor]
        total = np.zeros(summing.kernels.n_sums)
        for i, row in enumerate(rows):
            for part in self._partial_sums(i, grads[i], row):
                total += part
            if not summing.shared:
                own = exact[self._group_ids[i]]
                self._adapt(*_addresses(total, own, summing.scalars[i], row))
                total[:] = 0
        if summing.shared:
            self._adapt(*_addresses(total, exact[0], summing.scalars, common))
            rows[:, tail:] = common[tail:]

    def _partial_sums(self, i: int, grad: np.ndarray, row: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the sums over each block of one array."""
        assert self._summing is not None
        p, states = self._params[i], self._states[i]
        for start in range(0, p.size, _NORM_BLOCK):
            offset, count = start * p.itemsize, min(_NORM_BLOCK, p.size - start)
            lanes = np.empty((self._summing.kernels.n_sums, 16))
            pointers = (ctypes.c_void_p * max(len(states), 1))(
                *[a.ctypes.data + offset for a in states]
            )
            self._measure(
                lanes.ctypes.data,
                p.ctypes.data + offset,
                grad.ctypes.data + offset,
                pointers,
                row.ctypes.data,
                count,
            )
            yield np.array([_in_order(each) for each in lanes])

    def _load(self, grads: Any) -> Sequence[np.ndarray]:
        if self._single:
            found = [grads]
        elif self._names is not None:
            if not hasattr(grads, "keys") or set(grads) != set(self._names):
                self._complain(-1, grads)
            found = [grads[name] for name in self._names]
        else:
            if not isinstance(grads, (list, tuple)) or len(grads) != len(self._params):
                self._complain(-1, grads)
            found = list(grads)
        for i, grad in enumerate(found):
            self._complain(i, grad)
        return found

    def forget_rows(self) -> None:
        """Drop rows computed ahead: the schedule has changed."""
        self._cursor = len(self._table)

    def restart(self, t: int, skipped: int) -> None:
        """Continue from another step, after state was loaded."""
        self.t, self.skipped = t, skipped
        self.forget_rows()


def _addresses(*arrays: np.ndarray) -> list[int]:
    return [array.ctypes.data for array in arrays]


def sum_of_squares(arrays: Sequence[np.ndarray]) -> float:
    """Return the sum of squares in the order of additions that the compiled reduction has."""
    total = 0.0
    for array in arrays:
        flat = array.reshape(-1, order="A")
        for start in range(0, flat.size, _NORM_BLOCK):
            block = flat[start : start + _NORM_BLOCK].astype(np.float64)
            with np.errstate(over="ignore"):  # an infinite norm is dealt with by the caller
                np.multiply(block, block, out=block)
            whole = block.size - block.size % 16
            # A sum along the first axis adds row after row to 16 running sums.
            lanes = block[:whole].reshape(-1, 16).sum(axis=0)
            lanes[: block.size - whole] += block[whole:]
            total += _in_order(lanes)
    return total


def _in_order(lanes: np.ndarray) -> float:
    """Add up, one after the other: NumPy may take another order."""
    total = 0.0
    for lane in lanes:
        total += float(lane)
    return total
