"""The documentation's Python runs as it stands; the pages of the guide run when they are built."""

import importlib
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastlr import LinearClassifier
from fastlr.losses import LOSSES
from fastlr.optimizers import OPTIMIZERS
from fastlr.schedules import SCHEDULES

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.S))
]
# Packages whose names have pages; `fastlr.rules` has NumPy's functions.
SHOWN = ("compat", "diagnosis", "estimators", "exceptions", "losses", "onnx", "optimizers", "plots")
SHOWN += ("reporting", "schedules", "training", "tuning")
OPTIONAL = ("skops", "skl2onnx", "sklearn.callback", "torch")


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs(block, tmp_path, monkeypatch):
    for package in OPTIONAL:
        if package in block:
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    X, y = load_iris(return_X_y=True)
    model = LinearClassifier(max_epochs=2, random_state=0).fit(X, y)
    pipeline = make_pipeline(StandardScaler(), LinearClassifier(random_state=0)).fit(X, y)
    names = {"X": X, "y": y, "model": model, "pipeline": pipeline, "np": np}
    names |= {"X_new": X[::3], "y_new": y[::3]}
    script = tmp_path / "block.py"  # rules are compiled from their source, so there must be one
    script.write_text(block)
    runpy.run_path(str(script), init_globals=names)


def test_there_are_blocks():
    assert len(BLOCKS) >= 3


def test_the_reference_lists_every_rule():
    sections = runpy.run_path(str(DOCS / "reference.py"))["sections"]()
    listed = {name for _, names in sections.values() for name in names}
    for registry in (OPTIMIZERS, SCHEDULES, LOSSES):
        assert {cls.__name__ for cls in registry.values()} <= listed


def test_the_reference_lists_everything_public():
    sections = runpy.run_path(str(DOCS / "reference.py"))["sections"]()
    listed = {name for _, names in sections.values() for name in names}
    for name in ["fastlr", *(f"fastlr.{each}" for each in SHOWN)]:
        package = importlib.import_module(name)
        public = {n for n in package.__all__ if callable(getattr(package, n))}
        assert public <= listed, name
