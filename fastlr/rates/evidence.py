"""The best rate by the losses of short runs, weighed against the typical rate.

Held-out losses of two rates are compared on the same rows, so that what counts is how much their
difference varies. Rates that cannot be told apart are all likely; among those, and where the race
is far shorter than the training, the typical rate decides. It has heavy tails: data that need
another rate by far pull free of it.
"""

from __future__ import annotations

import math

import numpy as np

Losses = np.ndarray  # of a rate, by groups of held-out rows; infinite if a run diverged

# Differences that tell nothing: this part of the loss, unless training can gain little of it, as
# where outliers make most of it whatever the model.
_TIE = 0.001
_TIE_OF_GAIN = 0.02
_GRAIN = 0.05  # decades between rates that are weighed
_WIDTH = 0.35  # decades from the typical rate, typically; it is Student's t
_TAILS = 3.0  # its degrees of freedom
# Bounds that keep squares finite: where losses are alike to the bit, and where they are far apart.
_LEAST_ERROR, _MOST_ERRORS, _LARGE = 1e-100, 40.0, 1e100


def least(tried: dict[float, Losses]) -> float:
    """Return the smallest exponent of those whose mean loss is least."""
    return min(sorted(tried), key=lambda e: mean(tried[e]))


def mean(losses: Losses) -> float:
    """Return the mean of groups."""
    return float(losses.sum()) / len(losses)


def behind(losses: Losses, best: Losses, gain: float) -> tuple[float, float]:
    """Return by how much losses exceed the best, and the standard error of that."""
    more = losses - best
    n, average = len(more), mean(more)
    error = min(_TIE * abs(mean(best)), _TIE_OF_GAIN * gain)
    if n > 1 and math.isfinite(average):
        off = more - average
        size = float(np.abs(off).max())
        if size > _LARGE:  # of a run that is about to diverge; its square may overflow
            off = off / size
        deviation = math.sqrt(float(off @ off) / (n - 1) / n)
        error = max(error, size * deviation if size > _LARGE else deviation)
    return average, min(error, gain)  # what is worse than no training is no chance


def weigh(tried: dict[float, Losses], gain: float, shift: float, spread: float) -> float:
    """Return the decimal exponent of the rate to train at.

    Examples
    --------
    Rates that are much alike, and some that are not:

    >>> import numpy as np
    >>> noise = np.array([-1, 1, -2, 2]) / 10
    >>> tried = {e: 1 + noise * e + max(-e - 1, 0) for e in (-2.0, -1.0, 0.0, 1.0, 2.0)}
    >>> abs(weigh(tried, gain=1.0, shift=0.0, spread=0.1)) < 0.1
    True
    """
    places = np.array(sorted(tried))
    best = least(tried)
    found = np.array([behind(tried[e], tried[best], gain) for e in places])
    more = np.minimum(found[:, 0], gain)  # above that is above no training at all
    error = found[:, 1]
    k = int(np.searchsorted(places, best))
    beside = [i for i in (k - 1, k + 1) if 0 <= i < len(places)]
    error[k] = min((error[i] for i in beside), default=error[k])
    x = np.arange(places[0], places[-1] + _GRAIN / 2, _GRAIN)
    curve = np.interp(x, places, more)
    if len(beside) == 2:  # a parabola through the best and the two beside it
        near = (x > places[k - 1]) & (x < places[k + 1])
        below, above = places[k - 1] - best, places[k + 1] - best
        slopes = more[k - 1] / below, more[k + 1] / above
        bend = (slopes[1] - slopes[0]) / (above - below)
        distance = x[near] - best
        curve[near] = distance * (slopes[0] + bend * (distance - below))
    curve -= curve.min()
    errors = np.minimum(curve / np.maximum(np.interp(x, places, error), _LEAST_ERROR), _MOST_ERRORS)
    likely = np.exp(-0.5 * errors**2)
    spread = max(spread, _GRAIN / 2)
    at = np.arange(x[0] - shift - 3 * spread, x[-1] - shift + 3 * spread, _GRAIN)
    diverged = np.isinf(found[:, 0]) & (places > best)
    if diverged.any():  # in few steps, so in more of them too
        at = np.minimum(at, places[diverged.argmax() - 1])
    moved = np.exp(-0.5 * ((at[:, None] + shift - x) / spread) ** 2) @ likely
    weight = moved * (1 + (at / _WIDTH) ** 2 / _TAILS) ** (-(_TAILS + 1) / 2)
    return float(at @ weight / weight.sum())
