"""Read schedules from text: a name, or the Python expression that makes one.

The expression is parsed and walked, never evaluated, so it can make a schedule and nothing else.
"""

from __future__ import annotations

import ast
from typing import Any

from ...schedules import Schedule, epochs, get_schedule
from ..errors import InputError, one_line


def read_schedule(text: str, argument: str) -> Schedule:
    """Return the schedule that a text describes; `argument` is named in errors.

    It may hold calls of schedule classes, ``epochs(n)``, ``.then(...)``, ``*`` and plain values.

    Examples
    --------
    >>> read_schedule("cosine", "NAME")
    CosineAnnealing()
    >>> read_schedule("Warmup(epochs(2)).then('cosine') * 0.5", "NAME").second
    0.5
    """
    try:
        if is_name(text):
            return get_schedule(text.strip())
        value = _value(ast.parse(text.strip(), mode="eval").body)
        return get_schedule(value)
    except SyntaxError as error:
        raise InputError(argument, f"cannot read '{text}': {error.msg}") from error
    except (TypeError, ValueError) as error:
        raise InputError(argument, one_line(error)) from error


def is_name(text: str) -> bool:
    """Whether a text is a plain name."""
    return all(letter.isalnum() or letter in "_-" for letter in text.strip())


def _value(node: ast.expr) -> Any:
    """Return the value of a node of the expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _value(node.left) * _value(node.right)
    if isinstance(node, ast.Call):
        given = [_value(each) for each in node.args]
        named = {each.arg or "": _value(each.value) for each in node.keywords}
        if "" in named:
            raise ValueError(f"'{ast.unparse(node)}': write each parameter out, by name")
        return _called(node.func)(*given, **named)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(f"'{ast.unparse(node)}' is not a number, a string or a schedule") from None


def _called(node: ast.expr) -> Any:
    """Return the callable: a schedule class, `epochs`, or the ``then`` of a schedule."""
    if isinstance(node, ast.Attribute) and node.attr == "then":
        before = _value(node.value)
        if isinstance(before, Schedule):
            return before.then
    if isinstance(node, ast.Name):
        if node.id == "epochs":
            return epochs
        from ... import schedules

        public = {name.lower(): getattr(schedules, name) for name in schedules.__all__}
        found = public.get(node.id.lower().replace("_", ""))
        bases = (Schedule, schedules.Function)
        if isinstance(found, type) and issubclass(found, Schedule) and found not in bases:
            return found
        return type(get_schedule(node.id))  # an alias, or an error that lists the names
    raise ValueError(
        f"'{ast.unparse(node)}' cannot be called; only schedules, epochs(n) and .then(...) can"
    )
