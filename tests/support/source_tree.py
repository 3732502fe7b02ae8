"""Reads the package's source: which module imports which, and who reaches for private names."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "fastlr"


@dataclass(frozen=True)
class Import:
    """One import statement, or the name of a module spelled in a string."""

    source: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}, imports {self.target}"


@dataclass(frozen=True)
class Reach:
    """An attribute with a private name of an object that belongs to another file."""

    file: str
    line: int
    name: str
    homes: frozenset[str]
    subject: str

    @property
    def room(self) -> str:
        """Return the folder of the package that reaches."""
        return self.file.partition("/")[0]

    @property
    def crosses(self) -> bool:
        """Tell whether the name belongs to other folders only."""
        return self.room not in {home.partition("/")[0] for home in self.homes}

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place} reaches for {self.subject}.{self.name} of {sorted(self.homes)}"


def room(module: str) -> str:
    """Return the folder or file right below the package that a module stands in.

    Examples
    --------
    >>> room("fastlr.kernels.jit.update"), room("fastlr")
    ('kernels', '__init__')
    """
    return [*module.split("."), "__init__"][1]


@functools.cache
def modules() -> dict[str, Path]:
    """Return the files of the package by the name of their module."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = [PACKAGE.name, *file.relative_to(PACKAGE).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@functools.cache
def imports() -> list[Import]:
    """Return every import within the package: at module level, lazy, or for types only."""
    known = modules()
    found = []
    for module, file in known.items():
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(_tree(file)):
            for name in _named(node, package.split(".")):
                while name not in known and "." in name:
                    name = name.rpartition(".")[0]
                if name in known and name != module:
                    found.append(Import(module, name, node.lineno))
    return found


def _named(node: ast.AST, package: list[str]) -> Iterator[str]:
    """Yield what a node may import, absolute; a name from a module may be a module itself."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else []
        stem = ".".join([*above, *([node.module] if node.module else [])])
        yield from (f"{stem}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and re.fullmatch(r"fastlr(\.\w+)+", str(node.value)):
        yield str(node.value)


@functools.cache
def reaches() -> list[Reach]:
    """Return every ``obj._name`` whose name is defined in the package, in other files only."""
    homes: dict[str, set[str]] = {}
    files = {str(f.relative_to(PACKAGE)): _tree(f) for f in modules().values()}
    bases = {file: _bases(tree) for file, tree in files.items()}
    for file, tree in files.items():
        for name in _defined(tree):
            homes.setdefault(name, set()).add(file)
    return [
        Reach(file, node.lineno, node.attr, frozenset(homes[node.attr]), ast.unparse(node.value))
        for file, tree in files.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and re.match(r"_[a-z]", node.attr)
        and not _is_own(node.value, bases[file])
        and file not in homes.get(node.attr, {file})
    ]


def _defined(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that a file gives to functions, classes and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _bases(tree: ast.Module) -> set[str]:
    """Return the names of the classes that those of a file derive from."""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    return {base.id for each in classes for base in each.bases if isinstance(base, ast.Name)}


def _is_own(value: ast.expr, bases: set[str]) -> bool:
    """Tell whether an expression is the object itself, its class, or one of its bases."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in {"super", "type"}
    return isinstance(value, ast.Name) and value.id in {"self", "cls", *bases}
