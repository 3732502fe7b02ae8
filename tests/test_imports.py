"""What importing fastlr costs: nothing is loaded before it is needed."""

import pytest
from engines import needs_compiled, output_of

import fastlr

HEAVY = [
    *("numba", "llvmlite", "torch", "matplotlib", "pandas", "pyarrow", "rich", "typer", "skops"),
    *("sklearn", "scipy", "IPython", "optax", "keras"),
]


def loaded_after(code):
    """Return which of the heavy packages a new interpreter has loaded after running code."""
    ask = f"import sys\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    return output_of(f"{code}\n{ask}").split()


def test_import_loads_nothing_heavy():
    assert loaded_after("import fastlr") == []


@pytest.mark.parametrize("name", ["AdamW", "OneCycle", "Updater", "backend_info", "optimizers"])
def test_optimizers_and_schedules_load_nothing_heavy(name):
    assert loaded_after(f"from fastlr import {name}") == []


@needs_compiled
def test_the_first_step_loads_nothing_heavy():
    """Schedules, clipping, averaging, saving: the compiled core does it all by itself."""
    code = """
import pickle
import numpy as np
import fastlr
optimizer = fastlr.AdamW(clip_norm=1.0, average="ema", schedule="onecycle", nonfinite="skip")
updater = optimizer.bind(np.ones(50_000), n_threads=2, total_steps=10)
for _ in range(3):
    updater.step(np.full(50_000, 0.1))
pickle.loads(pickle.dumps(updater)).step(np.ones(50_000))
repr(updater), updater.lr, updater.averaged
"""
    assert loaded_after(code) == []


def test_backend_info_looks_without_loading():
    if fastlr.backend_info()["numba_cuda"]:
        pytest.skip("to name the GPU it must load numba-cuda")
    assert loaded_after("import fastlr; fastlr.backend_info()") == []


def test_importing_compiles_and_writes_nothing(tmp_path):
    env = {"FASTLR_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    output_of("import fastlr; fastlr.AdamW, fastlr.OneCycle", env=env)
    assert list(tmp_path.iterdir()) == []


def test_every_public_name_is_there():
    names = dir(fastlr)
    assert {"AdamW", "SGD", "OneCycle", "Warmup", "Updater", "backend_info", "__version__"} <= set(
        names
    )
    for name in names:
        assert getattr(fastlr, name) is not None
    with pytest.raises(AttributeError, match="module 'fastlr' has no attribute 'AdamX'"):
        _ = fastlr.AdamX
    for registry in (fastlr.optimizers, fastlr.schedules):
        for name in registry.__all__:
            assert hasattr(registry, name)
