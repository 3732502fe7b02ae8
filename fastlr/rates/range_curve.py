"""What a learning-rate range test says: from losses at rising rates to suggested rates.

Arrays in, numbers out; nothing here knows of models. Every rule is stated in differences of the
loss and fractions of its fall, so that a loss in other units, or with a constant added, gives the
same rates.
"""

from __future__ import annotations

import numpy as np

METHODS = ("valley", "steepest", "minimum / 10", "edge")
NOT_FOUND = dict.fromkeys(METHODS, float("nan"))

_BEGUN = 0.05  # part of the fall that is over where a valley begins
_RISEN = 0.02  # part of the fall by which the loss is above its minimum where it shoots up
_NOISE = 4.0  # standard errors by which a loss must fall to have fallen


def smooth(losses: np.ndarray, beta: float) -> np.ndarray:
    r"""Return the mean of the losses around each step, weighted by distance.

    .. math:: s_n = \frac{\sum_i \beta^{|n-i|} \ell_i}{\sum_i \beta^{|n-i|}}

    An exponential mean of the past alone, corrected for its start or not, lags by
    :math:`1 / (1 - \beta)` steps, and every rate that is read off it comes out too large by what
    the sweep does in these. Weighted to both sides it does not.
    """
    steps = np.arange(len(losses))
    weights = beta ** np.abs(steps[:, None] - steps)
    return weights @ losses / weights.sum(axis=1)


def noise(losses: np.ndarray) -> float:
    """Return the standard deviation of losses about their trend.

    From second differences, which a straight trend leaves at zero, by their median, which a jump
    does not move.
    """
    if len(losses) < 4:
        return 0.0
    return float(np.median(np.abs(np.diff(losses, 2))) / (0.6745 * np.sqrt(6)))


def ceiling(losses: np.ndarray, smoothed: np.ndarray, factor: float) -> float:
    """Return the loss above which a sweep has diverged.

    The noise of mini-batches is taken from all losses: up to the lowest, there may be two of them.
    """
    lowest = int(smoothed.argmin())
    low = float(smoothed[lowest])
    fall = float(smoothed[: lowest + 1].max()) - low
    spread = _NOISE * noise(losses)
    return low + factor * max(fall, spread, 1e-6 * abs(low))


def suggest(lr: np.ndarray, smoothed: np.ndarray, spread: float = 0.0) -> dict[str, float]:
    """Return the suggested rates.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.rates.range_curve import suggest
    >>> lr = np.array([1e-3, 1e-2, 1e-1, 1.0, 10.0])
    >>> {name: f"{rate:.2g}" for name, rate in suggest(lr, np.array([3, 2.8, 1.5, 1, 9])).items()}
    {'valley': '0.1', 'steepest': '0.1', 'minimum / 10': '0.1', 'edge': '1'}
    """
    lowest = int(smoothed.argmin())
    fall = float(smoothed[: lowest + 1].max() - smoothed[lowest])
    if fall <= max(_NOISE * spread, 1e-9 * abs(float(smoothed[lowest]))):
        return dict(NOT_FOUND)
    log_lr = np.log(lr)
    slopes = np.gradient(smoothed[: lowest + 1], log_lr[: lowest + 1])
    begun = smoothed[: lowest + 1] <= smoothed[lowest] + (1 - _BEGUN) * fall
    first = int(begun.argmax())
    falling = first + _longest_fall(smoothed[first : lowest + 1])
    risen = np.flatnonzero(
        smoothed[lowest:] > smoothed[lowest] + max(_RISEN * fall, _NOISE * spread)
    )
    last = lowest + int(risen[0]) - 1 if len(risen) else len(lr) - 1
    return {
        "valley": float(np.exp((log_lr[falling[0]] + log_lr[falling[-1]]) / 2)),
        "steepest": float(lr[int(slopes.argmin())]),
        "minimum / 10": float(lr[lowest]) / 10,
        "edge": float(lr[last]),
    }


def _longest_fall(values: np.ndarray) -> np.ndarray:
    """Return the positions of the longest decreasing subsequence, the earliest of them."""
    lengths = np.ones(len(values), dtype=np.int64)
    before = np.full(len(values), -1)
    for i in range(1, len(values)):
        higher = np.where(values[:i] > values[i], lengths[:i], 0)
        best = int(higher.argmax())
        if higher[best]:
            lengths[i], before[i] = higher[best] + 1, best
    chain = [int(lengths.argmax())]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1])
