"""The examples for torch run in their short form."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "torch"
NEEDS = {"skorch_digits": "skorch", "lightning_digits": "lightning"}


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_example_runs(name):
    for module in ("torch", NEEDS.get(name, "torch")):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    done = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py", "--short"],
        capture_output=True,
        text=True,
        cwd=FOLDER.parents[1],
        env={**os.environ, "PYTHONPATH": str(FOLDER.parents[1])},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert any(word in done.stdout for word in ("accuracy", "update"))
