"""Turns an update rule into the body of a fused loop.

A rule is a scalar Python function. Its text is read with `ast` (`language.read`), checked against a
small language (`language.check`), specialised for the switches that are on (`language.variants`)
and printed again (`language.spell`). Since Cython and Numba both speak Python, the three compilers
get the same statements and differ only in the frame around them (`ahead`, `jit`, `cuda`).

This file imports nothing outside the standard library: `setup.py` loads it before the
package can be imported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..language.check import Rule
from ..language.read import (
    function_node,
    rule_of_class,
    rules_in_file,
    schedule_rule,
    schedule_rule_of_class,
    schedule_rules_in_file,
)
from ..language.terms import COMMON, DECAY_SHARE, RuleError
from ..language.variants import Variant, is_name, specialise, variants

__all__ = [
    "AVERAGE",
    "CLIP",
    "COMMON",
    "DECAY_SHARE",
    "Loop",
    "Rule",
    "RuleError",
    "Variant",
    "function_node",
    "fused_loop",
    "kernel_name",
    "prologue",
    "rule_of_class",
    "rules_in_file",
    "schedule_rule",
    "schedule_rule_of_class",
    "schedule_rules_in_file",
    "specialise",
    "used_scalars",
    "variants",
]

CLIP = """\
g = g * gscale_
g = clip_ if g > clip_ else g
g = -clip_ if g < -clip_ else g
"""
PROLOGUE = CLIP + "g = g + l2_ * p\n"
DECAY = "p = p - shrink_ * p\n"
# From the nearer end, so that a weight of 1 gives p itself.
AVERAGE = """\
avg_ = avg_ + avgw_ * (p - avg_) if avgw_ + avgw_ < one_ else p - (one_ - avgw_) * (p - avg_)
"""


@dataclass(frozen=True)
class Loop:
    """What the frames put into a loop over elements."""

    arrays: tuple[str, ...]  # state arrays, the average last; the frames call array `x` `x_at_`
    scalars: tuple[str, ...]  # the coefficient row, in order
    locals: tuple[str, ...]
    body: str  # from p, g and the arrays' elements to their new values
    written: tuple[str, ...]  # which of p and the arrays the body changes

    @property
    def used(self) -> dict[str, int]:
        """Scalars that the body reads, and where they stand in the coefficient row."""
        return used_scalars(self.scalars, self.body)


def used_scalars(scalars: tuple[str, ...], text: str) -> dict[str, int]:
    """Return the scalars that statements read, and where they stand in the coefficient row."""
    words = set(re.findall(r"\w+", text))
    return {name: k for k, name in enumerate(scalars) if name in words}


def fused_loop(variant: Variant, average: bool, names: dict[str, str]) -> Loop:
    """Join prologue, rule and epilogue into the body of one loop."""
    outputs = {
        key: variant.result(key, names)
        for key in ("p", *variant.state)
        if not is_name(variant.results[key], key)
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
