"""Schedules as text: a name, or what Python would take to make one, and nothing else.

The text is read as an expression and walked, not evaluated, so that nothing but a schedule can
come of it.
"""

from __future__ import annotations

import ast
from typing import Any

from ..schedules import Schedule, epochs, get_schedule
from .screen.errors import InputError, one_line


def read_schedule(text: str, argument: str) -> Schedule:
    """Return the schedule that a text says.

    Parameters
    ----------
    text : str
        A name such as ``cosine``; or calls of schedule classes, ``epochs(n)``, ``.then(...)`` and
        ``*``, with plain values in them.
    argument : str
        What to name in the message.

    Returns
    -------
    Schedule
        The object.

    Raises
    ------
    InputError
        If it is anything else, or a value is out of range.

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
    """Whether a text can be no more than a name."""
    return all(letter.isalnum() or letter in "_-" for letter in text.strip())


def _value(node: ast.expr) -> Any:
    """Return what a node of the expression says."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _value(node.left) * _value(node.right)
    if isinstance(node, ast.Call):
        given = [_value(each) for each in node.args]
        named = {each.arg or "": _value(each.value) for each in node.keywords}
        if "" in named:
            raise ValueError(f"'{ast.unparse(node)}': write its parameters out, by name")
        return _called(node.func)(*given, **named)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(
            f"'{ast.unparse(node)}' is not a number, a text or a call of a schedule"
        ) from None


def _called(node: ast.expr) -> Any:
    """Return what is called: a class of schedules, `epochs`, or ``then`` of a schedule."""
    if isinstance(node, ast.Attribute) and node.attr == "then":
        before = _value(node.value)
        if isinstance(before, Schedule):
            return before.then
    if isinstance(node, ast.Name):
        if node.id == "epochs":
            return epochs
        from .. import schedules

        known = {
            name.lower(): getattr(schedules, name)
            for name in schedules.__all__
            if isinstance(getattr(schedules, name), type)
            and issubclass(getattr(schedules, name), Schedule)
            and name not in ("Schedule", "Function")
        }
        wanted = node.id.lower().replace("_", "")
        if wanted in known:
            return known[wanted]
        return type(get_schedule(node.id))  # an alias, or an error that lists the names
    raise ValueError(
        f"'{ast.unparse(node)}' cannot be called; schedules, epochs(n) and .then(...) can"
    )
