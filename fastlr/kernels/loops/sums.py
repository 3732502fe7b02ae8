"""Bodies of the two kernels that rules with `sums` have besides their update.

`measure` runs over elements as the update does, behind the same prologue. Each element's share of
every sum is computed in double precision and added to one of 16 running sums, as `ahead/reduce.py`
does with squares; steppers call it for a block of elements and add up the 16. `adapt` then turns
sums and scalars into derived values.

This file imports nothing outside the standard library: `setup.py` loads it.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, replace

from ..language.terms import COMMON
from .update import Variant, prologue

WIDEN = "wide_"  # how the frames call the conversion to double precision


@dataclass(frozen=True)
class MeasureLoop:
    """What the frames put into a loop that measures elements."""

    arrays: dict[str, int]  # state arrays that are read, and where they stand among the state
    scalars: tuple[str, ...]  # the coefficient row, in order
    locals: tuple[str, ...]
    body: str
    shares: tuple[str, ...]  # one expression for each sum

    def at(self, index: str, lane: str) -> str:
        """Return the statements for the element at `index`, whose shares go to a lane.

        The running sums of sum k are called ``lane<k>_``.
        """
        loads = "".join(f"{a} = {a}_at_[{index}]\n" for a in ("p", "g", *self.arrays))
        adds = "".join(f"lane{k}_[{lane}] += {share}\n" for k, share in enumerate(self.shares))
        return loads + self.body + adds


@dataclass(frozen=True)
class AdaptBody:
    """What the frames put into a function that is called once for a set of sums."""

    sums: tuple[str, ...]
    scalars: tuple[str, ...]
    coefficients: dict[str, int]  # and where they stand in the row
    locals: tuple[str, ...]
    body: str
    results: tuple[str, ...]  # the row's tail, scalars first, as names set by `body`
    tail: int  # where that tail begins


def measure_name(variant: Variant, dtype: str) -> str:
    """Return the name under which the kernel that measures is found."""
    return f"{variant.key}_measure_{dtype}"


def adapt_name(variant: Variant, dtype: str) -> str:
    """Return the name under which the kernel that adapts is found."""
    return f"{variant.key}_adapt_{dtype}"


def measure_loop(variant: Variant, names: dict[str, str], wide: dict[str, str]) -> MeasureLoop:
    """Return the body of the loop that measures."""
    measure = variant.measure
    assert measure is not None
    before, own_decay = prologue(variant)
    arrays = {name: k for k, name in enumerate(variant.state) if name in measure.state}
    return MeasureLoop(
        arrays=arrays,
        scalars=variant.row,
        locals=("p", "g", *arrays, *measure.locals, *own_decay),
        body=before + measure.text(names),
        shares=tuple(_widened(measure, name, wide) for name in measure.results),
    )


def adapt_body(variant: Variant, names: dict[str, str]) -> AdaptBody:
    """Return the body of the function that adapts."""
    summing, adapt = variant.rule.summing, variant.adapt
    assert summing is not None
    assert adapt is not None
    results = tuple(f"{name}_new_" for name in summing.row_tail)
    body = adapt.text(names)
    body += "".join(f"{name}_new_ = {adapt.result(name, names)}\n" for name in summing.row_tail)
    return AdaptBody(
        sums=summing.sums,
        scalars=summing.scalars,
        coefficients={c: variant.row.index(c) for c in adapt.coefficients},
        locals=(*adapt.locals, *results),
        body=body,
        results=results,
        tail=len(COMMON) + len(variant.coefficients),
    )


def _widened(measure: Variant, name: str, wide: dict[str, str]) -> str:
    """Return a sum's share as source, computed in double precision.

    The square of a float32 may overflow a float32.
    """
    expression = _Widen().visit(copy.deepcopy(measure.results[name]))
    return replace(measure, results={name: expression}).result(name, wide)


class _Widen(ast.NodeTransformer):
    """Converts every name that an expression reads to double precision."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(a) for a in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Call(ast.Name(WIDEN, ast.Load()), [node], [])
