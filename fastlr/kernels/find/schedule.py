"""Runs the rule of a schedule over a block of steps, through whichever compiler has it.

Cython and Numba kernels are both C pointers with the signature
``void(double *out, const double *t, const double *coefficients, Py_ssize_t n)``; ctypes calls
either in a few microseconds for the whole block and lets go of the GIL.
"""

from __future__ import annotations

import array
import ctypes
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..ahead import built
from ..language.terms import schedule_owner
from . import processor

if TYPE_CHECKING:
    from ..language.check import Rule

_SIGNATURE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ssize_t
)


class ScheduleKernel(NamedTuple):
    """A compiled schedule rule."""

    schedule: str
    backend: str
    coefficients: tuple[str, ...]  # in the order of the kernel
    tables: tuple[str, ...]  # coefficients that are sequences
    call: Any
    owner: Any  # keeps the code alive

    def __call__(self, t: np.ndarray, coefficients: Mapping[str, Any]) -> np.ndarray:
        """Evaluate the rule."""
        row = packed(self.schedule, self.coefficients, self.tables, coefficients)
        out = np.empty_like(t)
        self.call(out.ctypes.data, t.ctypes.data, row.buffer_info()[0], t.size)
        return out


@functools.cache
def schedule_kernel(cls: type, backend: str = "auto") -> ScheduleKernel:
    """Return the compiled rule of a `Schedule` subclass; see `cpu_kernel` about `backend`."""
    owner = schedule_owner(cls)
    name = f"{owner.__name__}_factor"
    found = processor.find_compiled(owner, name, "schedules", built.schedules, _read, backend)
    if found is not None:
        module, known = found
        kernel, _, coefficients = known["variants"][()]
        call, tables = _SIGNATURE(module.KERNELS[kernel]), known.get("tables", ())
        return ScheduleKernel(cls.__name__, "cython", coefficients, tables, call, module)
    from ..jit.schedule import schedule_kernel as compile_now
    from ..loops import update as emit

    rule = emit.schedule_rule_of_class(cls)
    entry = compile_now(rule)
    variant = emit.specialise(rule, {})
    return ScheduleKernel(
        cls.__name__,
        "numba",
        variant.coefficients,
        variant.tables,
        _SIGNATURE(entry.address),
        entry,
    )


def packed(
    owner: str, names: Sequence[str], tables: Iterable[str], coefficients: Mapping[str, Any]
) -> array.array[float]:
    """Return coefficients, tables among them, as a kernel takes them."""
    missing = [name for name in names if name not in coefficients]
    if missing:
        said = ", ".join(map(repr, missing))
        raise ValueError(
            f"{owner}.coefficients must return {said}, which its rule takes; "
            f"it returned {', '.join(coefficients) or 'nothing'}"
        )
    row, behind = array.array("d"), array.array("d")
    for name in names:
        value, is_table = coefficients[name], name in tables
        if is_table != hasattr(value, "__len__"):
            wanted = "a sequence of numbers" if is_table else "a number"
            raise TypeError(f"{owner}.coefficients: {name} must be {wanted}, got {value!r}")
        if not is_table:
            row.append(float(value))
            continue
        if not len(value):
            raise ValueError(f"{owner}.coefficients: {name} must have an entry, got {value!r}")
        row.append(len(names) + len(behind))
        behind.append(len(value) - 1)
        behind.extend(float(v) for v in value)
    return row + behind


def _read(owner: type) -> Rule:
    from ..loops import update as emit

    return emit.schedule_rule_of_class(owner)
