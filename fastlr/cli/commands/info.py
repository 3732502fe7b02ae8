"""What ``fastlr info`` says of the kernels on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..._version import __version__


def info_lines(info: Mapping[str, Any]) -> list[str]:
    """Return what `backend_info` found, for people.

    Examples
    --------
    >>> from fastlr import backend_info
    >>> info_lines(backend_info())[0].split()[0]
    'fastlr'
    """
    import platform

    import numpy
    import scipy
    import sklearn

    import fastlr

    from ...optimizers import OPTIMIZERS
    from ...schedules import SCHEDULES

    kernels = "not built"
    if info["cython"]:
        kernels = (
            f"{info['isa']} in use (built: {', '.join(info['isas_built'])}; this processor "
            f"supports: {', '.join(info['isas_supported'])})"
        )
    root = Path(fastlr.__file__).parents[1]
    facts = {
        f"fastlr {__version__}": f"Python {platform.python_version()}, NumPy {numpy.__version__}, "
        f"SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}",
        "distribution": f"{info['distribution'] or 'none, a source checkout'} in {root}",
        "Cython kernels": kernels,
        "stepper": info["stepper"],
        "Numba": info["numba"] or "not installed",
        "Numba CUDA": info["numba_cuda"] or "not installed",
        "GPU": info["cuda_device"] or "none",
        "optimizers": ", ".join(sorted(OPTIMIZERS)),
        "schedules": ", ".join(sorted(SCHEDULES)),
    }
    width = max(map(len, facts)) + 2
    lines = [f"{name:{width}}{value}" for name, value in facts.items()]
    return lines + [f"Note: {sentence}" for sentence in info["missing"]]
