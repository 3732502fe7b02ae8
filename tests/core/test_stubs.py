"""What a wheel tells editors and type checkers is what the classes are."""

import ast
import importlib
import inspect
import shutil
from pathlib import Path

import pytest

import fastlr
import setup_stubs
from fastlr import losses, optimizers, schedules

FOLDERS = [optimizers, schedules, losses]


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """Return a copy of the package's text with its stubs."""
    target = tmp_path_factory.mktemp("typed") / "fastlr"
    source = Path(fastlr.__file__).parent
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    setup_stubs.write_stubs(target)
    return target


def names_of(stub):
    """Return ``__all__`` of a stub, and the names that its text binds."""
    tree = ast.parse(stub.read_text())
    bound = {alias.asname for n in tree.body if isinstance(n, ast.ImportFrom) for alias in n.names}
    bound |= {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    bound |= {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign)}
    public = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign))
    return set(public), bound


@pytest.mark.parametrize("package", [fastlr, *FOLDERS], ids=lambda each: each.__name__)
def test_a_stub_has_every_public_name(typed, package):
    folder = package.__name__.partition(".")[2]
    public, bound = names_of(typed / folder / "__init__.pyi")
    assert public == set(package.__all__)
    assert public <= bound


@pytest.mark.parametrize("package", FOLDERS, ids=lambda each: each.__name__)
def test_a_stub_has_the_constructor_of_every_class(typed, package):
    for cls in vars(importlib.import_module(package.__name__))["_FOLDER"].all.values():
        if cls.__module__.endswith(".base"):
            continue  # annotated where it stands
        stub = typed.parent / Path(*cls.__module__.split(".")).with_suffix(".pyi")
        tree = ast.parse(stub.read_text())
        node = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == cls.__name__)
        init = next(n for n in node.body if getattr(n, "name", "") == "__init__")
        said = [each.arg for each in init.args.args[1:]]
        parameters = inspect.signature(cls).parameters
        assert said == list(parameters), cls
        needed = [n for n, p in parameters.items() if p.default is p.empty]
        assert said[: len(said) - len(init.args.defaults)] == needed, cls
        for name, value in zip(said[len(needed) :], init.args.defaults, strict=True):
            value = ast.literal_eval(value)
            assert value is ... or value == parameters[name].default, (cls, name)


def test_a_star_imports_optimizers_and_schedules():
    found = {}
    exec("from fastlr import *", found)
    assert found["AdamW"] is optimizers.AdamW
    assert found["OneCycle"] is schedules.OneCycle
    assert found["find_lr"] is fastlr.find_lr
