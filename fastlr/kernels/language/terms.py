"""What the rest of the package says of a rule without reading it: who states it, and its row.

This file imports nothing, so that a kernel that was built ahead of time is run without what
reads rules and prints them.
"""

from __future__ import annotations

# The prologue's scalars come first in every coefficient row, in this order: gradient scale
# (clipping and the sign of `maximize`), bound of clip-by-value, L2 factor, decay factor
# (rate included), weight of the new parameter in the average. Then those of `emit_finish`:
# threshold of L1 (rate included), Lookahead's step if it is due, scale of a cautious step.
COMMON = ("gscale_", "clip_", "l2_", "shrink_", "avgw_", "l1_", "look_", "mask_")

# A rule that takes a parameter of this name is given the share of p that decay takes off, and
# applies it itself: more than p depends on it there.
DECAY_SHARE = "decay_share"

LOOKAHEAD_STATE = "lookahead"  # how the slow parameters are called among the state


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
