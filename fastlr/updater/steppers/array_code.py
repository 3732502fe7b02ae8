"""Steps rules in array code, with the modifiers that compiled kernels have around their rule.

Only rules that need matrices come here (Muon), or that keep factors instead of arrays (Adafactor,
SM3). Their time goes into products and reductions of NumPy, not into the loop over parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...kernels.find.update import Kernel
from ...kernels.language.terms import AVERAGE, COMMON, REST
from .. import arrays as checks
from ..array_rule import ArrayRule
from ..rule import keeps_rest
from ..timetable import Timetable
from .host import Stepper


def array_kernel(optimizer: ArrayRule) -> Kernel:
    """Describe an array rule as kernels are described."""
    names = tuple(optimizer.coefficients(np.array([1.0, 2.0]), np.ones(2)))
    if optimizer.own_decay is not None:
        names += ("weight_decay",)
    return Kernel(type(optimizer).__name__, "numpy", 0, (), names, optimizer)


def make_state(
    optimizer: ArrayRule, bound: checks.Parameters, fallback: Any
) -> dict[str, list[np.ndarray]]:
    """Return the state arrays by name, one for each parameter, empty where it has none."""
    found: list[dict[str, np.ndarray]] = []
    for name, p in zip(bound.names, bound.arrays, strict=True):
        if fallback is not None and not optimizer.handles(p.shape):
            found.append(fallback.state_of(fallback.bound.names.index(name)))
            continue
        shapes = optimizer.state_shapes(p.shape)
        found.append({key: np.zeros(shape, p.dtype) for key, shape in shapes.items()})
        if optimizer.average:
            found[-1][AVERAGE] = np.zeros_like(p)
        if keeps_rest(optimizer, p.dtype):
            found[-1][REST] = np.zeros_like(p)
    names = dict.fromkeys(key for state in found for key in state)
    dtype = bound.arrays[0].dtype
    return {key: [each.get(key, np.zeros(0, dtype)) for each in found] for key in names}


class ArrayStepper(Stepper):
    """Steps bound arrays by array code; see `Stepper` for the other parameters."""

    def __init__(
        self,
        optimizer: ArrayRule,
        bound: checks.Parameters,
        state: Mapping[str, list[np.ndarray]],
        coefficients: tuple[str, ...],
        fallback: Any,
        timetable: Timetable,
        **common: Any,
    ) -> None:
        super().__init__(bound.arrays, [[] for _ in bound.arrays], kernel=0, sumsq=0, **common)
        self.dtype = np.dtype(np.float64)  # of the rows: there is no kernel that reads them
        self._rule = optimizer
        self._keys = (*COMMON, *coefficients)
        count = len(bound.arrays)
        self._by_name = [{k: arrays[i] for k, arrays in state.items()} for i in range(count)]
        self._fallback, self._timetable = fallback, timetable
        self._names_of = bound.names

    def _move(self, grads: Sequence[np.ndarray], rows: np.ndarray) -> None:
        others = {}
        # A user may ask for gradients that are not finite, and so for their results.
        with np.errstate(all="ignore"):
            for i, (p, g) in enumerate(zip(self._params, grads, strict=True)):
                row = dict(zip(self._keys, rows[i].tolist(), strict=True))
                if not self._rule.handles(p.shape):
                    # The sign is the fallback's own; clipping is a matter of all parameters.
                    scale = abs(row["gscale_"])
                    others[self._names_of[i]] = g if scale == 1 else _scaled(g, scale)
                elif p.size:
                    self._move_array(p, g, self._by_name[i], row)
        if self._fallback is not None:
            self._fallback.stepper.step(others)

    def _move_array(
        self, p: np.ndarray, g: np.ndarray, state: dict[str, np.ndarray], row: dict[str, float]
    ) -> None:
        # Sums are rounded by the order of elements in memory: have one order for all.
        work, g = np.asarray(p, order="C"), np.asarray(g, order="C")
        if row["gscale_"] != 1:
            g = np.asarray(g * row["gscale_"])
        if row["clip_"] < np.inf:
            g = np.clip(g, -row["clip_"], row["clip_"])
        if row["l2_"]:
            g = g + row["l2_"] * work
        if row["shrink_"]:
            work -= row["shrink_"] * work
        self._rule.step_array(work, np.asarray(g), state, row)
        if work is not p:
            p[...] = work
        if AVERAGE in state:
            _average(p, state, row["avgw_"])

    def forget_rows(self) -> None:
        """Drop rows computed ahead: the schedule has changed."""
        super().forget_rows()
        if self._fallback is not None:
            self._fallback.follow(self._timetable, self.t)


def _average(p: np.ndarray, state: dict[str, np.ndarray], weight: float) -> None:
    """Take a parameter into its average as the compiled loops do."""
    average, rest = state[AVERAGE], state.get(REST)
    if weight == 1:
        average[...] = p
    elif rest is not None:
        gap = weight * (p - average) + rest
        moved = average + gap
        rest[...] = gap - (moved - average)
        average[...] = moved
    elif weight < 0.5:
        average += weight * (p - average)
    else:
        average[...] = p - (1 - weight) * (p - average)


def _scaled(g: np.ndarray, scale: float) -> np.ndarray:
    return np.asarray(np.multiply(g, g.dtype.type(scale)), order="A")
