"""Which compiler's kernel a step runs, and what this installation has."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..ahead import built
from ..language.terms import update_owner

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


@functools.cache
def instruction_set() -> str | None:
    """Return the instruction set whose Cython kernels are used, None where none was built.

    ``FASTLR_ISA`` forces one of ``base``, ``avx2``, ``avx512``.

    Raises
    ------
    ValueError
        If the one that is forced is unknown, not supported by the processor or not built.
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
        if not _built(forced):
            raise ValueError(f"FASTLR_ISA={forced}: these kernels were not built")
        return forced
    return next((isa for isa in supported if _built(isa)), None)


@functools.cache
def _built(isa: str) -> bool:
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


def cpu_kernel(
    cls: type, switches: Mapping[str, bool], average: bool, dtype: str, backend: str
) -> Kernel:
    """Return the kernel of a rule with its switches set.

    Parameters
    ----------
    cls : type
        The class that states the rule, or inherits it.
    switches : mapping of str to bool
        Which of its flags are on.
    average : bool
        Whether a running mean of the parameters is kept.
    dtype : {"f32", "f64"}
        Precision of the arrays.
    backend : {"auto", "cython", "numba"}
        ``"auto"`` takes Cython where the rule was compiled ahead of time.

    Returns
    -------
    Kernel
        Address and description.

    Raises
    ------
    ValueError
        If ``"cython"`` was asked for and is not there.
    RuleError
        If the rule of a user's class cannot be compiled.
    """
    if backend != "numba":
        kernel, reason = _cython_kernel(cls, switches, average, dtype)
        if kernel is not None:
            return kernel
        if backend == "cython":
            raise ValueError(f"backend='cython': {reason}; use backend='numba' or 'auto'")
    from ..jit import update as numba_cpu
    from ..loops import update as emit

    rule, flags = emit.rule_of_class(cls), dict(switches)
    entry = numba_cpu.update_kernel(rule, flags, average, dtype)
    variant = emit.specialise(rule, flags)
    summing, keep = None, entry
    if rule.summing:
        measure, adapt = numba_cpu.summing_kernels(rule, flags, dtype)
        summing = _summing(cls, measure.address, adapt.address)
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


def _summing(cls: type, measure: int, adapt: int) -> SummingKernels:
    owner: Any = update_owner(cls)
    return SummingKernels(measure, adapt, len(owner.sums), tuple(owner.scalars), len(owner.derived))


def _cython_kernel(
    cls: type, switches: Mapping[str, bool], average: bool, dtype: str
) -> tuple[Kernel | None, str]:
    """Look the rule up among those compiled ahead of time; say why it is not there."""
    isa = instruction_set()
    if isa is None:
        return None, "no Cython kernels were built, since no compiler worked at install time"
    owner: Any = update_owner(cls)
    module = built.updates(isa)
    if not owner.__module__.startswith("fastlr.optimizers.") or owner.__name__ not in module.RULES:
        return None, f"the rule of {owner.__name__} was not compiled ahead of time"
    known = module.RULES[owner.__name__]
    if not built.is_current(owner, owner.__name__, known["digest"], _read):
        return None, f"the rule of {owner.__name__} has changed since the build"
    key, state, coefficients = known["variants"][tuple(switches[f] for f in known["flags"])]
    name = f"{key}{'_avg' if average else ''}_{dtype}"
    summing = None
    if owner.sums:
        measure, adapt = (module.KERNELS[f"{key}_{part}_{dtype}"] for part in ("measure", "adapt"))
        summing = _summing(owner, measure, adapt)
    return Kernel(name, "cython", module.KERNELS[name], state, coefficients, module, summing), ""


def _read(owner: type) -> Rule:
    from ..loops import update as emit

    return emit.rule_of_class(owner)


@functools.cache
def reduction_address(name: str, dtype: str) -> int:
    """Return the address of a reduction: ``"sumsq"`` of an array, ``"moved"`` of a difference."""
    isa = instruction_set()
    assert isa is not None, "the compiled stepper comes with compiled kernels"
    address: int = built.updates(isa).KERNELS[f"{name}_{dtype}"]
    return address


def backend_info() -> dict[str, Any]:
    """Tell which backends this installation has, and what is missing.

    Returns
    -------
    dict
        ``cython``: whether ahead-of-time kernels are there; ``isa``: the instruction set in use;
        ``isas_built``, ``isas_supported``; ``stepper``: ``"compiled"`` or ``"python"``;
        ``numba``, ``numba_cuda``: versions or None; ``cuda_device``: name of the GPU or None;
        ``distribution``: what installed this package, ``"fastlr-optim"``, or None in a checkout;
        ``missing``: sentences that say what is missing or wrong, and how to mend it.

    Examples
    --------
    >>> import fastlr
    >>> sorted(fastlr.backend_info())  # doctest: +NORMALIZE_WHITESPACE
    ['cuda_device', 'cython', 'distribution', 'isa', 'isas_built', 'isas_supported', 'missing',
     'numba', 'numba_cuda', 'stepper']
    """
    from ...core import distribution

    try:
        supported = importlib.import_module("fastlr.kernels.ahead._cpu").supported()
    except ImportError:
        supported = []
    # Importing kernels of another processor would end the process: those are only looked for.
    found = [
        isa
        for isa in built.ISAS
        if (
            _built(isa)
            if isa in supported
            else importlib.util.find_spec(f"fastlr.kernels.ahead._updates_{isa}") is not None
        )
    ]
    missing = []
    if not found or compiled_stepper() is None:
        missing.append(
            "The compiled core was not built: no C compiler worked when fastlr was installed. "
            "Everything runs through Numba instead, with a compile pause on first use and slower "
            "training. Install a C compiler (gcc or clang) and reinstall fastlr."
        )
    missing += [
        f"Kernels for {isa} were not built; {instruction_set()} is used."
        for isa in supported
        if found and isa not in found
    ]
    numba_cuda, device = _cuda_facts()
    if numba_cuda is None:
        missing.append("The CUDA backend needs numba-cuda: pip install 'fastlr-optim[cuda]'.")
    elif device is None:
        missing.append("No CUDA device was found.")
    names = distribution.providers()
    if said := distribution.conflict(names):
        missing.append(said)
    return {
        "cython": bool(found),
        "isa": instruction_set(),
        "isas_built": found,
        "isas_supported": supported,
        "stepper": "python" if compiled_stepper() is None else "compiled",
        "numba": _version("numba"),
        "numba_cuda": numba_cuda,
        "cuda_device": device,
        "distribution": ", ".join(names) or None,
        "missing": missing,
    }


def _version(distribution: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _cuda_facts() -> tuple[str | None, str | None]:
    version = _version("numba-cuda")
    if version is None:
        return None, None
    from ..cuda import device as numba_cuda

    return version, numba_cuda.device_name()
