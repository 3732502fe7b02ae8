"""The ways in which a step can be run here: kernels of each compiler, with each stepper."""

from __future__ import annotations

import contextlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastlr.kernels.ahead import built
from fastlr.kernels.find import info, processor

PATHS = [str(Path(__file__).parents[2])]

ENGINES = [
    *(f"cython-{isa}" for isa in built.ISAS),
    "numba",
    "cython-python_stepper",
    "numba-no_compiler",
]


def is_compiled():
    """Tell whether this installation has the compiled core."""
    return processor.instruction_set() is not None and processor.compiled_stepper() is not None


needs_compiled = pytest.mark.skipif(
    not is_compiled(), reason="the compiled core was not built here"
)


@contextlib.contextmanager
def use_engine(name):
    """Make `bind` use one combination of kernels and stepper; give the backend to ask for."""
    kernels, _, other = name.partition("-")
    if kernels == "cython" and not is_compiled():
        pytest.skip("the compiled core was not built here")
    if other in built.ISAS:
        found = info.backend_info()
        if other not in found["isas_supported"] or other not in found["isas_built"]:
            pytest.skip(f"{other} kernels do not run here, only {found['isas_supported']}")
    with pytest.MonkeyPatch.context() as patch:
        if other in built.ISAS:
            patch.setattr(processor, "instruction_set", lambda: other)
        if other in {"python_stepper", "no_compiler"}:
            patch.setattr(processor, "compiled_stepper", lambda: None)
        if other == "no_compiler":
            patch.setattr(processor, "instruction_set", lambda: None)
        processor.reduction_address.cache_clear()
        yield kernels
    processor.reduction_address.cache_clear()


def run_python(code, env=None, cwd=None, args=()):
    """Run code in a new interpreter, to its end; return the process with what it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS), **(env or {})}
    return subprocess.run(
        [sys.executable, "-c", inspect.cleandoc(code), *args],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def output_of(code, **options):
    """Return what code printed in a new interpreter, which must end well."""
    done = run_python(code, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
