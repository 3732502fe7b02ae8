"""What was compiled for this processor: its instruction set, the stepper, the reductions."""

from __future__ import annotations

import functools
import importlib
import os
from typing import Any

from ..ahead import built


@functools.cache
def instruction_set() -> str | None:
    """Return the instruction set whose Cython kernels are used, None where none was built.

    ``FASTLR_ISA`` forces one of ``base``, ``avx2``, ``avx512``.
    """
    try:
        supported = importlib.import_module("fastlr.kernels.ahead._cpu").supported()
    except ImportError:
        supported = ["base"]
    forced = os.environ.get("FASTLR_ISA", "").strip().lower()
    if forced:
        if forced not in built.ISAS:
            raise ValueError(f"FASTLR_ISA must be one of {built.ISAS}, got {forced!r}")
        if forced not in supported:
            raise ValueError(
                f"FASTLR_ISA={forced}: this processor supports {', '.join(supported)} only"
            )
        if not is_built(forced):
            raise ValueError(f"FASTLR_ISA={forced}: these kernels were not built")
        return forced
    return next((isa for isa in supported if is_built(isa)), None)


@functools.cache
def is_built(isa: str) -> bool:
    """Tell whether the kernels of an instruction set can be loaded."""
    try:
        built.updates(isa)
    except ImportError:
        return False
    return True


@functools.cache
def compiled_stepper() -> Any:
    """Return the compiled `Stepper` class, None where it was not built."""
    try:
        return importlib.import_module("fastlr.updater.steppers._host").Stepper
    except ImportError:
        return None


@functools.cache
def reduction_address(name: str, dtype: str) -> int:
    """Return the address of a reduction: ``"sumsq"`` of an array, ``"moved"`` of a difference."""
    isa = instruction_set()
    assert isa is not None, "the compiled stepper comes with compiled kernels"
    address: int = built.updates(isa).KERNELS[f"{name}_{dtype}"]
    return address
