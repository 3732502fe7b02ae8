"""Runs the rule of a schedule over times that lie on a CUDA device."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..find.schedule import packed
from ..jit.source_cache import load_source
from ..loops import update as emit
from . import device as numba_cuda
from .arrays import describe
from .device import THREADS, address_of, configure
from .update import schedule_source


@dataclass(frozen=True)
class CudaScheduleKernel:
    """A schedule rule for the device."""

    schedule: str
    coefficients: tuple[str, ...]  # in the order of the kernel
    tables: tuple[str, ...]  # coefficients that are sequences
    entry: Any  # Numba's kernel

    def __call__(self, out: Any, t: Any, coefficients: Mapping[str, Any]) -> None:
        """Set ``out[i] = factor(t[i], ...)``, without waiting for the device."""
        target, times = describe(out, "out", writable=True), describe(t, "t")
        for array, label in ((target, "out"), (times, "t")):
            if array.dtype != np.float64:
                raise TypeError(f"{label} must be float64, got {array.dtype}")
        if target.shape != times.shape:
            raise ValueError(f"out must have the shape of t, {times.shape}, got {target.shape}")
        row = packed(self.schedule, self.coefficients, self.tables, coefficients)
        if times.size:
            stream = numba_cuda.stream_of(times.stream)
            sent = numba_cuda.send(np.array(row), stream)
            configure(self.entry, -(-times.size // THREADS), stream)(
                target.address, times.address, address_of(sent), times.size
            )


@functools.cache
def schedule_kernel(cls: type) -> CudaScheduleKernel:
    """Return the rule of a `Schedule` subclass, compiled for the device when it is first used."""
    variant = emit.specialise(emit.schedule_rule_of_class(cls), {})
    entry = load_source(*schedule_source(variant)).entry
    return CudaScheduleKernel(cls.__name__, variant.coefficients, variant.tables, entry)
