"""Tables in the rules of schedules: as many numbers as a user gives, behind one name.

``passed(table)`` is how many entries of a table are not after the time, ``entry(table, k)`` the
k-th of them, the first or the last where there is none. A kernel finds a table behind the other
coefficients, and what the rule's parameter holds is where: first the index of the last entry, then
the entries. So kernels have the same signature with tables and without.

This file imports nothing outside the standard library: `setup.py` loads it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

FUNCTIONS = frozenset({"passed", "entry"})
ENTRY = "entry_"  # what the frames call the access to the coefficients


def spell_passed(table: str) -> ast.expr:
    """Return what stands for ``passed(table)``: a name that `passed_text` sets."""
    return ast.Name(f"{table}_passed_", ast.Load())


def spell_entry(table: str, index: ast.expr) -> ast.expr:
    """Return what stands for ``entry(table, index)``, the index held inside of the table."""
    zero, last = ast.Name("zero_", ast.Load()), ast.Name(f"{table}_last_", ast.Load())
    low = ast.IfExp(ast.Compare(index, [ast.Gt()], [zero]), index, zero)
    held = ast.IfExp(ast.Compare(low, [ast.Lt()], [last]), low, last)
    one = ast.Name("one_", ast.Load())
    place = ast.BinOp(ast.BinOp(ast.Name(table, ast.Load()), ast.Add(), one), ast.Add(), held)
    return ast.Call(ast.Name(ENTRY, ast.Load()), [ast.Name("c_", ast.Load()), place], [])


def local_names(tables: Iterable[str]) -> tuple[str, ...]:
    """Return the names that the texts below set, all of them numbers."""
    names = tuple(f"{t}_{what}_" for t in tables for what in ("last", "passed"))
    return (*names, "k_") if names else ()


def last_text(tables: Iterable[str]) -> str:
    """Return statements that find where each table ends, once for all times."""
    return "".join(f"{t}_last_ = {ENTRY}(c_, {t})\n" for t in tables)


def passed_text(tables: Iterable[str], body: str) -> str:
    """Return statements that count what has passed at ``t``, ahead of a rule that asks for it."""
    return "".join(
        f"{t}_passed_ = zero_\n"
        f"k_ = zero_\n"
        f"while k_ <= {t}_last_:\n"
        f"    if {ENTRY}(c_, {t} + one_ + k_) <= t:\n"
        f"        {t}_passed_ = {t}_passed_ + one_\n"
        f"    k_ = k_ + one_\n"
        for t in tables
        if f"{t}_passed_" in body
    )
