"""Finds rules: in the files of the package, which the build reads, and in a user's class.

This file imports nothing outside the standard library: `setup.py` loads it.
"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path
from typing import Any

from .check import (
    LOSS_FUNCTIONS,
    SCHEDULE_FUNCTIONS,
    UPDATE_FUNCTIONS,
    Rule,
    Summing,
)
from .terms import RuleError, loss_owner, schedule_owner, update_owner
from .variants import variants


def rules_in_file(path: Path) -> list[Rule]:
    """Return the rules of the `Optimizer` classes that a file defines `update` in."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return [
        rule
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for rule in [_update_of_class_node(node, str(path))]
        if rule is not None
    ]


def schedule_rules_in_file(path: Path) -> list[Rule]:
    """Return the scalar rules of the `Schedule` classes that a file defines `factor` in."""
    return [schedule_rule(*found) for found in _static_functions(path, "factor")]


def loss_rules_in_file(path: Path) -> list[Rule]:
    """Return the scalar rules of the `Loss` classes that a file defines `loss` in."""
    return [loss_rule(*found) for found in _static_functions(path, "loss")]


def _static_functions(path: Path, name: str) -> list[tuple[ast.FunctionDef, str, str]]:
    """Return the static methods of a name in a file, each with its class and the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return [
        (item, node.name, str(path))
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef) and item.name == name and _is_static(item)
    ]


def rule_of_class(cls: type) -> Rule:
    """Return the rule of an `Optimizer` subclass, from the source of its `update`."""
    owner: Any = update_owner(cls)
    node, file, offset = function_node(owner, "update")
    parts: dict[str, ast.FunctionDef] = {}
    if owner.sums:
        for name in (each for each in ("measure", "adapt") if hasattr(owner, each)):
            parts[name], _, start = function_node(owner, name)
            ast.increment_lineno(parts[name], start - offset)
    constants = {name: tuple(getattr(owner, name)) for name in _CONSTANTS}
    return _update_rule(node, owner.__name__, file, constants, parts, offset)


def schedule_rule_of_class(cls: type) -> Rule:
    """Return the rule of a `Schedule` subclass, from the source of its `factor`."""
    owner = schedule_owner(cls)
    node, file, offset = function_node(owner, "factor")
    return schedule_rule(node, owner.__name__, file, offset)


def loss_rule_of_class(cls: type) -> Rule:
    """Return the rule of a `Loss` subclass, from the source of its `loss`."""
    owner = loss_owner(cls)
    node, file, offset = function_node(owner, "loss")
    return loss_rule(node, owner.__name__, file, offset)


def function_node(owner: type, name: str) -> tuple[ast.FunctionDef, str, int]:
    """Return the syntax of a method, its file, and how many lines precede it there."""
    from ...core.rule_source import source_of  # which the build does without

    try:
        text, file, first = source_of(owner, name)
    except (OSError, TypeError) as error:
        raise RuleError(
            f"{owner.__name__}.{name}: its source cannot be read, and the compilers need it; "
            "define the class in a file, a notebook cell or python -c, not through exec()"
        ) from error
    node = ast.parse(textwrap.dedent(text)).body[0]
    if not isinstance(node, ast.FunctionDef):
        raise RuleError(f"{file}:{first}: {owner.__name__}.{name} must be a plain function")
    return node, file, first - 1


def schedule_rule(node: ast.FunctionDef, name: str, file: str, offset: int = 0) -> Rule:
    """Parse one scalar function of time; its rule is called ``<name>_factor``."""
    return _rule(
        node, f"{name}_factor", file, ("t",), (), (), SCHEDULE_FUNCTIONS, ("t",), offset=offset
    )


def loss_rule(node: ast.FunctionDef, name: str, file: str, offset: int = 0) -> Rule:
    """Parse a scalar function of output and target; its rule is called ``<name>_loss``."""
    results = ("value", "gradient")
    return _rule(
        node, f"{name}_loss", file, ("z", "y"), (), (), LOSS_FUNCTIONS, results, offset=offset
    )


_CONSTANTS = ("state", "flags", "sums", "scalars", "derived")


def _update_of_class_node(node: ast.ClassDef, file: str) -> Rule | None:
    constants: dict[str, tuple[str, ...]] = dict.fromkeys(_CONSTANTS, ())
    found: dict[str, ast.FunctionDef] = {}
    for item in node.body:
        if isinstance(item, ast.Assign) and len(item.targets) == 1:
            target = item.targets[0]
            if isinstance(target, ast.Name) and target.id in constants:
                constants[target.id] = tuple(ast.literal_eval(item.value))
        elif isinstance(item, ast.FunctionDef) and item.name in {"update", "measure", "adapt"}:
            found[item.name] = item
    update = found.pop("update", None)
    if update is None or not _is_static(update):
        return None
    return _update_rule(update, node.name, file, constants, found)


def _is_static(node: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def _update_rule(
    node: ast.FunctionDef,
    name: str,
    file: str,
    constants: dict[str, tuple[str, ...]],
    parts: dict[str, ast.FunctionDef],
    offset: int = 0,
) -> Rule:
    state, flags = constants["state"], constants["flags"]
    for kept in ("average", "lookahead"):
        if kept in state:
            raise RuleError(
                f"{file}: {name}: state may not be called {kept!r}, which `{kept}=` keeps"
            )
    summing = _summing(name, file, constants, parts, offset) if constants["sums"] else None
    return _rule(
        node,
        name,
        file,
        ("p", "g"),
        state,
        flags,
        UPDATE_FUNCTIONS,
        ("p", *state),
        summing=summing,
        offset=offset,
    )


def _summing(
    name: str,
    file: str,
    constants: dict[str, tuple[str, ...]],
    parts: dict[str, ast.FunctionDef],
    offset: int,
) -> Summing:
    """Parse the two rules that go with `sums`."""
    for part in ("measure", "adapt"):
        if part not in parts or not _is_static(parts[part]):
            raise RuleError(f"{file}: {name}: `sums` needs a static method `{part}`")
    state, flags, sums, scalars, derived = (constants[each] for each in _CONSTANTS)
    measure = _rule(
        parts["measure"],
        f"{name}_measure",
        file,
        ("p", "g"),
        state,
        flags,
        UPDATE_FUNCTIONS,
        sums,
        offset=offset,
    )
    adapt = _rule(
        parts["adapt"],
        f"{name}_adapt",
        file,
        sums + scalars,
        (),
        flags,
        UPDATE_FUNCTIONS,
        derived + scalars,
        literals=True,
        offset=offset,
    )
    for rule in (measure, adapt):
        early = sorted(set(rule.parameters) & set(derived))
        if early:
            raise RuleError(
                f"{file}:{rule.line}: {rule.name}: {early[0]!r} is derived by `adapt`, and only "
                "`update` may take it"
            )
    return Summing(sums, scalars, derived, measure, adapt)


def _rule(
    node: ast.FunctionDef,
    name: str,
    file: str,
    leading: tuple[str, ...],
    state: tuple[str, ...],
    flags: tuple[str, ...],
    functions: frozenset[str],
    results: tuple[str, ...],
    *,
    literals: bool = False,
    summing: Summing | None = None,
    offset: int = 0,
) -> Rule:
    ast.increment_lineno(node, offset)
    here = f"{file}:{node.lineno}: {name}"
    args = node.args
    if args.vararg or args.kwarg or args.kwonlyargs or args.defaults:
        raise RuleError(f"{here}: a rule takes plain positional parameters without defaults")
    names = tuple(a.arg for a in args.posonlyargs + args.args)
    head = leading + state
    if names[: len(head)] != head:
        raise RuleError(
            f"{here}: its parameters must begin with ({', '.join(head)}), got ({', '.join(names)})"
        )
    for each in names:
        if each.endswith("_"):
            raise RuleError(f"{here}: name {each!r} ends in '_', which is kept for generated code")
        if each in functions:
            raise RuleError(f"{here}: name {each!r} is a function of the rule language")
    body = list(node.body)
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]  # docstring
    rule = Rule(
        name,
        file,
        node.lineno,
        leading,
        state,
        flags,
        names[len(head) :],
        tuple(body),
        functions,
        results,
        literals,
        summing,
    )
    for _ in variants(rule):  # every combination of switches must be sound
        pass
    return rule
