"""``fastlr info``: the distribution, and the kernels on this machine."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..._version import __version__
from ..options.shared import Json
from ..screen.output import fail, plain_errors, print_json

_WIDTH = 80


@plain_errors
def info(as_json: Json = False) -> None:
    """Show which distribution and which compiled kernels run here.

    Notes below the table say what is missing, and how to get it.

    [bold]Examples[/bold]

        fastlr info

        FASTLR_ISA=avx2 fastlr info --json
    """
    from ...kernels.find.info import backend_info

    try:
        found = backend_info()
    except ValueError as error:  # FASTLR_ISA, which the message names
        fail(str(error), 2)
    if as_json:
        print_json(found)
    else:
        print("\n".join(info_lines(found)))


def info_lines(info: Mapping[str, Any]) -> list[str]:
    """Return the result of `backend_info` as text of 80 columns, one fact in each.

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

    from ...optimizers import OPTIMIZERS
    from ...schedules import SCHEDULES

    kernels = "not built"
    if info["cython"]:
        kernels = (
            f"{info['isa']} in use (built: {', '.join(info['isas_built'])}; this processor "
            f"supports: {', '.join(info['isas_supported'])})"
        )
    root = Path(__file__).parents[3]
    facts = {
        f"fastlr {__version__}": f"Python {platform.python_version()}, NumPy {numpy.__version__}, "
        f"SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}",
        "distribution": f"{info['distribution'] or 'none (a source checkout)'} in {root}",
        "Cython kernels": kernels,
        "stepper": info["stepper"],
        "Numba": info["numba"] or "not installed",
        "Numba CUDA": info["numba_cuda"] or "not installed",
        "GPU": info["cuda_device"] or "none",
        "optimizers": ", ".join(sorted(OPTIMIZERS)),
        "schedules": ", ".join(sorted(SCHEDULES)),
    }
    width = max(map(len, facts)) + 2
    lines = [_wrapped(f"{name:{width}}{value}", width) for name, value in facts.items()]
    return lines + [_wrapped(f"Note: {sentence}", 6) for sentence in info["missing"]]


def _wrapped(text: str, margin: int) -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        subsequent_indent=" " * margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
