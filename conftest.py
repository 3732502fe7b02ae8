"""Leaves out the examples of modules without their optional dependency; closes pictures."""

import os
import sys
from importlib.util import find_spec

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")  # no window, wherever the tests run

collect_ignore_glob = (
    [] if find_spec("skl2onnx") and find_spec("onnxruntime") else ["fastlr/onnx/*"]
) + ([] if find_spec("torch") else ["fastlr/torch/*"])


@pytest.fixture(autouse=True)
def _no_picture_stays_open():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
