"""Which compiler's kernel updates parameters."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..ahead import built
from ..language.terms import update_owner
from . import processor

if TYPE_CHECKING:
    from ..language.check import Rule

BACKENDS = ("auto", "cython", "numba", "cuda")


class SummingKernels(NamedTuple):
    """What runs before an update that needs sums: addresses, and what goes through them."""

    measure: int
    adapt: int
    n_sums: int
    scalars: tuple[str, ...]
    n_derived: int


class Kernel(NamedTuple):
    """A compiled update and what it expects."""

    name: str
    backend: str
    address: int
    state: tuple[str, ...]
    coefficients: tuple[str, ...]
    owner: Any  # keeps the code at `address` alive
    summing: SummingKernels | None = None


def cpu_kernel(
    cls: type, switches: Mapping[str, bool], average: bool, dtype: str, backend: str
) -> Kernel:
    """Return the kernel of a rule with its switches set; `average` keeps a running mean of p.

    `backend` is "auto", "cython" or "numba"; "auto" takes Cython where the rule was compiled ahead
    of time. "cython" is a ValueError where it was not; a rule outside the language is a RuleError.
    """
    owner, found = _compiled(cls, processor.instruction_set(), backend)
    if found is not None:
        module, known = found
        key, state, coefficients = known["variants"][tuple(switches[f] for f in known["flags"])]
        name, summing = f"{key}{'_avg' if average else ''}_{dtype}", None
        if owner.sums:
            parts = (module.KERNELS[f"{key}_{part}_{dtype}"] for part in ("measure", "adapt"))
            summing = _summing(owner, *parts)
        address = module.KERNELS[name]
        return Kernel(name, "cython", address, state, coefficients, module, summing)
    from ..jit.sums import summing_kernels
    from ..jit.update import update_kernel
    from ..loops import update as emit

    rule, flags = emit.rule_of_class(cls), dict(switches)
    entry = update_kernel(rule, flags, average, dtype)
    variant = emit.specialise(rule, flags)
    summing, keep = None, entry
    if rule.summing:
        measure, adapt = summing_kernels(rule, flags, dtype)
        summing = _summing(owner, measure.address, adapt.address)
        keep = (entry, measure, adapt)
    return Kernel(
        name=emit.kernel_name(variant, average, dtype),
        backend="numba",
        address=entry.address,
        state=variant.state,
        coefficients=variant.coefficients,
        owner=keep,
        summing=summing,
    )


def _summing(owner: Any, measure: int, adapt: int) -> SummingKernels:
    return SummingKernels(measure, adapt, len(owner.sums), tuple(owner.scalars), len(owner.derived))


@functools.cache
def _compiled(cls: type, isa: str | None, backend: str) -> tuple[Any, tuple[Any, Any] | None]:
    """Return the class that states the rule, and the rule as Cython has compiled it."""
    owner = update_owner(cls)
    load = None if isa is None else functools.partial(built.updates, isa)
    return owner, processor.find_compiled(owner, owner.__name__, "optimizers", load, _read, backend)


def _read(owner: type) -> Rule:
    from ..loops import update as emit

    return emit.rule_of_class(owner)
