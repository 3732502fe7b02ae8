"""What Cython has compiled for this processor: the stepper, the reductions, which rules.

Where it has not compiled a rule as it stands, Numba does so now.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..ahead import built

if TYPE_CHECKING:
    from ..language.check import Rule


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
    """Return whether the kernels of an instruction set can be loaded."""
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


def find_compiled(
    owner: type,
    name: str,
    folder: str,
    load: Callable[[], Any] | None,
    read: Callable[[type], Rule],
    backend: str,
) -> tuple[Any, Any] | None:
    """Return the module in which Cython has compiled a rule, with what that says of it."""
    if backend == "numba":
        return None
    reason = f"the rule of {owner.__name__} was not compiled ahead of time"
    if load is None:
        reason = "no Cython kernels were built, since no compiler worked at install time"
    elif owner.__module__.startswith(f"fastlr.{folder}."):
        try:
            module = load()
            known = module.RULES.get(name)
        except ImportError:
            known = None
        if known is not None:
            digest = known["digest"]
            if built.is_current(owner, name, digest, read):
                return module, known
            reason = f"the rule of {owner.__name__} has changed since the build"
    if backend == "cython":
        raise ValueError(f"backend='cython': {reason}; use backend='numba' or 'auto'")
    return None
