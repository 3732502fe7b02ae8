"""Body of the loop that turns outputs into slopes, and adds up the losses.

A loss is a scalar rule of an output z and a target y that returns value and gradient. The loop
replaces each z by its weight times the gradient and adds weight times value, in double precision,
to one of 16 running sums, so that compilers find vectors and all give the same bits.

This file imports nothing outside the standard library: `setup.py` loads it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..language.check import Rule
from ..language.read import loss_rule_of_class, loss_rules_in_file
from ..language.variants import Variant, specialise

__all__ = [
    "LossLoop",
    "loss_loop",
    "loss_name",
    "loss_rule_of_class",
    "loss_rules_in_file",
]

WIDEN = "wide_"  # how the frames call the conversion to double precision


@dataclass(frozen=True)
class LossLoop:
    """What the frames put into the loop over outputs."""

    variant: Variant
    body: str  # from z and y to value_ and gradient_

    @property
    def scalars(self) -> tuple[str, ...]:
        """Coefficients that the rule reads, in the order of the row."""
        return self.variant.coefficients

    @property
    def locals(self) -> tuple[str, ...]:
        """Names that the body sets, in the arrays' precision."""
        own = (n for n in self.variant.locals if n not in {"z", "y"})
        return ("z", "y", "weight_", "value_", "gradient_", *own)

    def at(self, index: str, lane: str) -> str:
        """Return the statements for the output at `index`, whose loss goes to a lane."""
        return (
            f"z = z_at_[{index}]\ny = y_at_[{index}]\nweight_ = w_at_[{index}]\n"
            f"{self.body}"
            f"z_at_[{index}] = weight_ * gradient_\n"
            f"lane_[{lane}] += {WIDEN}(weight_) * {WIDEN}(value_)\n"
        )


def loss_loop(rule: Rule, names: dict[str, str]) -> LossLoop:
    """Return the loop of a loss."""
    variant = specialise(rule, {})
    body = variant.text(names)
    body += f"value_ = {variant.result('value', names)}\n"
    body += f"gradient_ = {variant.result('gradient', names)}\n"
    return LossLoop(variant, body)


def loss_name(rule: Rule, dtype: str) -> str:
    """Return the name under which a kernel is found in every backend's table."""
    return f"{rule.name.lower()}_{dtype}"
