"""Pages of the API reference, generated from the public names of the package."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable
from pathlib import Path

OWN = "fastlr"
_PAGES = {
    "Optimizers": "optimizers",
    "Schedules": "schedules",
    "Losses": "losses",
    "Tuning": "tuning",
    "Diagnosis": "diagnosis",
    "Pictures": "plots",
    "Compiled epochs": "training",
}


def sections() -> dict[str, tuple[str, list[str]]]:
    """Return the module and the names of each page."""
    top = importlib.import_module(OWN)
    rules = {*top.optimizers.__all__, *top.schedules.__all__}  # have pages of their own
    public = [n for n in top.__all__ if n not in rules]
    estimators = [n for n in public if _is_estimator(getattr(top, n))]
    rest = [n for n in public if n not in estimators and callable(getattr(top, n))]
    pages = {"Estimators": (OWN, estimators), "Updater and tools": (OWN, rest)}
    for title, name in _PAGES.items():
        module = importlib.import_module(f"{OWN}.{name}")
        names = sorted((n for n in module.__all__ if callable(getattr(module, n))), key=str.lower)
        own = [n for n in names if n not in public]
        pages[title] = (module.__name__, own or names)
    compat = importlib.import_module(f"{OWN}.compat")
    pages["scikit-learn's classes"] = (compat.__name__, list(compat.__all__))
    pages["ONNX"] = (f"{OWN}.onnx", ["register"])
    return pages


def write_reference(folder: Path) -> None:
    """Write a page for each section, and an index."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for title, (module, members) in sections().items():
        name = title.lower().replace(" ", "-").replace("'", "")
        names.append(name)
        objects = [(m, getattr(importlib.import_module(module), m)) for m in members]
        lines = [_heading(title, "="), f".. currentmodule:: {module}", ""]
        for member, value in objects:
            lines += [_heading(member, "-"), *_directives(member, value), ""]
        _write(folder / f"{name}.rst", lines)
    toctree = [".. toctree::", "   :maxdepth: 2", "", *(f"   {name}" for name in names)]
    _write(folder / "index.rst", [_heading("Reference", "="), *toctree])


def _directives(name: str, value: object) -> Iterable[str]:
    if not inspect.isclass(value):
        yield f".. autofunction:: {name}"
        return
    yield f".. autoclass:: {name}"
    yield ""
    for method in _own_methods(value):
        yield f"   .. automethod:: {method}"


def _own_methods(cls: type) -> list[str]:
    """Return documented public methods; rules omit those of their common base."""
    owners = [c for c in cls.__mro__ if c.__module__.split(".")[0] == OWN]
    if _is_rule(cls):
        owners = owners[:1] if cls.__name__ in {"Optimizer", "Schedule", "Loss"} else []
    found: dict[str, None] = {}
    for owner in reversed(owners):
        for name, member in vars(owner).items():
            function = getattr(member, "__func__", member)
            if not name.startswith("_") and inspect.isfunction(function) and function.__doc__:
                found[name] = None
    return list(found)


def _is_rule(value: object) -> bool:
    from fastlr.core.hyper import HyperParameters

    return inspect.isclass(value) and issubclass(value, HyperParameters)


def _is_estimator(value: object) -> bool:
    return inspect.isclass(value) and hasattr(value, "fit")


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def _write(path: Path, lines: Iterable[str]) -> None:
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:  # rebuild only changes
        path.write_text(text, encoding="utf-8")
