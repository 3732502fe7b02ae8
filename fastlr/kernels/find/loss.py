"""Which compiler's kernel computes a loss: engines get an address and a row of coefficients.

A kernel has the C signature ``double k(T *z, const T *y, const T *w, const T *row, Py_ssize_t
n)``: outputs z become w times the slope of the loss, and the sum of w times the loss is returned.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..ahead import built
from ..language.terms import loss_owner
from . import processor

if TYPE_CHECKING:
    from ..language.check import Rule

BACKENDS = ("auto", "cython", "numba")

_NAMES = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}
_SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_double, *[ctypes.c_void_p] * 4, ctypes.c_ssize_t
)  # the same for both precisions


class LossKernel(NamedTuple):
    """A compiled loss with its coefficients."""

    loss: str  # name of the class that states the rule
    backend: str  # "cython" or "numba"
    address: int  # of the C function
    row: np.ndarray  # coefficients, in the precision of the outputs
    owner: Any  # keeps the code at `address` alive

    def __call__(self, z: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
        """Replace outputs `z` by ``w * dloss/dz``; return the sum of ``w * loss`` in float64."""
        for name, array in (("z", z), ("y", y), ("w", w)):
            fits = (
                isinstance(array, np.ndarray)
                and array.dtype == self.row.dtype
                and array.shape == z.shape
                and array.flags.c_contiguous
                and array.flags.aligned
            )
            if not fits or (array is z and not z.flags.writeable):
                raise ValueError(
                    f"{name} must be a C-contiguous {self.row.dtype} array, shaped as z is"
                )
        call = _SIGNATURE(self.address)
        row = self.row.ctypes.data
        return float(call(z.ctypes.data, y.ctypes.data, w.ctypes.data, row, z.size))


def loss_kernel(
    cls: type, coefficients: Mapping[str, Any], dtype: Any, backend: str = "auto"
) -> LossKernel:
    """Return the compiled kernel of a loss; see `cpu_kernel` about `backend`."""
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    kind = np.dtype(dtype)
    if kind not in _NAMES:
        raise TypeError(f"dtype must be float32 or float64, got {kind}")
    isa = processor.instruction_set()
    owner, found, address, names, keep = _find(cls, _NAMES[kind], backend, isa)
    row = _row(cls.__name__, names, coefficients).astype(kind)
    return LossKernel(owner, found, address, row, keep)


@functools.cache
def _find(
    cls: type, dtype: str, backend: str, isa: str | None
) -> tuple[str, str, int, tuple[str, ...], Any]:
    """Return owner, backend, address, coefficients and what keeps the code; kept for good."""
    owner = loss_owner(cls)
    load = None if isa is None else functools.partial(built.losses, isa)
    name = f"{owner.__name__}_loss"
    compiled = processor.find_compiled(owner, name, "losses", load, _read, backend)
    if compiled is not None:
        module, known = compiled
        address = module.KERNELS[f"{name.lower()}_{dtype}"]
        return owner.__name__, "cython", address, known["coefficients"], module
    from ..jit import loss as numba_losses
    from ..loops import loss as emit_losses

    rule = emit_losses.loss_rule_of_class(owner)
    entry = numba_losses.loss_kernel(rule, dtype)
    names = emit_losses.loss_loop(rule, {}).scalars
    return owner.__name__, "numba", entry.address, names, entry


def _read(owner: type) -> Rule:
    from ..loops import loss as emit_losses

    return emit_losses.loss_rule_of_class(owner)


def _row(owner: str, names: tuple[str, ...], values: Mapping[str, Any]) -> np.ndarray:
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(
            f"{owner}.coefficients must return {', '.join(missing)}, which `loss` takes; "
            f"it returned {', '.join(values) or 'nothing'}"
        )
    row = np.zeros(max(len(names), 1))  # never empty, so that it has an address
    for k, name in enumerate(names):
        try:
            row[k] = float(values[name])
        except (TypeError, ValueError):
            row[k] = np.nan
        if not np.isfinite(row[k]):
            raise ValueError(
                f"{owner}.coefficients: {name} must be a finite number, got {values[name]!r}"
            )
    return row
