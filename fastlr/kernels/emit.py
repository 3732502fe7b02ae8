"""Reads an update rule and writes the body of a fused loop.

A rule is a scalar Python function. Its text is read with `ast`, checked against a
small language, specialised for the switches that are on, and printed again; since
Cython and Numba both speak Python, the three compilers get the same statements and
differ only in the frame around them (`cython_cpu`, `numba_cpu`, `numba_cuda`).

This file imports nothing outside the standard library: `setup.py` loads it before the
package can be imported.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

UPDATE_FUNCTIONS = frozenset({"sqrt", "abs", "sign", "min", "max", "exp", "log"})
SCHEDULE_FUNCTIONS = UPDATE_FUNCTIONS | {"cos", "floor", "pow"}

# The prologue's scalars come first in every coefficient row, in this order: gradient scale
# (clipping and the sign of `maximize`), bound of clip-by-value, L2 factor, decay factor
# (rate included), weight of the new parameter in the average. Then those of `emit_finish`:
# threshold of L1 (rate included), Lookahead's step if it is due, scale of a cautious step.
COMMON = ("gscale_", "clip_", "l2_", "shrink_", "avgw_", "l1_", "look_", "mask_")

CLIP = """\
g = g * gscale_
g = clip_ if g > clip_ else g
g = -clip_ if g < -clip_ else g
"""
PROLOGUE = CLIP + "g = g + l2_ * p\n"
DECAY = "p = p - shrink_ * p\n"
# A rule that takes a parameter of this name is given the share of p that decay takes off, and
# applies it itself: more than p depends on it there.
DECAY_SHARE = "decay_share"
AVERAGE = "avg_ = avg_ + avgw_ * (p - avg_)\n"

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


class RuleError(ValueError):
    """A rule uses something that the compilers cannot be given; says where and what instead."""


@dataclass(frozen=True)
class Rule:
    """One parsed rule: what it reads, what it keeps, and its statements."""

    name: str
    file: str
    line: int
    leading: tuple[str, ...]  # what comes first: p, g for an update; t for a schedule
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
    """What a rule sums over elements before it updates them, and what it makes of the sums."""

    sums: tuple[str, ...]
    scalars: tuple[str, ...]  # kept from step to step, in double precision
    derived: tuple[str, ...]  # handed to the update of this step
    measure: Rule  # one element's share of each sum
    adapt: Rule  # from sums and scalars to derived values and new scalars

    @property
    def row_tail(self) -> tuple[str, ...]:
        """Return what stands in a coefficient row after what the host computes."""
        return self.scalars + self.derived


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
        return tuple(s for s in self.state if s in stored or not _is_name(self.results[s], s))

    @property
    def read(self) -> tuple[str, ...]:
        """Return the state that the update looks at; the rest is there for `measure` alone."""
        changed = [v for k, v in self.results.items() if not _is_name(v, k)]
        nodes = [node for part in (*self.statements, *changed) for node in ast.walk(part)]
        loaded = {n.id for n in nodes if isinstance(n, ast.Name)}
        return tuple(s for s in self.state if s in loaded)

    @property
    def key(self) -> str:
        """Name of this variant among those of its rule, a valid identifier."""
        return "_".join([self.rule.name.lower(), *self.on])

    def text(self, function_names: dict[str, str] | None = None) -> str:
        """Return the statements as source, calls renamed by `function_names`."""
        return _print(self.statements, function_names or {})

    def result(self, name: str, function_names: dict[str, str] | None = None) -> str:
        """Return the expression whose value `name` takes, as source."""
        return _print([ast.Expr(self.results[name])], function_names or {}).strip()


@dataclass(frozen=True)
class Loop:
    """What the frames put into a loop over elements."""

    arrays: tuple[str, ...]  # state arrays, the average last; the frames call array `x` `x_at_`
    scalars: tuple[str, ...]  # the coefficient row, in order
    locals: tuple[str, ...]
    body: str  # from p, g and the arrays' elements to their new values
    written: tuple[str, ...]  # those of p and the arrays that the body changes

    @property
    def used(self) -> dict[str, int]:
        """Scalars that the body reads, and where they stand in the coefficient row."""
        words = set(re.findall(r"\w+", self.body))
        return {name: k for k, name in enumerate(self.scalars) if name in words}


def fused_loop(variant: Variant, average: bool, names: dict[str, str]) -> Loop:
    """Join prologue, rule and epilogue into the body of one loop.

    Parameters
    ----------
    variant : Variant
        The rule, specialised.
    average : bool
        Keep a running average of the parameter in one more array.
    names : dict of str to str
        What the compiler calls the functions of the language.

    Returns
    -------
    Loop
        Arrays, scalars and statements; the loop's own frame is the compiler's.
    """
    outputs = {
        key: variant.result(key, names)
        for key in ("p", *variant.state)
        if not _is_name(variant.results[key], key)
    }
    # Results that are expressions get names first: one may read what another replaces.
    before, own_decay = prologue(variant)
    body = before + variant.text(names)
    body += "".join(f"{key}_new_ = {text}\n" for key, text in outputs.items())
    body += "".join(f"{key} = {key}_new_\n" for key in outputs)
    arrays = variant.state
    if average:
        body += AVERAGE
        arrays += ("avg_",)
    return Loop(
        arrays=arrays,
        written=("p", *(a for a in arrays if a == "avg_" or a in variant.written)),
        scalars=variant.row,
        locals=(
            *("p", "g", *arrays),
            *(f"{key}_new_" for key in outputs),
            *variant.locals,
            *own_decay,
        ),
        body=body,
    )


def prologue(variant: Variant) -> tuple[str, tuple[str, ...]]:
    """Return the statements that come before an update's own, and the local names they set."""
    if DECAY_SHARE in variant.rule.parameters:
        return PROLOGUE + f"{DECAY_SHARE} = shrink_\n", (DECAY_SHARE,)
    return PROLOGUE + DECAY, ()


def kernel_name(variant: Variant, average: bool, dtype: str) -> str:
    """Return the name under which a kernel is found in every backend's table."""
    return f"{variant.key}{'_avg' if average else ''}_{dtype}"


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
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    rules = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "factor" and _is_static(item):
                    rules += [schedule_rule(item, node.name, str(path))]
    return rules


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


def update_owner(cls: type) -> type:
    """Return the class that states the rule which `cls` uses."""
    for base in cls.__mro__:
        if "update" in base.__dict__:
            return base
    raise RuleError(f"{cls.__name__} states no rule: define a static method `update(p, g, ...)`")


def schedule_rule_of_class(cls: type) -> Rule:
    """Return the rule of a `Schedule` subclass, from the source of its `factor`."""
    owner = schedule_owner(cls)
    node, file, offset = function_node(owner, "factor")
    return schedule_rule(node, owner.__name__, file, offset)


def schedule_owner(cls: type) -> type:
    """Return the class that states the rule which `cls` uses."""
    for base in cls.__mro__:
        if isinstance(base.__dict__.get("factor"), staticmethod):
            return base
    raise RuleError(
        f"{cls.__name__} states no rule: define a static method `factor(t, ...)`, or `evaluate`"
    )


def function_node(owner: type, name: str) -> tuple[ast.FunctionDef, str, int]:
    """Return the syntax of a method, its file, and how many lines precede it there."""
    try:
        function = inspect.unwrap(getattr(owner, name))
        lines, first = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or "<unknown>"  # a class of a notebook has none
    except (OSError, TypeError) as error:
        raise RuleError(
            f"{owner.__name__}.{name}: its source cannot be read, and the compilers need it; "
            "define the class in a file or a notebook cell, not through exec()"
        ) from error
    node = ast.parse(textwrap.dedent("".join(lines))).body[0]
    if not isinstance(node, ast.FunctionDef):
        raise RuleError(f"{file}:{first}: {owner.__name__}.{name} must be a plain function")
    return node, file, first - 1


def schedule_rule(node: ast.FunctionDef, name: str, file: str, offset: int = 0) -> Rule:
    """Parse one scalar function of time; its rule is called ``<name>_factor``."""
    return _rule(
        node, f"{name}_factor", file, ("t",), (), (), SCHEDULE_FUNCTIONS, ("t",), offset=offset
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
    checker = _Checker(rule)
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
    for key, value in outputs.items():
        if not _is_name(value, key):
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
    )


def _outputs(
    rule: Rule, checker: _Checker, last: ast.Return, known: set[str]
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


def _is_name(node: ast.expr, name: str) -> bool:
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


class _Checker:
    """Walks statements, refuses what is outside the language, and notes what is used."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.used: set[str] = set()
        self.assigned: set[str] = set()

    def error(self, node: ast.AST | None, message: str) -> RuleError:
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
        if isinstance(node, ast.Name):
            if node.id not in known:
                raise self.error(
                    node,
                    f"name {node.id!r} is not set on every path; assign it first, or add it to the "
                    "parameters and return it from `coefficients`",
                )
            self.used.add(node.id)
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
        wanted = 2 if node.func.id in {"min", "max", "pow"} else 1
        if len(node.args) != wanted or node.keywords:
            raise self.error(node, f"`{node.func.id}` takes {wanted} plain argument(s)")
        for argument in node.args:
            self.expression(argument, known)

    def test(self, node: ast.expr, known: set[str]) -> None:
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
        args = [self.visit(a) for a in node.args]
        if node.func.id == "min":
            return _choose(args[1], ast.Lt(), args[0], args[1], args[0])
        if node.func.id == "max":
            return _choose(args[1], ast.Gt(), args[0], args[1], args[0])
        if node.func.id == "sign":
            one, zero = ast.Name("one_", ast.Load()), ast.Name("zero_", ast.Load())
            negative = _choose(args[0], ast.Lt(), zero, ast.UnaryOp(ast.USub(), one), zero)
            return _choose(args[0], ast.Gt(), zero, one, negative)
        name = self.names.get(node.func.id, node.func.id)
        return ast.Call(ast.Name(name, ast.Load()), args, [])


def _choose(
    left: ast.expr, op: ast.cmpop, right: ast.expr, then: ast.expr, otherwise: ast.expr
) -> ast.IfExp:
    return ast.IfExp(ast.Compare(left, [op], [right]), then, otherwise)


def _print(statements: Iterable[ast.stmt | ast.Expr], names: dict[str, str]) -> str:
    spelled = [_Spell(names).visit(copy.deepcopy(s)) for s in statements]
    return "".join(ast.unparse(ast.fix_missing_locations(s)) + "\n" for s in spelled)
