"""Choosing a learning rate by a race of short training runs, each judged on rows it has not seen.

A range test is one run through all rates; what it says of a long run at one rate depends on how
long it dwells at each. A short run at a single rate, with the schedule squeezed into it, is the
long one in small: over eleven data sets and five optimizers its best rate was nearer to the best
rate of the whole run than any suggestion of a sweep of as many steps. Losses are taken on held-out
rows, because the rate with the least training loss usually over-fits.

Rates are tried a decade apart with few steps, then half a decade apart with more. Where steps cost
next to nothing, as on small data, there is a round of several times as many, which also tells how
the best rate moves with the length of the run: it falls where long runs over-fit, and rises where
they have not learned enough.

Each round takes the rates that cannot be told from the best of the round before, and begins at the
one nearest to where that round began. It moves to rates further out only if they are better by more
than chance; wild rates need decisive evidence. What the last round leaves open is weighed against
the typical rate of the rule, in `evidence`. On few rows, which over-fit, the smallest rate that
cannot be told from the best is taken instead. It is far above the typical one only on decisive
evidence, because networks that have given up may seem as good there. Where no rate beats no
training, as on labels of noise, it is not below a hundredth of the typical one: `fit` must train.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from .evidence import Losses, behind, least, mean, weigh
from .race_plan import RacePlan

Score = Callable[[float, int, int], Losses]

_FURTHER = 8  # more trials where the best rate is at an end
# Decades to look towards the typical rate, or on few rows for a smaller one, that is as good.
_BELOW, _FAR = 0.5, 1.5
# Standard errors that are decisive evidence, given that the best is the best of several.
_DECISIVE = 2.0
# Decades below the typical rate that need evidence that some rate is better than no training.
# Labels of noise have the best of all losses where nothing is learned, which is not what anyone
# trains for.
_LOW, _NO_RATE, _HARM = -2.0, -12.0, 2.0
# Decades above it that need evidence, on few rows, that they are better than any below: at such
# rates networks give up, which on few rows may look as good as what they learn.
_HIGH = 1.5

# How the best rate falls with the length of the run: rate ~ steps ** -power. Steps of rules that
# divide by the size of the gradient go a way of their own length, so a longer run needs smaller
# ones; gradient descent is bound by the curvature, whatever the length.
POWERS = {"SGD": 0.1, "RMSprop": 0.0, "Adagrad": -0.25, "Lion": 0.4, "Signum": 0.4}
POWER = 0.1
# The best rate of 10 epochs under a one-cycle schedule, typically, of linear models and of networks
# alike, for features that are standardised.
TYPICAL = {
    "SGD": 0.08,
    "Adam": 0.01,
    "AdamW": 0.01,
    "RMSprop": 0.007,
    "Adagrad": 0.2,
    "Lion": 0.0015,
}
_STEEPEST = -0.3, 1.0  # what the race may find in its place
_UNSURE = 0.25  # how far off the power may be
_GRAIN = 0.05  # decades that rates found are apart
_TRUST = 0.3  # how much of the difference to believe


def race(score: Score, centre: float, plan: RacePlan, total_steps: int, power: float) -> float:
    """Return the rate that wins.

    Examples
    --------
    A loss that is least at 0.01, whatever the length of the run:

    >>> import math
    >>> import numpy as np
    >>> from fastlr.rates.race import race
    >>> from fastlr.rates.race_plan import plan_race
    >>> def score(lr, n_steps, fold):
    ...     return np.array([1 + math.log10(lr / 0.01) ** 2])
    >>> plan = plan_race(1280, 1e-3, 10_000)
    >>> round(race(score, 0.01, plan, 1280, power=0.0), 4)
    0.01
    """
    known: dict[tuple[float, int, int], Losses] = {}

    def run(e: float, n_steps: int, fold: int) -> Losses:
        if (e, n_steps, fold) not in known:
            known[e, n_steps, fold] = score(centre * 10.0**e, n_steps, fold)
        return known[e, n_steps, fold]

    def runs(n_steps: int, folds: int = plan.folds) -> Callable[[float], Losses]:
        return lambda e: np.hstack([run(e, n_steps, fold) for fold in range(folds)])

    tried = first = _climb(runs(plan.coarse, plan.folds if plan.few_rows else 1), 0.0, 1.0)
    best = least(tried)
    if math.isinf(mean(tried[best])):
        return centre
    finite = [loss for loss in map(mean, tried.values()) if not math.isinf(loss)]
    gain = max(finite) - min(finite)
    found, length = best, plan.coarse
    best = _nearest_as_good(tried, 0.0, gain)
    for n_steps in filter(None, (plan.middle, plan.last)):
        tried = _climb(runs(n_steps), best, 0.5)
        best = least(tried)
        if math.isinf(mean(tried[best])):
            # What held for a short run does not for a longer one.
            return centre * 10.0 ** (best - 1)
        vertex = _vertex(tried, best, gain)
        if length == plan.middle and n_steps > length:
            seen = (found - vertex) / math.log10(n_steps / length)
            power += _TRUST * (min(max(seen, _STEEPEST[0]), _STEEPEST[1]) - power)
        found, length = vertex, n_steps
    longer = math.log10(total_steps / length)
    shift = power * longer
    if plan.few_rows:
        goal = max(min(shift, best - _BELOW), best - _FAR)
        found += _look_back(tried, best, goal, runs(length), gain) - best - shift
        if found > _HIGH:
            usual = least({e: losses for e, losses in first.items() if e < _HIGH})
            more, error = behind(runs(length)(usual), tried[best], gain)
            if more <= _DECISIVE * error:
                found = usual
    else:
        _look_back(tried, best, shift, runs(length), gain)
        found = weigh(tried, gain, shift, _UNSURE * longer)
    if found < _LOW:
        untrained = runs(plan.coarse)(_NO_RATE)
        more, error = behind(untrained, tried[best], gain)
        if more <= _DECISIVE * error:
            found = max(found, _floor(first, mean(untrained)))
    # Data that differ by rounding errors are trained on at the same rate.
    return float(centre * 10.0 ** (round(found / _GRAIN) * _GRAIN))


def _floor(tried: dict[float, Losses], untrained: float) -> float:
    """Return the lowest rate worth trying where none beats no training at all.

    It trains, and does no great harm: a short run does not double the loss at the start.
    """
    harmless = [e for e in tried if mean(tried[e]) <= _HARM * untrained]
    return min(_LOW, max(harmless, default=min(tried)))


def _climb(score: Callable[[float], Losses], start: float, step: float) -> dict[float, Losses]:
    """Try a rate and those beside it, and go on from the end for as long as that is the best."""
    tried = {start + k * step: score(start + k * step) for k in (-1, 0, 1)}
    for _ in range(_FURTHER):
        best, lowest, highest = least(tried), min(tried), max(tried)
        if math.isinf(mean(tried[best])):
            following = lowest - step
        elif lowest < best < highest:
            break
        else:  # the end must be told apart from what is beside it, or there may be no end to it
            outwards = step if best == highest else -step
            more, error = behind(tried[best - outwards], tried[best], math.inf)
            if not more > error:
                break
            following = best + outwards
        tried[following] = score(following)
    return tried


def _nearest_as_good(tried: dict[float, Losses], goal: float, gain: float) -> float:
    """Return the exponent nearest to a goal that cannot be told from the best."""
    best = tried[least(tried)]
    as_good = []
    for e in sorted(tried):
        more, error = behind(tried[e], best, gain)
        if more <= error:
            as_good.append(e)
    return min(as_good, key=lambda e: abs(e - goal))


def _look_back(
    tried: dict[float, Losses],
    best: float,
    goal: float,
    score: Callable[[float], Losses],
    gain: float,
) -> float:
    """Try rates from the best towards a goal; return the last that is as good as the best."""
    step, last = math.copysign(0.5, goal - best), best
    for k in range(1, int(min(abs(goal - best), _FAR) / 0.5) + 1):
        following = best + k * step
        if following not in tried:
            tried[following] = score(following)
        more, error = behind(tried[following], tried[best], gain)
        if not more <= error:
            break
        last = following
    return last


def _vertex(tried: dict[float, Losses], best: float, gain: float) -> float:
    """Return where a parabola through the best and the two beside it is least."""
    if best - 0.5 not in tried or best + 0.5 not in tried:
        return best
    middle = mean(tried[best])
    below, above = (min(mean(tried[best + d]) - middle, gain) for d in (-0.5, 0.5))
    if below + above <= 0:
        return best
    return best + 0.25 * (below - above) / (below + above)
