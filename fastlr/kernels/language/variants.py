"""A rule with its switches decided: dead branches dropped, and the state that only they use."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .check import Checker, Rule
from .spell import print_statements
from .terms import COMMON, DECAY_SHARE


@dataclass(frozen=True)
class Variant:
    """A rule with its switches decided: ready to print."""

    rule: Rule
    on: tuple[str, ...]  # switches that are on, among those that matter
    state: tuple[str, ...]  # state arrays that are really used
    coefficients: tuple[str, ...]
    locals: tuple[str, ...]
    statements: tuple[ast.stmt, ...]
    results: dict[str, ast.expr] = field(hash=False)
    measure: Variant | None = None
    adapt: Variant | None = None
    tables: tuple[str, ...] = ()  # coefficients that are tables

    @property
    def row(self) -> tuple[str, ...]:
        """Return the names in a coefficient row, in order."""
        summing = self.rule.summing
        return COMMON + self.coefficients + (summing.row_tail if summing else ())

    @property
    def written(self) -> tuple[str, ...]:
        """Return the state that the update changes, not that which it only reads."""
        nodes = [node for s in self.statements for node in ast.walk(s)]
        stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        return tuple(s for s in self.state if s in stored or not is_name(self.results[s], s))

    @property
    def read(self) -> tuple[str, ...]:
        """Return the state that the update looks at; the rest is there for `measure` alone."""
        changed = [v for k, v in self.results.items() if not is_name(v, k)]
        nodes = [node for part in (*self.statements, *changed) for node in ast.walk(part)]
        loaded = {n.id for n in nodes if isinstance(n, ast.Name)}
        return tuple(s for s in self.state if s in loaded)

    @property
    def key(self) -> str:
        """Name of this variant among those of its rule, a valid identifier."""
        return "_".join([self.rule.name.lower(), *self.on])

    def text(self, function_names: dict[str, str] | None = None) -> str:
        """Return the statements as source, calls renamed by `function_names`."""
        return print_statements(self.statements, function_names or {})

    def result(self, name: str, function_names: dict[str, str] | None = None) -> str:
        """Return the expression whose value `name` takes, as source."""
        return print_statements([ast.Expr(self.results[name])], function_names or {}).strip()


def variants(rule: Rule) -> Iterator[Variant]:
    """Yield the distinct specialisations of a rule, one for each setting of its switches."""
    seen = set()
    for values in itertools.product((False, True), repeat=len(rule.flags)):
        variant = specialise(rule, dict(zip(rule.flags, values, strict=True)))
        if variant.key not in seen:
            seen.add(variant.key)
            yield variant


def specialise(rule: Rule, flags: dict[str, bool]) -> Variant:
    """Decide the switches of a rule: drop dead branches and the state that only they use."""
    checker = Checker(rule)
    met: dict[str, bool] = {}
    statements = _fold(rule.body, flags, met)
    last = statements[-1] if statements else None
    if not isinstance(last, ast.Return):
        raise checker.error(rule.body[-1] if rule.body else None, "a rule must end in `return`")
    work = statements[:-1]
    known = set(rule.leading) | set(rule.state) | set(rule.parameters)
    known = checker.block(work, known)
    used = set(checker.used)  # by the work: every state is returned, which alone is no use of it
    outputs = _outputs(rule, checker, last, known)
    tables = checker.check_tables()
    for key, value in outputs.items():
        if not is_name(value, key):
            used |= {n.id for n in ast.walk(value) if isinstance(n, ast.Name)} | {key}
    measure, adapt = (
        (specialise(rule.summing.measure, flags), specialise(rule.summing.adapt, flags))
        if rule.summing
        else (None, None)
    )
    parts = [part for part in (measure, adapt) if part]
    known_to = used.union(*({*part.state, *part.coefficients} for part in parts))
    state = tuple(s for s in rule.state if s in known_to or s in checker.assigned)
    coefficients = [p for p in rule.parameters if p in used]
    coefficients += [c for part in parts for c in part.coefficients]
    tail = rule.summing.row_tail if rule.summing else ()
    return Variant(
        rule=rule,
        on=tuple(f for f in rule.flags if met.get(f) or any(f in part.on for part in parts)),
        state=state,
        coefficients=tuple(
            c for c in dict.fromkeys(coefficients) if c not in tail and c != DECAY_SHARE
        ),
        locals=tuple(
            sorted(checker.assigned - set(rule.leading) - set(rule.state) - set(rule.parameters))
        ),
        statements=tuple(work),
        results={k: v for k, v in outputs.items() if k not in rule.state or k in state},
        measure=measure,
        adapt=adapt,
        tables=tables,
    )


def _outputs(
    rule: Rule, checker: Checker, last: ast.Return, known: set[str]
) -> dict[str, ast.expr]:
    """Pair what a rule returns with what it updates."""
    expected = rule.results
    value = last.value
    got = list(value.elts) if isinstance(value, ast.Tuple) else [value] if value else []
    if len(got) != len(expected):
        said = "one number" if expected == ("t",) else ", ".join(expected)
        raise checker.error(last, f"it must return {said}; it returns {len(got)} values")
    for expression in got:
        checker.expression(expression, known)
    return dict(zip(expected, got, strict=True))


def is_name(node: ast.expr, name: str) -> bool:
    """Return whether an expression is nothing but this name."""
    return isinstance(node, ast.Name) and node.id == name


def _fold(body: Iterable[ast.stmt], flags: dict[str, bool], met: dict[str, bool]) -> list[ast.stmt]:
    """Replace each `if` on a switch by the branch that is taken, noting the switches met."""
    out: list[ast.stmt] = []
    for statement in body:
        if not isinstance(statement, ast.If):
            out.append(statement)
            continue
        decided = _decide(statement.test, flags, met)
        if decided is None:
            new = copy.copy(statement)
            new.body = _fold(statement.body, flags, met)
            new.orelse = _fold(statement.orelse, flags, met)
            out.append(new)
        else:
            out.extend(_fold(statement.body if decided else statement.orelse, flags, met))
    return out


def _decide(test: ast.expr, flags: dict[str, bool], met: dict[str, bool]) -> bool | None:
    if isinstance(test, ast.Name) and test.id in flags:
        met[test.id] = flags[test.id]
        return flags[test.id]
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _decide(test.operand, flags, met)
        return None if inner is None else not inner
    return None
