"""Finds the classes of a folder, so that adding one means adding its file and nothing else."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def discover(package: str, path: Iterable[str], base: type[T]) -> dict[str, type[T]]:
    """Import every module of a package and return the subclasses of `base` defined there.

    Parameters
    ----------
    package : str
        Dotted name of the package.
    path : iterable of str
        Its ``__path__``.
    base : type
        What the classes derive from; it is not among them.

    Returns
    -------
    dict of str to type
        Public classes by name, in alphabetical order of the modules. Modules whose name begins
        with an underscore are left out.

    Raises
    ------
    ImportError
        If two modules define a class of the same name.
    """
    found: dict[str, type[T]] = {}
    for module_info in pkgutil.iter_modules(path):
        if module_info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package}.{module_info.name}")
        for name, value in vars(module).items():
            if name.startswith("_") or value is base or not isinstance(value, type):
                continue
            if not issubclass(value, base) or value.__module__ != module.__name__:
                continue
            if name in found:
                raise ImportError(
                    f"{package}: {name} is defined in {found[name].__module__} and in "
                    f"{module.__name__}; rename one of them"
                )
            found[name] = value
    return found
