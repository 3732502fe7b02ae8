"""Tensors on a device, in a process with Numba's CUDA simulator: see `simulated_device.py`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install torch")
pytest.importorskip("numba")


def test_tensors_in_the_simulator():
    checks = Path(__file__).with_name("simulated_device.py")
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
