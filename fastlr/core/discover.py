"""Finds the classes of a folder, so that adding one means adding its file and nothing else.

A class whose file is named like it (``cosine_annealing.py`` for ``CosineAnnealing``) is found
without importing the others: a program that uses one optimizer need not wait for all.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_FOLDERS: list[Folder[Any]] = []


def find_class(name: str, base: type[T]) -> type[T] | None:
    """Return fastlr's own class of a name below `base`, None if there is none.

    Folders are known from the import of their package on.
    """
    for folder in _FOLDERS:
        cls = folder.find(name) if issubclass(folder.base, base) else None
        if cls is not None:
            return cls  # type: ignore[no-any-return]
    return None


def discover(package: str, path: Iterable[str], base: type[T]) -> dict[str, type[T]]:
    """Import the modules of a package; return their public subclasses of `base` by name.

    Modules whose names begin with an underscore are left out. Two modules that define classes of
    the same name are an ImportError.
    """
    found: dict[str, type[T]] = {}
    for module in _public_modules(path):
        for name, value in _classes_of(f"{package}.{module}", base).items():
            if name in found:
                raise ImportError(
                    f"{package}: {name} is defined in {found[name].__module__} and in "
                    f"{value.__module__}; rename one of them"
                )
            found[name] = value
    return found


def _public_modules(path: Iterable[str]) -> list[str]:
    names = (info.name for info in pkgutil.iter_modules(path))
    return [name for name in names if not name.startswith("_")]


def _classes_of(module: str, base: type[T]) -> dict[str, type[T]]:
    """Import a module and return the public subclasses of `base` that it defines."""
    return {
        name: value
        for name, value in vars(importlib.import_module(module)).items()
        if not name.startswith("_")
        and isinstance(value, type)
        and value is not base
        and issubclass(value, base)
        and value.__module__ == module
    }


def on_first_use(
    namespace: dict[str, Any], homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of a package that imports some names when asked for.

    `homes` maps each name to its module, relative to the package; `namespace` keeps what was found.
    """
    package = namespace["__name__"]

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{homes[name]}", package), name)
        namespace[name] = value
        return value

    return find, lambda: sorted({*namespace, *homes})


class Folder(Generic[T]):
    """The subclasses of `base` in a package, imported as they are asked for."""

    def __init__(self, package: str, path: Iterable[str], base: type[T]) -> None:
        self._package, self._path, self.base = package, path, base
        _FOLDERS.append(self)

    @functools.cached_property
    def all(self) -> dict[str, type[T]]:
        """Every class by name, as `discover` returns them."""
        return discover(self._package, self._path, self.base)

    @functools.cached_property
    def _modules(self) -> dict[str, str]:
        return {_plain(name): name for name in _public_modules(self._path)}

    def named_like_file(self, name: str) -> type[T] | None:
        """Return the class of this name, in any case, in the file of this name, or None."""
        module = self._modules.get(_plain(name))
        if module is None:
            return None
        classes = _classes_of(f"{self._package}.{module}", self.base)
        return next((cls for own, cls in classes.items() if own.lower() == name.lower()), None)

    def find(self, name: str) -> type[T] | None:
        """Return the class of exactly this name, None if there is none.

        All files are imported where that is in doubt. A name in lower case, which the import of a
        module looks up first, is a class only if its file has the same name.
        """
        cls = self.named_like_file(name)
        if cls is not None and cls.__name__ == name:
            return cls
        return self.all.get(name) if name[:1].isupper() else None

    def attributes(
        self, namespace: dict[str, Any], own: Iterable[str]
    ) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
        """Return the package's ``__getattr__`` and ``__dir__``; `own` names what else is public."""

        def find(name: str) -> Any:
            if name == "__all__":
                return [*own, *self.all]
            cls = self.find(name)
            if cls is None:
                raise AttributeError(f"module {self._package!r} has no attribute {name!r}")
            namespace[name] = cls
            return cls

        def names() -> list[str]:
            return sorted({*namespace, *self.all, "__all__"})

        return find, names


class Registry(Mapping[str, type[T]]):
    """Classes of a folder by their names in lower case; counting or listing imports them all.

    `belongs` takes a class and returns whether it is listed; by default all are.
    """

    def __init__(self, folder: Folder[T], belongs: Callable[[type[T]], bool] | None = None) -> None:
        self._folder, self._belongs = folder, belongs or (lambda cls: True)
        self._found: dict[str, type[T]] = {}

    @functools.cached_property
    def _all(self) -> dict[str, type[T]]:
        return {name.lower(): cls for name, cls in self._folder.all.items() if self._belongs(cls)}

    def __getitem__(self, name: str) -> type[T]:
        known = self._found.get(name)
        if known is not None:
            return known
        cls = self._folder.named_like_file(name) if name == name.lower() else None
        found = self._all[name] if cls is None or not self._belongs(cls) else cls
        self._found[name] = found
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __repr__(self) -> str:
        return repr(self._all)

    def aliases(self) -> dict[str, type[T]]:
        """Return classes by the other names that they list as ``aliases``."""
        return {name: cls for cls in self.values() for name in cls.__dict__.get("aliases", ())}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
