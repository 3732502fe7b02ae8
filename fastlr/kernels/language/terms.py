"""What the rest of the package says of a rule without reading it: its class, row and modifiers.

This file imports nothing of the package, so that a kernel that was built ahead of time is run
without what reads rules and prints them.
"""

from __future__ import annotations

from typing import NamedTuple

# The prologue's scalars come first in every coefficient row, in this order: gradient scale
# (clipping and the sign of `maximize`), bound of clip-by-value, L2 factor, decay factor
# (rate included), weight of the new parameter in the average. Then those of `loops.finish`:
# threshold of L1 (rate included), Lookahead's step if it is due, scale of a cautious step.
COMMON = ("gscale_", "clip_", "l2_", "shrink_", "avgw_", "l1_", "look_", "mask_")
GSCALE, CLIP, L2, SHRINK, AVGW, L1, LOOK, MASK = range(len(COMMON))  # the same for C: setup.py

# A rule that takes a parameter of this name is given the share of p that decay takes off, and
# applies it itself: more than p depends on it there.
DECAY_SHARE = "decay_share"

# Names of what modifiers keep, among the state: slow parameters, and averaged ones.
LOOKAHEAD_STATE = "lookahead"
AVERAGE = "average"
REST = "average_rest"  # what rounding took off the average, where it is kept


class Finish(NamedTuple):
    """Which statements follow the rule; L1 is always there, and neutral where it is 0."""

    cautious: bool = False
    lookahead: bool = False
    average: bool = False
    rest: bool = False  # the average keeps what rounding takes off it

    @property
    def arrays(self) -> tuple[str, ...]:
        """Arrays besides parameter and gradient, as the statements call them."""
        names = ("before_", "slow_", "avg_", "rest_")
        return tuple(name for is_on, name in zip(self, names, strict=True) if is_on)

    @property
    def key(self) -> str:
        """Name of this choice, a valid identifier."""
        names = ("cautious", "lookahead", "avg", "rest")
        on = [name for is_on, name in zip(self, names, strict=True) if is_on]
        return "_".join(["finish", *on])


def finish_name(finish: Finish, dtype: str) -> str:
    """Return the name under which a loop is found in every backend's table."""
    return f"{finish.key}_{dtype}"


def count_name(dtype: str) -> str:
    """Return the name under which the loop that counts the moves to keep is found."""
    return f"agreeing_{dtype}"


class RuleError(ValueError):
    """A rule uses something that the compilers cannot be given; says where and what instead."""


def update_owner(cls: type) -> type:
    """Return the class that states the rule which an `Optimizer` subclass uses."""
    for base in cls.__mro__:
        if "update" in base.__dict__:
            return base
    raise RuleError(f"{cls.__name__} states no rule: define a static method `update(p, g, ...)`")


def schedule_owner(cls: type) -> type:
    """Return the class that states the rule which a `Schedule` subclass uses."""
    return _static_owner(cls, "factor", "`factor(t, ...)`, or `evaluate`")


def loss_owner(cls: type) -> type:
    """Return the class that states the rule which a `Loss` subclass uses."""
    return _static_owner(cls, "loss", "`loss(z, y, ...)`")


def _static_owner(cls: type, name: str, wanted: str) -> type:
    for base in cls.__mro__:
        if isinstance(base.__dict__.get(name), staticmethod):
            return base
    raise RuleError(f"{cls.__name__} states no rule: define a static method {wanted}")
