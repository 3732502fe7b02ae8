"""The machine and the versions that a figure belongs to, and what the machine gives at most."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from .timing import interleave

PACKAGES = (
    *("fastlr", "numpy", "scipy", "scikit-learn", "numba", "torch", "jax", "optax", "deepspeed"),
    *("scikit-learn-intelex", "skorch", "river", "vowpalwabbit", "snapml"),
)


def about() -> dict[str, str]:
    """Describe processor, compiled kernels and versions, for the head of a table."""
    from fastlr import backend_info

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = {
        "cpu": _model(),
        "cores": str(cores),
        "kernels": str(backend_info()["isa"]),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if "fastlr" not in found:
        from fastlr._version import __version__

        found["fastlr"] = __version__
    return found


def slug(machine: dict[str, str]) -> str:
    """Return a file name for results of a machine.

    Examples
    --------
    >>> slug({"cpu": "AMD EPYC 7B13 (TM)", "cores": "2", "kernels": "avx2"})
    'amd-epyc-7b13-tm-2-avx2'
    """
    text = "-".join(machine[k] for k in ("cpu", "cores", "kernels"))
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def limits(quick: bool) -> dict[str, float]:
    """Measure what one thread gets at most.

    Parameters
    ----------
    quick : bool
        Use arrays that may fit into a cache, and so say nothing.

    Returns
    -------
    dict of str to float
        ``"bytes per second"`` of adding one large array to another in place, with the two that
        are read and the one that is written counted (a copy would say less: it fetches the lines
        that it is about to overwrite, which a step does not);
        ``"float32 operations per second"`` of a square matrix product in NumPy.
    """
    from threadpoolctl import threadpool_limits

    size = 10**5 if quick else 3 * 10**7
    source, target = np.ones(size, np.float32), np.zeros(size, np.float32)
    side = 128 if quick else 1024
    square = np.ones((side, side), np.float32)
    with threadpool_limits(1):
        timed = interleave(
            {"add": lambda: np.add(target, source, out=target), "product": lambda: square @ square},
            rounds=3 if quick else 11,
        )
    return {
        "bytes per second": 3 * source.nbytes / timed["add"].low,
        "float32 operations per second": 2 * side**3 / timed["product"].low,
    }
