"""Whether Cython has compiled a rule as it stands; where it has not, Numba compiles it now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..ahead import built

if TYPE_CHECKING:
    from ..language.check import Rule


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
