"""The CUDA backend in Numba's simulator, in processes of their own: see `simulated_*.py`."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = sorted(Path(__file__).parent.glob("simulated_*.py"))

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="Numba is not installed"
)


@needs_numba
@pytest.mark.parametrize("checks", CHECKS, ids=lambda file: file.stem)
def test_in_the_simulator(checks):
    # Warnings are NumPy's, of scalars that overflow or divide by zero, as kernels may.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(checks), "-q", "-n0",
         "-W", "ignore", "-p", "no:cacheprovider", "-rs"],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
