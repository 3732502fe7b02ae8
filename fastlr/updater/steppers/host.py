"""The stepper in Python: what `_host.pyx` does, where nothing could be compiled.

It calls the same C function pointers (Numba makes them) through ctypes, and adds norms in the
same order, so that results do not depend on which stepper made them.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...kernels.language.terms import GSCALE, MASK
from .turns import Turns, in_turn

if TYPE_CHECKING:
    from ...kernels.find.finish import BoundFinish
    from .sums import BoundSums

_NORM_BLOCK = 16384
_TURN = 1024
_TABLE_ROWS = 256
KERNEL = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t
)
_MEASURE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, ctypes.c_ssize_t)
_COUNT = ctypes.CFUNCTYPE(ctypes.c_ssize_t, *[ctypes.c_void_p] * 4, ctypes.c_ssize_t)
_ADAPT = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)


class Stepper(Turns):
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
        moved: int = 0,
        refill: Callable[[int, int, int], Any],
        complain: Callable[[int, Any], None],
        clip_norm: float,
        clip_scope: str,
        squares: bool,
        check: bool,
        raises: bool,
        sign: float,
        n_threads: int,
        owner: Any,
        summing: BoundSums | None = None,
        finish: BoundFinish | None = None,
        measure_updates: int = 0,
    ) -> None:
        self.t = 0
        self.skipped = 0
        self.norm = self.param_norm = self.update_norm = -1.0
        self.culprit = -1
        self.dtype = params[0].dtype
        self._params, self._states, self._group_ids = params, states, group_ids
        self._names, self._single = names, single
        self._kernel, self._owner = KERNEL(kernel), owner
        self._refill, self._complain = refill, complain
        self._clip_scope = clip_scope
        self._most = float(np.finfo(self.dtype).max) if squares else math.inf  # of a square
        self._clip_norm, self._check, self._raises, self._sign = clip_norm, check, raises, sign
        self._table = np.empty((0, 0, 0), self.dtype)
        self._cursor = 0
        self._measure_every = measure_updates
        self._summing = summing
        self._exact = np.empty((0, 0, 0))
        if summing is not None:
            self._measure = _MEASURE(summing.kernels.measure)
            self._adapt = _ADAPT(summing.kernels.adapt)
        self._pointers = [table_of(s) for s in states]
        self._finish = finish
        if finish is not None:
            self._finish_kernel, self._count = KERNEL(finish.address), _COUNT(finish.count)
            last = [s[len(s) - len(finish.what.arrays) :] for s in states]
            self._before = [s[0] for s in last] if finish.what.cautious else []
            self._finish_pointers = [table_of(s) for s in last]

    @in_turn
    def step(self, grads: Any) -> int:
        """Update the parameters with `grads`; return 1 if the step was skipped, else 0."""
        gradients = self._load(grads)
        if self._cursor == len(self._table):
            self._table = self._refill(self.t, 1, _TABLE_ROWS)
            if self._summing is not None:
                self._table, self._exact = self._table
            self._cursor = 0
        row = self._table[self._cursor]
        if self._check or self._clip_norm > 0:
            total = sum_of_squares(gradients)
            self.norm = math.sqrt(total)
            if math.isinf(total):
                self.norm = norm_of(gradients)
            if self._check and not total < self._most:
                # The sum may be larger than each of the squares.
                bad = [i for i, g in enumerate(gradients) if self._is_too_large(g)]
                if bad:
                    if self._raises:
                        self._complain(-2, grads)
                    self.culprit = bad[0]
                    self.skipped += 1
                    return 1
        rows = row[self._group_ids]
        if self._clip_norm > 0:
            rows[:, GSCALE] = self._scales(gradients)
        if self._summing is not None:
            self._derive(self._summing, gradients, rows, row[0].copy())
        measuring = self._measure_every > 0 and (self.t + 1) % self._measure_every == 0
        before = [p.copy(order="K") for p in self._params] if measuring else []
        self._move(gradients, rows)
        if before:
            moves = [p - old for p, old in zip(self._params, before, strict=True)]
            self.param_norm = math.sqrt(sum_of_squares(before, _TURN))
            self.update_norm = math.sqrt(sum_of_squares(moves, _TURN))
        self._cursor += 1
        self.t += 1
        return 0

    def _move(self, grads: Sequence[np.ndarray], rows: np.ndarray) -> None:
        """Update every array with its row of coefficients."""
        for i, (p, g, own) in enumerate(zip(self._params, grads, rows, strict=True)):
            if self._finish is not None and self._finish.what.cautious:
                self._before[i][...] = p
            common = p.ctypes.data, g.ctypes.data
            self._kernel(*common, self._pointers[i], own.ctypes.data, p.size)
            if self._finish is not None:
                self._follow(self._finish, i, *common, own)

    def _follow(self, finish: BoundFinish, i: int, p: int, g: int, row: np.ndarray) -> None:
        """Do what comes after the rule for one array."""
        n, pointers = self._params[i].size, self._finish_pointers[i]
        if finish.what.cautious and n:
            kept = self._count(p, g, pointers, row.ctypes.data, n)
            row[MASK] = 1 / max(kept / n, 1e-3)
        self._finish_kernel(p, g, pointers, row.ctypes.data, n)

    def _is_too_large(self, g: np.ndarray) -> bool:
        with np.errstate(over="ignore"):
            return not np.isfinite(g if math.isinf(self._most) else g * g).all()

    def _scales(self, grads: Sequence[np.ndarray]) -> list[float]:
        """Return what clipping multiplies each gradient by, the sign of `maximize` included."""
        sets = {"global": [0] * len(grads), "group": self._group_ids}
        norm_ids = sets.get(self._clip_scope, list(range(len(grads))))
        scales = {}
        for each in set(norm_ids):
            members = [g for g, k in zip(grads, norm_ids, strict=True) if k == each]
            norm, bound = norm_of(members), self._clip_norm
            scale = 1.0 if norm <= bound else bound / (norm + 1e-6 * min(bound, 1.0))
            scales[each] = self._sign * scale
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
            pointers = table_of(states, offset)
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

    def restart(self, t: int, skipped: int, culprit: int = -1) -> None:
        """Continue from another step, after state was loaded."""
        self.t, self.skipped, self.culprit = t, skipped, culprit
        self.norm = self.param_norm = self.update_norm = -1.0
        self.forget_rows()


def table_of(arrays: Sequence[np.ndarray], offset: int = 0) -> ctypes.Array[ctypes.c_void_p]:
    """Return the pointers to arrays, each so many bytes further on, as kernels take them."""
    return (ctypes.c_void_p * max(len(arrays), 1))(*[a.ctypes.data + offset for a in arrays])


def _addresses(*arrays: np.ndarray) -> list[int]:
    return [array.ctypes.data for array in arrays]


def sum_of_squares(arrays: Sequence[np.ndarray], block_size: int = _NORM_BLOCK) -> float:
    """Return the sum of squares in the order of additions that the compiled reduction has."""
    total = 0.0
    for array in arrays:
        flat = array.reshape(-1, order="A")
        for start in range(0, flat.size, block_size):
            block = flat[start : start + block_size].astype(np.float64)
            with np.errstate(over="ignore"):  # an infinite norm is dealt with by the caller
                np.multiply(block, block, out=block)
            whole = block.size - block.size % 16
            # A sum along the first axis adds row after row to 16 running sums.
            lanes = block[:whole].reshape(-1, 16).sum(axis=0)
            lanes[: block.size - whole] += block[whole:]
            total += _in_order(lanes)
    return total


def norm_of(arrays: Sequence[np.ndarray]) -> float:
    """Return the norm of arrays together; their squares may be too large to add."""
    total = sum_of_squares(arrays)
    if not math.isinf(total):
        return math.sqrt(total)
    most = float(max(np.abs(a).max() for a in arrays if a.size))
    if math.isinf(most):
        return most
    total = 0.0
    for array in arrays:
        for x in array.reshape(-1, order="A").tolist():
            total += (x / most) * (x / most)
    return most * math.sqrt(total)


def _in_order(lanes: np.ndarray) -> float:
    """Add up, one after the other: NumPy may take another order."""
    total = 0.0
    for lane in lanes:
        total += float(lane)
    return total
