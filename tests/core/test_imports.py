"""What importing fastlr costs: nothing is loaded before it is needed."""

import re

import pytest

import fastlr
from tests.support.engines import needs_compiled, output_of
from tests.support.source_tree import modules

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


# What reads rules and prints them for compilers, and the engines of other models.
LIGHT = {"fastlr.kernels.language.terms"}  # names and constants
EMITTER = {
    module
    for module in modules()
    if re.match(r"fastlr\.kernels\.(language|loops|jit|cuda)\.", module) and module not in LIGHT
}
OTHER_ENGINES = [
    "fastlr.training.mlp.epoch",
    "fastlr.training.sparse.epoch",
    "fastlr.training.sparse.lazy",
]


def test_modules_that_must_not_be_loaded_are_there():
    assert len(EMITTER) > 10
    assert modules().keys() >= {*OTHER_ENGINES, *LIGHT}


def own_modules_after(code):
    ask = "import sys\nprint(*[m for m in sys.modules if m.startswith('fastlr')])"
    return set(output_of(f"{code}\n{ask}").split())


@needs_compiled
def test_the_first_step_of_a_compiled_rule_reads_no_rule():
    """To read and print rules takes longer to import than all the rest of a first step."""
    code = """
import numpy as np
import fastlr
w = np.ones(3)
fastlr.AdamW(schedule="onecycle").bind(w, total_steps=5).step(w.copy())
"""
    loaded = own_modules_after(code)
    assert "fastlr.updater.updater" in loaded
    assert loaded & EMITTER == set()


@needs_compiled
@pytest.mark.parametrize("lr", ["'auto'", "0.1"])
def test_a_fit_of_dense_rows_loads_only_what_it_runs(lr):
    code = f"""
import numpy as np
import fastlr
X = np.arange(80.0).reshape(40, 2) % 7
fastlr.LinearClassifier(lr={lr}, max_epochs=2, random_state=0).fit(X, X[:, 0] > 3)
"""
    loaded = own_modules_after(code)
    assert "fastlr.training.linear.epoch" in loaded
    assert loaded.isdisjoint([*EMITTER, *OTHER_ENGINES])
    assert loaded.isdisjoint(["fastlr.tuning.sweeping", "fastlr.tuning.lr_range"])


@pytest.mark.parametrize("module", ["fastlr.tuning", "fastlr.training"])
def test_what_is_imported_late_is_never_hidden_by_a_module_of_its_name(module):
    code = f"""
import importlib, pkgutil, types
package = importlib.import_module("{module}")
for found in pkgutil.iter_modules(package.__path__):
    if not found.name.startswith("_"):
        importlib.import_module("{module}." + found.name)
names = [n for n in package.__all__ if isinstance(getattr(package, n), types.ModuleType)]
print(len(package.__all__) > 5, names)
"""
    assert output_of(code).strip() == "True []"


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
