"""Choosing a learning rate by a race of short training runs, each judged on rows it has not seen.

A range test is one run through all rates; what it says of a long run at one rate depends on how
long it dwells at each. A short run at a single rate, with the schedule squeezed into it, is the
long one in small: over eleven data sets and five optimizers its best rate was nearer to that of
the whole run than any suggestion of a sweep of as many steps. Losses are taken on rows held out,
for the rate with the least training loss is regularly one that over-fits.

Rates are tried a decade apart with few steps, then half a decade around the best with more. Where
steps cost next to nothing, as on small data, the last runs are long and over several folds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

Score = Callable[[float, int, int], float]

SHARE = 0.12  # of the steps of the training that follows
SECONDS = 0.03  # that are always there, however short the training is
LEAST = 96  # steps that are always there
TRIAL_SECONDS = 1e-3  # of a trial beside its steps: binding, coefficient tables
HELD_OUT = 512  # rows of a fold at most
FEWEST = 20  # different rows, for fewer of which there is no race

_LOWER, _HIGHER = 4, 3  # decades to look at around the rule of thumb
_FURTHER = 4  # more trials where the best rate is at an end
_FOLDS = 5
# Differences that tell nothing, so that the smaller rate is taken: this part of the loss, unless
# training can gain little of it, as where outliers make most of it whatever the model.
_TIE = 0.001
_TIE_OF_GAIN = 0.02
_SHORTEST = 192  # steps of the last runs before they are spent on more folds

# How the best rate falls with the length of the run, measured: rate ~ steps ** -power. Steps of
# rules that divide by the size of the gradient go a way of their own length, so a longer run
# needs smaller ones; gradient descent is bound by the curvature, whatever the length.
POWERS = {"SGD": 0.0, "Adagrad": -0.1, "Lion": 0.4, "Signum": 0.4}
POWER = 0.15


class RacePlan(NamedTuple):
    """Lengths of the runs of a race.

    Attributes
    ----------
    coarse : int
        Steps of the runs a decade apart.
    middle : int
        Steps of the runs half a decade apart, 0 if there is no such round.
    last : int
        Steps of the runs of the last round, half a decade apart.
    folds : int
        How many times each of the last runs is made, on other rows.
    """

    coarse: int
    middle: int
    last: int
    folds: int


def plan_race(total_steps: int, step_seconds: float, n_rows: int) -> RacePlan:
    """Decide how long to race, from the length of the training alone: no clock is read.

    Parameters
    ----------
    total_steps : int
        Steps of the training that follows.
    step_seconds : float
        What a step is thought to take.
    n_rows : int
        Rows to train on.

    Returns
    -------
    RacePlan
        Lengths.

    Examples
    --------
    >>> plan_race(1280, 1e-3, 10_000)
    RacePlan(coarse=8, middle=0, last=24, folds=1)
    >>> plan_race(1280, 1e-5, 10_000)
    RacePlan(coarse=32, middle=128, last=192, folds=3)
    """
    n_coarse, n_fine = _LOWER + _HIGHER + 1, 3
    budget = max(SHARE * total_steps, SECONDS / step_seconds, LEAST)
    longest = max(total_steps, 8)
    coarse = min(_rounded(0.4 * budget / n_coarse), 32, longest)
    rest = (budget - coarse * n_coarse) / n_fine
    if rest <= 64:
        return RacePlan(coarse, 0, min(_rounded(rest), longest), 1)
    folds = int(min(max(0.8 * rest / min(_SHORTEST, longest), 1), _FOLDS, max(n_rows // 10, 1)))
    middle, last = _rounded(0.2 * rest), _rounded(0.8 * rest / folds)
    return RacePlan(coarse, min(middle, longest), min(last, longest), folds)


def _rounded(steps: float) -> int:
    """Return 8, 12, 16, 24, 32, 48 ...: the largest that is not above, 8 at least.

    Data that are nearly the same are then raced over the same lengths.
    """
    power = 1 << int(math.log2(max(steps, 8)))
    return power + power // 2 if steps >= power + power // 2 else power


def race(score: Score, centre: float, plan: RacePlan, total_steps: int, power: float) -> float:
    """Return the rate that wins.

    Parameters
    ----------
    score : callable
        Takes a rate, a number of steps and the number of a fold; returns the mean loss on the
        rows of that fold after training on the others. May be infinite.
    centre : float
        Where to begin to look: the rule of thumb, which is also returned if every run diverges.
    plan : RacePlan
        Lengths of the runs.
    total_steps : int
        Length of the training that follows.
    power : float
        By which power of the length the best rate falls.

    Returns
    -------
    float
        A learning rate.

    Examples
    --------
    A loss that is least at 0.01, whatever the length of the run:

    >>> import math
    >>> from fastlr.tuning.auto_lr import plan_race, race
    >>> def score(lr, n_steps, fold):
    ...     return 1 + math.log10(lr / 0.01) ** 2
    >>> plan = plan_race(1280, 1e-3, 10_000)
    >>> round(race(score, 0.1, plan, 1280, power=0.0), 4)
    0.01
    """
    exponents = range(-_LOWER, _HIGHER + 1)
    tried = {float(e): score(centre * 10.0**e, plan.coarse, 0) for e in exponents}
    best = _climb(tried, 1.0, lambda e: score(centre * 10.0**e, plan.coarse, 0))
    if math.isinf(tried[best]):
        return centre
    gain = _gain(tried)
    rounds = [(plan.middle, 1)] if plan.middle else []
    for n_steps, folds in [*rounds, (plan.last, plan.folds)]:

        def mean(e: float, n_steps: int = n_steps, folds: int = folds) -> float:
            return sum(score(centre * 10.0**e, n_steps, k) for k in range(folds)) / folds

        tried = {e: mean(e) for e in (best - 0.5, best, best + 0.5)}
        best = _climb(tried, 0.5, mean, gain)
        if math.isinf(tried[best]):
            # What held for a short run does not for a longer one: go down until it does.
            return centre * 10.0 ** (best - 1)
    return float(centre * 10.0**best * (plan.last / total_steps) ** power)


def _climb(
    tried: dict[float, float],
    step: float,
    score: Callable[[float], float],
    gain: float | None = None,
) -> float:
    """Go on from the end of the rates tried for as long as it is the best; return the best."""
    for _ in range(_FURTHER):
        best = _least(tried, gain)
        if math.isinf(tried[best]) or best == min(tried):
            following = min(tried) - step
        elif best == max(tried):
            following = best + step
        else:
            break
        tried[following] = score(following)
    return _least(tried, gain)


def _gain(tried: dict[float, float]) -> float:
    """Return what the best run gained over that of the smallest rate, which hardly trains."""
    slowest = tried[min(tried)]
    return math.inf if math.isinf(slowest) else slowest - min(tried.values())


def _least(tried: dict[float, float], gain: float | None = None) -> float:
    least = min(tried.values())
    if math.isinf(least):
        return min(tried)
    gain = _gain(tried) if gain is None else gain
    tie = min(_TIE * abs(least), _TIE_OF_GAIN * gain)
    return min(e for e, loss in tried.items() if loss <= least + tie)
