"""Writes the pages of the API reference from what the package says it has."""

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
    "Training loops": "training",
}


def sections() -> dict[str, tuple[str, list[str]]]:
    """Return, for each page, its module and the names on it."""
    top = importlib.import_module(OWN)
    estimators = [n for n in top.__all__ if _is_estimator(getattr(top, n))]
    rest = [n for n in top.__all__ if n not in estimators and callable(getattr(top, n))]
    pages = {"Estimators": (OWN, estimators), "Updater and tools": (OWN, rest)}
    for title, name in _PAGES.items():
        module = importlib.import_module(f"{OWN}.{name}")
        own = [n for n in _public(module.__all__) if n not in top.__all__]
        pages[title] = (module.__name__, own or _public(module.__all__))
    pages["ONNX"] = (f"{OWN}.onnx", ["register"])
    return pages


def write_reference(folder: Path) -> None:
    """Write a page for each section, and one that lists them."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for title, (module, members) in sections().items():
        name = title.lower().replace(" ", "-")
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
    """Return public methods that fastlr documents, those of the common bases left to these."""
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


def _public(names: Iterable[str]) -> list[str]:
    return sorted((n for n in names if not n.isupper()), key=str.lower)


def _heading(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def _write(path: Path, lines: Iterable[str]) -> None:
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:  # unchanged pages stay built
        path.write_text(text, encoding="utf-8")
