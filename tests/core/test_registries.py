"""Registries import what is asked for, and know everything all the same."""

import json
import subprocess
import sys

import pytest

import fastlr
from fastlr import losses, optimizers, schedules
from fastlr.core.discover import Folder, Registry

PACKAGES = [
    (optimizers, "OPTIMIZERS", "Optimizer"),
    (schedules, "SCHEDULES", "Schedule"),
    (losses, "LOSSES", "Loss"),
]


def modules_after(statement):
    code = (
        f"import sys, json\n{statement}\n"
        "print(json.dumps([m for m in sys.modules if m.startswith('fastlr.')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return {name.removeprefix("fastlr.") for name in json.loads(done.stdout)}


def test_a_linear_model_and_one_optimizer_do_not_import_the_others():
    found = modules_after(
        "import numpy as np\n"
        "from fastlr import LinearClassifier, AdamW\n"
        "X = np.arange(8.0).reshape(4, 2)\n"
        "LinearClassifier(AdamW(), lr=0.1, max_epochs=1).fit(X, [0, 1, 0, 1])\n"
    )
    assert {"optimizers.adamw", "schedules.onecycle", "losses.log_loss"} <= found
    others = {"optimizers.lion", "schedules.rex", "losses.huber", "estimators.mlp", "tuning"}
    assert not others & found


@pytest.mark.parametrize("name", ["adamw", "AdamW"])
def test_looking_one_up_imports_one(name):
    how = f"OPTIMIZERS[{name!r}]" if name.islower() else name
    found = modules_after(f"from fastlr import optimizers; optimizers.{how}")
    assert "optimizers.adamw" in found
    assert "optimizers.sgd" not in found


@pytest.mark.parametrize(("package", "registry", "base"), PACKAGES, ids=lambda p: str(p))
def test_all_names_are_listed_and_reachable(package, registry, base):
    mapping, root = getattr(package, registry), getattr(package, base)
    assert {registry, base, f"get_{base.lower()}"} < set(package.__all__) <= set(dir(package))
    names = {}
    exec(f"from {package.__name__} import *", names)
    assert set(package.__all__) <= set(names)
    assert len(mapping) == len(list(mapping)) > 10
    for key, cls in mapping.items():
        assert mapping[key] is cls is getattr(package, cls.__name__)
        assert issubclass(cls, root)
        assert key == cls.__name__.lower()
    assert "nothing" not in mapping
    with pytest.raises(KeyError):
        mapping[cls.__name__]  # keys are in lower case
    for missing in ("Nothing", "nothing", cls.__name__.upper() + "_"):
        with pytest.raises(AttributeError, match=missing):
            getattr(package, missing)


def test_all_optimizers_and_schedules_are_names_of_the_package():
    for package in (optimizers, schedules):
        for name in package.__all__:
            assert getattr(fastlr, name) is getattr(package, name)
    assert set(optimizers.__all__) | set(schedules.__all__) < set(dir(fastlr))
    for missing in ("adamw", "Adamw", "linear", "Huber"):
        with pytest.raises(AttributeError, match=missing):
            getattr(fastlr, missing)


def test_a_class_in_a_file_of_another_name_is_found(tmp_path, monkeypatch):
    package = tmp_path / "registry_folder"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "two_words.py").write_text("class TwoWords(dict): pass\nclass Beside(dict): pass")
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = Folder("registry_folder", [str(package)], dict)
    registry = Registry(folder)
    assert registry["twowords"] is folder.find("TwoWords")
    assert registry["beside"] is folder.find("Beside")
    assert list(registry) == ["twowords", "beside"]
    assert folder.find("Twowords") is None


def test_estimators_are_listed():
    from fastlr import estimators

    assert set(estimators.__all__) <= set(dir(estimators))
    for name in estimators.__all__:
        assert getattr(estimators, name) is getattr(fastlr, name)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = estimators.Nothing
