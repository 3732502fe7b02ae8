"""What this installation has, and what it lacks."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from ...core import distribution
from ..ahead import built
from . import processor


def backend_info() -> dict[str, Any]:
    """Return which backends this installation has, and what is missing.

    Returns
    -------
    dict
        ``cython``: whether ahead-of-time kernels are there; ``isa``: the instruction set in use;
        ``isas_built``, ``isas_supported``; ``stepper``: ``"compiled"`` or ``"python"``;
        ``threads``: whether compiled loops can share a step among threads; ``numba``,
        ``numba_cuda``: versions or None; ``cuda_device``: name of the GPU or None;
        ``distribution``: the installed distribution that this package comes from, None in a
        plain checkout; ``missing``: sentences that say what is missing and how to get it.

    Examples
    --------
    >>> import fastlr
    >>> sorted(fastlr.backend_info())  # doctest: +NORMALIZE_WHITESPACE
    ['cuda_device', 'cython', 'distribution', 'isa', 'isas_built', 'isas_supported', 'missing',
     'numba', 'numba_cuda', 'stepper', 'threads']
    """
    try:
        cpu = importlib.import_module("fastlr.kernels.ahead._cpu")
        supported, portable = cpu.supported(), cpu.PORTABLE
    except ImportError:
        supported, portable = [], False
    # Importing kernels of another processor would end the process: those are only looked for.
    found = [
        isa
        for isa in built.ISAS
        if (
            processor.is_built(isa)
            if isa in supported
            else importlib.util.find_spec(f"fastlr.kernels.ahead._updates_{isa}") is not None
        )
    ]
    missing = []
    if not found or processor.compiled_stepper() is None:
        missing.append(
            "The compiled core was not built: no C compiler worked when fastlr was installed. "
            "Everything runs through Numba instead, with a compile pause on first use and slower "
            "training. Install a C compiler (gcc or clang) and reinstall fastlr."
        )
    elif portable:
        missing.append(
            "The compiled core was built in portable C (FASTLR_PORTABLE_C=1, or Windows): without "
            "vector instructions, and without threads, so that n_threads saves no time."
        )
    missing += [
        f"Kernels for {isa} were not built; {processor.instruction_set()} is used."
        for isa in supported
        if found and isa not in found
    ]
    numba_cuda, device = _cuda_facts()
    if numba_cuda is None:
        missing.append("The CUDA backend needs numba-cuda: pip install 'fastlr-optim[cuda]'.")
    elif device is None:
        missing.append("No CUDA device was found.")
    names = distribution.providers()
    if conflict := distribution.conflict(names):
        missing.append(conflict)
    return {
        "cython": bool(found),
        "isa": processor.instruction_set(),
        "isas_built": found,
        "isas_supported": supported,
        "stepper": "python" if processor.compiled_stepper() is None else "compiled",
        "threads": processor.compiled_stepper() is not None and not portable,
        "numba": _version("numba"),
        "numba_cuda": numba_cuda,
        "cuda_device": device,
        "distribution": ", ".join(names) or None,
        "missing": missing,
    }


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cuda_facts() -> tuple[str | None, str | None]:
    version = _version("numba-cuda")
    if version is None:
        return None, None
    from ..cuda import device as numba_cuda

    return version, numba_cuda.device_name()
