"""Writes what editors and type checkers read instead of classes that are found at run time.

Optimizers, schedules and losses are found by the files that hold them, and their constructors are
made of annotated parameters, so that a new one is one file. Type checkers see neither. For each of
these files, and for the packages that hand their classes on, a stub is written beside the copy that
goes into a wheel. Nothing of the package is imported.

    python setup_stubs.py FOLDER    # copies the package's text into FOLDER/fastlr, with stubs
"""

import ast
import shutil
import sys
from pathlib import Path

FOLDERS = ("optimizers", "schedules", "losses")
# Files of a folder that hold no rule: what they define is annotated there.
WITHOUT_RULES = {
    "optimizers": {"optimizer"},
    "schedules": {"base", "rule", "simulation", "boundaries"},
    "losses": {"base"},
}
BASE = {"Optimizer", "Schedule", "Loss"}
# Class attributes that describe a rule; the base classes annotate them.
DESCRIBING = {
    "ranges": "dict[str, str]",
    "choices": "dict[str, tuple[Any, ...]]",
    "presets": "dict[str, dict[str, Any]]",
    "lengths": "dict[str, int]",
}
ANY = ast.Name("Any")
ELLIPSIS = ast.Expr(ast.Constant(...))


def write_stubs(package):
    """Write the stubs of a copy of the package; return their paths."""
    package = Path(package)
    written, names = [], {}
    for folder in FOLDERS:
        classes = {}
        for path in sorted((package / folder).glob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if path.name == "__init__.py":
                door = tree
                continue
            found = [n.name for n in tree.body if isinstance(n, ast.ClassDef)]
            if path.stem.startswith("_"):
                continue
            classes[path.stem] = [n for n in found if not n.startswith("_") and n not in BASE]
            if path.stem in WITHOUT_RULES[folder]:
                classes[path.stem] = classes[path.stem] if path.stem == "base" else []
                continue
            written.append(_write(path, _rule_file(tree, package, folder)))
        body, names[folder] = _folder_door(door, classes)
        written.append(_write(package / folder / "__init__.py", body))
    door = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    written.append(_write(package / "__init__.py", _front_door(door, names)))
    return written


def _write(path, body):
    text = ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
    stub = path.with_suffix(".pyi")
    stub.write_text(text + "\n", encoding="utf-8")
    return stub


def _rule_file(tree, package, folder):
    """Return the statements of the stub of one file of rules."""
    lines = ["from typing import Any, ClassVar"]
    if folder == "optimizers":
        lines += ["from collections.abc import Callable, Mapping"]
        lines += ["from ..schedules import Schedule"]
    body = [ast.parse(line).body[0] for line in lines]
    body += [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            body.append(_class(node, package, folder))
        elif isinstance(node, ast.FunctionDef):
            body.append(_function(node))
        elif isinstance(node, ast.AnnAssign):
            body.append(ast.AnnAssign(node.target, node.annotation, None, 1))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            body.append(ast.AnnAssign(node.targets[0], ANY, None, 1))
    return body


def _class(node, package, folder):
    body = [ast.Expr(ast.Constant(text))] if (text := ast.get_docstring(node)) else []
    has_init = False
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            has_init |= item.name == "__init__"
            body.append(_function(item))
        elif isinstance(item, ast.AnnAssign):
            body.append(ast.AnnAssign(item.target, item.annotation, None, 1))
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            name = item.targets[0].id
            kind = DESCRIBING.get(name)
            if kind:
                body.append(ast.parse(f"{name}: ClassVar[{kind}]").body[0])
    if not has_init:
        fields = _fields(node, package, folder)
        body.append(_init(fields))
    return ast.ClassDef(node.name, node.bases, [], body or [ELLIPSIS], node.decorator_list)


def _function(node):
    """Return a function without its body, in which what is not annotated is of any type."""
    args = node.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    is_static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)
    for place, each in enumerate(every):
        bound = place == 0 and not is_static and each is not None and each.arg in ("self", "cls")
        if each is not None and each.annotation is None and not bound:
            each.annotation = ANY
    args.defaults = [ast.Constant(...) for _ in args.defaults]
    args.kw_defaults = [d and ast.Constant(...) for d in args.kw_defaults]
    return ast.FunctionDef(
        node.name, args, [ELLIPSIS], node.decorator_list, node.returns or ANY, lineno=1
    )


def _init(fields):
    """Return the constructor that `HyperParameters` gives a class: a keyword for each field."""
    given = [f"{n}: {kind}" + (f" = {value}" if value else "") for n, kind, value in fields]
    return ast.parse(f"def __init__({', '.join(['self', *given])}) -> None: ...").body[0]


def _fields(node, package, folder):
    """Return name, annotation and default (None where there is none) of each parameter."""
    known = _classes_of(package, folder)
    chain, common = [node], []
    while bases := [b.id for b in chain[-1].bases if isinstance(b, ast.Name) and b.id in known]:
        chain.append(known[bases[-1]])
    own: dict = {}
    meant_otherwise: set = set()
    presets = False
    for each in reversed(chain):
        fields = {
            item.target.id: (ast.unparse(item.annotation), _default(item.value))
            for item in each.body
            if isinstance(item, ast.AnnAssign) and "ClassVar" not in ast.unparse(item.annotation)
        }
        assigned = {
            item.targets[0].id: _default(item.value)
            for item in each.body
            if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)
        }
        presets |= "presets" in assigned
        if "own_fields" in assigned:  # names of the family, with a meaning of the class
            meant_otherwise |= set(ast.literal_eval(assigned["own_fields"]))
        if each.name == "UpdateRule":
            common = [(name, *field) for name, field in fields.items()]
            continue
        own |= fields
        own |= {name: (own[name][0], assigned[name]) for name in assigned.keys() & own.keys()}
        changed = {**assigned, **{name: default for name, (_, default) in fields.items()}}
        common = [(name, kind, changed.get(name, default)) for name, kind, default in common]
    common = [field for field in common if field[0] not in meant_otherwise]
    shared = {name for name, _, _ in common}
    listed = [(name, *field) for name, field in own.items() if name not in shared]
    listed.sort(key=lambda field: field[2] is not None)
    return listed + common + [("preset", "str | None", "None")] * presets


def _default(value):
    """Return the text of a default that is a plain value, an ellipsis for another."""
    try:
        return None if value is None else repr(ast.literal_eval(value))
    except ValueError:
        return "..."


def _classes_of(package, folder):
    """Return the syntax of every class that may be a base in a folder, by name."""
    paths = [*(package / folder).glob("*.py")]
    if folder == "optimizers":
        paths += [package / "updater" / "rule.py"]
    return {
        n.name: n
        for path in paths
        for n in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(n, ast.ClassDef)
    }


def _handed_on(classes):
    return [
        ast.parse(f"from .{file} import {name} as {name}").body[0]
        for file, names in classes.items()
        for name in names
    ]


def _all(names):
    return ast.parse(f"__all__ = {sorted(names)!r}").body[0]


def _folder_door(tree, classes):
    """Return the stub of a folder's package, and its public names: every class among them."""
    body, own = [ast.parse("from ..core.discover import Registry").body[0]], []
    base = None
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            for alias in node.names:  # what is not handed on is still needed by annotations
                base = alias.name if alias.name in BASE else base
                if alias.name in {"Folder", "Registry", "Parameter"}:
                    continue
                alias.asname = alias.name if node.level == 1 else None
                body.append(ast.ImportFrom(node.module, [alias], node.level))
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            body.append(_function(node))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name == "_OWN":
                own = ast.literal_eval(node.value)
            elif name.isupper() and not name.startswith("_"):
                body.append(ast.parse(f"{name}: Registry[{base}]").body[0])
    public = [*own, *(name for each in classes.values() for name in each)]
    return [*body, *_handed_on(classes), _all(public)], public


def _front_door(tree, names):
    """Return the stub of the package: its public names, every optimizer and every schedule."""
    body, public = [], []
    for node in tree.body:
        if isinstance(node, ast.If):  # TYPE_CHECKING
            for each in node.body:
                for alias in each.names:
                    alias.asname = alias.name
                body.append(each)
        elif isinstance(node, ast.Assign) and node.targets[0].id == "_HOMES":
            public = [*ast.literal_eval(node.value), "__version__"]
        elif isinstance(node, ast.Assign) and node.targets[0].id == "_SUBMODULES":
            modules = ast.literal_eval(node.value)
            body += [ast.parse(f"from . import {n} as {n}").body[0] for n in modules]
    body.append(ast.parse("from ._version import __version__ as __version__").body[0])
    for folder in ("optimizers", "schedules"):
        body += [ast.parse(f"from .{folder} import {n} as {n}").body[0] for n in names[folder]]
    return [*body, _all([*public, *names["optimizers"], *names["schedules"]])]


if __name__ == "__main__":
    target = Path(sys.argv[1]) / "fastlr"
    source = Path(__file__).resolve().parent / "fastlr"
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    print(f"{len(write_stubs(target))} stubs in {target}")
