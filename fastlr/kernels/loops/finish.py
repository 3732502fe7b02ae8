"""Statements that come after any rule: the cautious mask, L1, Lookahead, the running average.

One loop serves all rules, so that modifiers do not multiply what has to be compiled. The
steppers call it on a few elements at a time, right after the rule has written them: they are in
the nearest cache then. Where the average is all that is asked for it stays inside the rule's own
loop. On a GPU, where kernels are compiled on demand, the statements join that loop.

This file imports nothing outside the standard library: `setup.py` loads it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from ..language.terms import COMMON, Finish
from .update import AVERAGE, CLIP, Loop

# What the gradient is to the rule, and the parameter that its move starts from. `before_` is
# the parameter ahead of decay and rule. Above 0 is what the mask leaves out: moves up the
# gradient, and all moves where it is 0. A move of 0 stays in: it may be one that was too small for
# the precision, and those must not make the others larger.
_MOVE = (
    CLIP
    + """\
g = g + l2_ * before_
before_ = before_ - shrink_ * before_
move_ = p - before_
against_ = move_ if g > zero_ else (-move_ if g < zero_ else zero_ * g + one_)
"""
)
_AGREES = "against_ <= zero_"
# Keep what the statements above want of the time before the rule, where they share its loop.
_REMEMBER = "before_ = p\nraw_ = g\n"
_RECALL = "g = raw_\n"
# What is not a number is not above 0 either: it goes through, and shows.
_CAUTION = "p = before_ if against_ > zero_ else before_ + mask_ * move_\n"
# The last branch keeps NaN, and the sign of zeros: with a threshold of 0 no bit changes.
_L1 = "p = p - l1_ if p > l1_ else (p + l1_ if p < -l1_ else zero_ * p)\n"
_LOOKAHEAD = """\
slow_ = slow_ + look_ * (p - slow_) if look_ > zero_ else slow_
p = slow_ if look_ > zero_ else p
"""
# A late weight times the distance is below the precision of the average: what is lost is kept.
_CARRIED = """\
gap_ = avgw_ * (p - avg_) + rest_
moved_ = avg_ + gap_
rest_ = gap_ - (moved_ - avg_) if avgw_ < one_ else zero_
avg_ = moved_ if avgw_ < one_ else p
"""


def choices() -> Iterator[Finish]:
    """Yield every choice of statements."""
    for cautious, lookahead, average in itertools.product((False, True), (False, True), range(3)):
        yield Finish(cautious, lookahead, average > 0, average > 1)


def finish_loop(finish: Finish) -> Loop:
    """Return the loop that runs after the update of a rule."""
    return Loop(
        arrays=finish.arrays,
        scalars=COMMON,
        locals=("p", "g", *finish.arrays, *_own_names(finish, ("move_", "against_"))),
        written=("p", *_changed(finish)),
        body=_statements(finish),
    )


def count_loop() -> Loop:
    """Return the loop that finds in how many elements rule and gradient agree."""
    return Loop(
        arrays=("before_",),
        scalars=COMMON,
        locals=("p", "g", "before_", "move_", "against_"),
        written=(),
        body=_MOVE + f"count_ += 1 if {_AGREES} else 0\n",
    )


def joined(loop: Loop, finish: Finish) -> Loop:
    """Return a rule's loop, without its average, with the statements behind it."""
    statements = _statements(finish)
    return replace(
        loop,
        arrays=loop.arrays + _changed(finish),
        locals=loop.locals + _changed(finish) + _own_names(finish, _OWN_NAMES),
        written=loop.written + _changed(finish),
        body=_around(loop.body, statements) if finish.cautious else loop.body + statements,
    )


def agreeing(loop: Loop) -> tuple[Loop, str]:
    """Return a loop that makes the move of a rule without keeping it, and what to count there."""
    body = _around(loop.body, _MOVE)
    return replace(loop, locals=loop.locals + _OWN_NAMES, written=(), body=body), _AGREES


_OWN_NAMES = ("before_", "raw_", "move_", "against_")


def _own_names(finish: Finish, of_caution: tuple[str, ...]) -> tuple[str, ...]:
    return (of_caution if finish.cautious else ()) + (("gap_", "moved_") if finish.rest else ())


def _around(rule: str, follows: str) -> str:
    """Put a rule between what must be kept from before it and what looks back at that."""
    return _REMEMBER + rule + _RECALL + follows


def _changed(finish: Finish) -> tuple[str, ...]:
    return tuple(a for a in finish.arrays if a != "before_")


def _statements(finish: Finish) -> str:
    return "".join(
        text
        for is_on, text in (
            (finish.cautious, _MOVE + _CAUTION),
            (True, _L1),
            (finish.lookahead, _LOOKAHEAD),
            (finish.average, _CARRIED if finish.rest else AVERAGE),
        )
        if is_on
    )
