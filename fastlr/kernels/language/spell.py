"""Prints checked statements for a compiler, spelled so that all give the same bits."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable

from .tables import spell_entry, spell_passed


def print_statements(statements: Iterable[ast.stmt | ast.Expr], names: dict[str, str]) -> str:
    """Return statements as source, functions by the names that a compiler has for them."""
    spelled = [_Spell(names).visit(copy.deepcopy(s)) for s in statements]
    return "".join(ast.unparse(ast.fix_missing_locations(s)) + "\n" for s in spelled)


class _Spell(ast.NodeTransformer):
    """Spells calls for a compiler: functions by its names, min, max and sign as comparisons.

    Spelling them out fixes what happens on NaN and ties, so that every compiler gives the same
    bits. Operands are repeated; they have no side effects, and compilers compute them once.
    `one_` and `zero_` are constants in the array's precision that each frame defines.
    """

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        if node.func.id == "passed":
            return spell_passed(ast.unparse(node.args[0]))
        args = [self.visit(a) for a in node.args]
        if node.func.id == "entry":
            return spell_entry(ast.unparse(node.args[0]), args[1])
        if node.func.id == "min":
            return _choose(args[1], ast.Lt(), args[0], args[1], args[0])
        if node.func.id == "max":
            return _choose(args[1], ast.Gt(), args[0], args[1], args[0])
        if node.func.id == "sign":
            # Zero is its own sign, and so is what is not a number: it goes through, and shows.
            one, zero = ast.Name("one_", ast.Load()), ast.Name("zero_", ast.Load())
            negative = _choose(args[0], ast.Lt(), zero, ast.UnaryOp(ast.USub(), one), args[0])
            return _choose(args[0], ast.Gt(), zero, one, negative)
        name = self.names.get(node.func.id, node.func.id)
        return ast.Call(ast.Name(name, ast.Load()), args, [])


def _choose(
    left: ast.expr, op: ast.cmpop, right: ast.expr, then: ast.expr, otherwise: ast.expr
) -> ast.IfExp:
    return ast.IfExp(ast.Compare(left, [op], [right]), then, otherwise)
