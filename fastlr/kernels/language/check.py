"""The small language of rules, which every compiler understands.

This file imports nothing outside the standard library: `setup.py` loads it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from .tables import FUNCTIONS as TABLE_FUNCTIONS
from .terms import RuleError

UPDATE_FUNCTIONS = frozenset({"sqrt", "cbrt", "abs", "sign", "min", "max", "exp", "log"})
SCHEDULE_FUNCTIONS = UPDATE_FUNCTIONS | {"cos", "floor", "pow"} | TABLE_FUNCTIONS
LOSS_FUNCTIONS = UPDATE_FUNCTIONS - {"cbrt"} | {"expm1", "log1p", "tanh"}

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@dataclass(frozen=True)
class Rule:
    """A parsed rule: its inputs, its state and its statements."""

    name: str
    file: str
    line: int
    leading: tuple[str, ...]  # first: p, g for an update; t for a schedule; z, y for a loss
    state: tuple[str, ...]
    flags: tuple[str, ...]
    parameters: tuple[str, ...]  # everything after leading and state, flags included
    body: tuple[ast.stmt, ...]
    functions: frozenset[str]
    results: tuple[str, ...]  # what it returns, by name
    literals: bool = False  # all of it is double precision, so numbers may stand in it
    summing: Summing | None = None  # what must be summed before the update

    @property
    def digest(self) -> str:
        """Hash of everything that the compiled code depends on."""
        parts = [self.name, *self.leading, *self.state, *self.flags, *self.parameters]
        parts += [ast.dump(s) for s in self.body]
        if self.summing is not None:
            parts += [*self.summing.sums, *self.summing.row_tail]
            parts += [self.summing.measure.digest, self.summing.adapt.digest]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Summing:
    """The sums over elements that a rule needs before its update, and how it uses them."""

    sums: tuple[str, ...]
    scalars: tuple[str, ...]  # kept from step to step, in double precision
    derived: tuple[str, ...]  # handed to the update of this step
    measure: Rule  # one element's share of each sum
    adapt: Rule  # from sums and scalars to derived values and new scalars

    @property
    def row_tail(self) -> tuple[str, ...]:
        """Return the entries of a coefficient row that follow the host's."""
        return self.scalars + self.derived


class Checker:
    """Walks statements, refuses what is outside the language, and notes what is used."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.used: set[str] = set()
        self.assigned: set[str] = set()
        self.tables: dict[str, None] = {}  # in order; read by `passed` and `entry` alone
        self.numbers: set[str] = set()

    def error(self, node: ast.AST | None, message: str) -> RuleError:
        """Return an error that names the rule, its file and the line."""
        line = getattr(node, "lineno", self.rule.line)
        return RuleError(f"{self.rule.file}:{line}: {self.rule.name}: {message}")

    def block(self, body: Iterable[ast.stmt], known: set[str]) -> set[str]:
        """Check statements; return the names that are certainly set after them."""
        known = set(known)
        for statement in body:
            if isinstance(statement, ast.Assign):
                if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name):
                    raise self.error(statement, "assign to one plain name at a time")
                self.expression(statement.value, known)
                known.add(self._target(statement.targets[0]))
            elif isinstance(statement, ast.AugAssign):
                if not isinstance(statement.target, ast.Name):
                    raise self.error(statement, "assign to one plain name at a time")
                self._operator(statement.op, statement)
                load = ast.copy_location(ast.Name(statement.target.id, ast.Load()), statement)
                self.expression(load, known)
                self.expression(statement.value, known)
                self._target(statement.target)
            elif isinstance(statement, ast.If):
                self.test(statement.test, known)
                then = self.block(statement.body, known)
                otherwise = self.block(statement.orelse, known)
                known |= then & otherwise
            elif isinstance(statement, ast.Pass):
                continue
            else:
                kind = type(statement).__name__.lower()
                raise self.error(
                    statement,
                    f"`{kind}` is not part of the rule language; use assignments, arithmetic, "
                    "comparisons and if/else, and one return at the end",
                )
        return known

    def _target(self, node: ast.Name) -> str:
        if node.id in self.rule.parameters:
            raise self.error(node, f"coefficient {node.id!r} may not be assigned; use a new name")
        if node.id in self.rule.functions:
            raise self.error(node, f"name {node.id!r} is a function of the rule language")
        if node.id.endswith("_"):
            raise self.error(
                node, f"name {node.id!r} ends in '_', which is kept for generated code"
            )
        self.assigned.add(node.id)
        return node.id

    def _operator(self, op: ast.operator, node: ast.AST) -> None:
        if isinstance(op, ast.Pow):
            raise self.error(node, "`**` is not available; write x * x, sqrt(x) or exp(y * log(x))")
        if not isinstance(op, _ARITHMETIC):
            raise self.error(node, f"operator {type(op).__name__} is not available; use + - * /")

    def expression(self, node: ast.expr, known: set[str]) -> None:
        """Check a number: arithmetic of names that are set."""
        if isinstance(node, ast.Name):
            if node.id not in known:
                raise self.error(
                    node,
                    f"name {node.id!r} is not set on every path; assign it first, or add it to the "
                    "parameters and return it from `coefficients`",
                )
            self.used.add(node.id)
            self.numbers.add(node.id)
        elif isinstance(node, ast.Constant):
            if self.rule.literals and type(node.value) in {int, float}:
                return
            raise self.error(
                node,
                f"literal {node.value!r} would be computed in double precision; add a parameter to "
                "the rule and return its value from `coefficients`",
            )
        elif isinstance(node, ast.BinOp):
            self._operator(node.op, node)
            self.expression(node.left, known)
            self.expression(node.right, known)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            self.expression(node.operand, known)
        elif isinstance(node, ast.IfExp):
            self.test(node.test, known)
            self.expression(node.body, known)
            self.expression(node.orelse, known)
        elif isinstance(node, ast.Call):
            self._call(node, known)
        else:
            raise self.error(
                node, f"`{ast.unparse(node)}` is not part of the rule language; use arithmetic"
            )

    def _call(self, node: ast.Call, known: set[str]) -> None:
        allowed = ", ".join(sorted(self.rule.functions))
        if not isinstance(node.func, ast.Name) or node.func.id not in self.rule.functions:
            raise self.error(
                node, f"call of `{ast.unparse(node.func)}` cannot be compiled; available: {allowed}"
            )
        wanted = 2 if node.func.id in {"min", "max", "pow", "entry"} else 1
        if len(node.args) != wanted or node.keywords:
            raise self.error(node, f"`{node.func.id}` takes {wanted} plain argument(s)")
        if node.func.id in TABLE_FUNCTIONS:
            self._table(node)
        for argument in node.args[1 if node.func.id in TABLE_FUNCTIONS else 0 :]:
            self.expression(argument, known)

    def _table(self, node: ast.Call) -> None:
        table = node.args[0]
        if not isinstance(table, ast.Name) or table.id not in self.rule.parameters:
            raise self.error(node, f"`{ast.unparse(node)}`: the table must be a parameter")
        self.used.add(table.id)
        self.tables[table.id] = None

    def check_tables(self) -> tuple[str, ...]:
        """Return the parameters that are tables; none may be used as a number as well."""
        for name in self.tables:
            if name in self.numbers:
                raise self.error(None, f"{name!r} is a table, and cannot be used as a number")
        return tuple(self.tables)

    def test(self, node: ast.expr, known: set[str]) -> None:
        """Check a condition: comparisons of numbers, joined by and, or, not."""
        if isinstance(node, ast.BoolOp):
            for value in node.values:
                self.test(value, known)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.test(node.operand, known)
        elif isinstance(node, ast.Compare) and all(isinstance(o, _COMPARISONS) for o in node.ops):
            for value in (node.left, *node.comparators):
                self.expression(value, known)
        else:
            raise self.error(
                node,
                f"condition `{ast.unparse(node)}` must be a comparison or one of the flags "
                f"({', '.join(self.rule.flags) or 'none declared'})",
            )
