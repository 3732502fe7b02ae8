"""The text of a rule: of a file, a notebook, a command, or what has travelled with a pickle."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

RULES = ("update", "measure", "adapt", "factor", "loss")
_KEPT = "_rule_sources"  # of a class: pickles by value, as of `__main__`, take it along


class Source(NamedTuple):
    """The lines of a function, and where they stand."""

    text: str
    file: str
    first: int  # line


def keep_sources(cls: type) -> None:
    """Keep the text of the rules of a user's class in it.

    Another process, or this one when the file has been edited, cannot read it where it stood.
    """
    found = {}
    for name in RULES:
        if name in cls.__dict__:
            try:
                found[name] = _read(inspect.unwrap(getattr(cls, name)))
            except (OSError, TypeError, SyntaxError):
                continue
    if found:
        setattr(cls, _KEPT, found)


def source_of(owner: type, name: str) -> Source:
    """Return the text of a rule; raise OSError or TypeError if there is none."""
    function = inspect.unwrap(getattr(owner, name))
    kept: Source | None = getattr(owner, _KEPT, {}).get(name)
    code = getattr(function, "__code__", None)
    if kept is not None and code is not None and code.co_firstlineno == kept.first:
        return kept
    return _read(function)


def _read(function: Callable[..., Any]) -> Source:
    code = getattr(function, "__code__", None)
    if code is not None and code.co_filename == "<string>" and "-c" in sys.orig_argv:
        lines = sys.orig_argv[sys.orig_argv.index("-c") + 1].splitlines(keepends=True)
        first = code.co_firstlineno
        text = "".join(inspect.getblock(lines[first - 1 :]))
        if not _is_text_of(text, code):  # another string was executed
            raise OSError(f"{code.co_name} is not in the command")
        return Source(text, "<string>", first)
    text_lines, first = inspect.getsourcelines(function)
    # A class of a notebook has no file.
    return Source("".join(text_lines), inspect.getsourcefile(function) or "<unknown>", first)


def _is_text_of(text: str, code: CodeType) -> bool:
    """Return whether a text is that of a function, by what it compiles to."""
    made = compile(textwrap.dedent(text), "<string>", "exec").co_consts
    return any(
        isinstance(each, CodeType)
        and (each.co_name, each.co_code, each.co_names, each.co_varnames)
        == (code.co_name, code.co_code, code.co_names, code.co_varnames)
        for each in made
    )
