"""How long the short runs of a race for the learning rate are, and how many there are."""

from __future__ import annotations

import math
from typing import NamedTuple

SHARE = 0.07  # of the steps of the training that follows
SECONDS = 0.07  # of steps that are there however short the training is, on up to SMALL rows
# Fewer for a linear regressor that has MANY rows for each parameter of an output, and so cannot
# over-fit them: rates near the best are as good. Classifiers lose up to two points by it.
SECONDS_OF_NUMBERS, MANY = 0.0175, 12
SMALL = 6000  # rows; more of them have fewer seconds, as the inverse fourth power
LEAST = 64  # steps that are always there
HELD_OUT = 512  # rows of a fold at most
FEWEST = 10  # different rows, for fewer of which there is no race

_RUNS = 4  # that the first round is thought to make
_ONE_LENGTH = 24  # steps, up to which runs of both rounds are as long
_FOLDS = 5
_JUDGES = 1024  # rows held out in all, beyond which more folds tell little
_SHORTEST = 192  # steps of the last runs before they are spent on more folds
_RATIO = 4  # of the lengths of the last two rounds
_FEW = 256  # rows, up to which folds are small


class RacePlan(NamedTuple):
    """Lengths of the runs of a race, in steps."""

    coarse: int  # of the runs a decade apart
    middle: int  # of the runs half a decade apart, 0: no such round
    last: int  # of the runs of the last round, half a decade apart
    folds: int  # times each run is made, on other rows; once at first if there are many rows
    few_rows: bool = False  # folds are so small that chance decides between similar rates


def plan_race(
    total_steps: int, step_seconds: float, n_rows: int, seconds: float = SECONDS
) -> RacePlan:
    """Decide how long to race, from the length of the training alone: no clock is read.

    `seconds` of steps are there however short the training is, on up to `SMALL` rows.

    Examples
    --------
    >>> plan_race(1280, 1e-3, 10_000)
    RacePlan(coarse=12, middle=0, last=12, folds=1, few_rows=False)
    >>> plan_race(1280, 1e-5, 4_000)
    RacePlan(coarse=128, middle=192, last=768, folds=2, few_rows=False)
    """
    seconds *= min(SMALL / max(n_rows, 1), 1.0) ** 4
    budget = max(SHARE * total_steps, seconds / step_seconds, LEAST)
    longest = max(total_steps, 8)
    short = min(_rounded(budget / (_RUNS + 2)), longest)
    if short <= _ONE_LENGTH:  # then the rounds share the run that the second begins with
        return RacePlan(short, 0, short, 1)
    # The first runs must be long enough to learn something: at higher rates than any that does
    # may lie those that make a model give up, which for a while is better than a bad start.
    coarse = min(_rounded(0.3 * budget / _RUNS), 32 if n_rows <= _FEW else 128)
    coarse = min(max(coarse, min(_rounded(0.5 * budget / _RUNS), 32)), longest)
    rest = (budget - coarse * _RUNS) / 3
    if rest <= 2 * _SHORTEST:
        return RacePlan(coarse, 0, min(_rounded(rest), longest), 1)
    rest /= 1 + 1 / _RATIO
    held_out = min(max(n_rows // _FOLDS, 1), HELD_OUT)
    folds = min(rest / min(_SHORTEST, longest), _FOLDS, _JUDGES / held_out)
    folds = max(int(folds), 1)
    if n_rows <= _FEW:
        rest -= (folds - 1) * coarse * _RUNS / 3
    last = min(_rounded(rest / folds), longest)
    return RacePlan(coarse, _rounded(last / _RATIO), last, folds, n_rows <= _FEW)


def _rounded(steps: float) -> int:
    """Return the largest of 8, 12, 16, 24, 32, 48 ... that is not above `steps`, 8 at least.

    Data that are nearly the same are then raced over the same lengths.
    """
    power = 1 << int(math.log2(max(steps, 8)))
    return power + power // 2 if steps >= power + power // 2 else power
