"""The Numba frame for the CPU: a rule becomes a C function pointer at run time.

It serves rules that are not compiled ahead of time (a user's own), and every rule where no
compiler was there at install time. The pointer has the signature of the Cython kernels, so
whatever calls one can call the other, without Python in between.
"""

from __future__ import annotations

from typing import Any

from ..loops.update import Rule, Variant, fused_loop, kernel_name, specialise
from .frame import TYPES, head, loop_text, names_for
from .source_cache import load_source


def update_kernel(rule: Rule, flags: dict[str, bool], average: bool, dtype: str) -> Any:
    """Compile an update kernel, or take it from the cache."""
    variant = specialise(rule, flags)
    return load_source(
        kernel_name(variant, average, dtype), _update_text(variant, average, dtype)
    ).entry


def _update_text(variant: Variant, average: bool, dtype: str) -> str:
    """Return the module of an update kernel."""
    loop = fused_loop(variant, average, names_for(dtype))
    return head(variant.rule, TYPES[dtype], loop.body) + loop_text(loop)
