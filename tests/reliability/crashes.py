"""Runs code that may crash the interpreter in a process of its own."""

import os
import subprocess
import sys

PRELUDE = """
import warnings

import numpy as np
from scipy.sparse import csc_matrix, csr_array, csr_matrix

import fastlr
from fastlr import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor

warnings.simplefilter("ignore")
"""


def run_apart(code, timeout=600):
    """Return what a fresh interpreter prints; fail with its last words if it did not end well."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PRELUDE + code],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)},
        check=False,
    )
    assert done.returncode == 0, f"exit status {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout.strip()
