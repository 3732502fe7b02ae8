"""Which candidates of a sweep are trained on which folds, and which of them are dropped.

A round trains what is left on some of the folds. The first is short: a tenth of the epochs, with
each schedule squeezed into them, so that it is seen whole. In the middle of a long run, a rate
that has yet to fall tells little of what it comes to in the end: of 37 combinations of data,
optimizer and schedule, halving by the learning curves of unfinished runs dropped the best rate of
ill-conditioned data under both falling schedules, and short whole runs did not.

Folds that hold 300 rows out tell the rates apart well enough; fewer rows are made up for by more
folds. Candidates meet the same rows there, so that they are compared row by row: that is far
sharper than a comparison of their scores. The more epochs, the lower the best rate: of 78
combinations it was lower in the whole run than in the short one in 61, and higher in 6. So of
the rates below that of the best short run the two best go on whatever they came to, and others
unless they are clearly worse; of those above only such as did as well. The next rounds train what
is left in full, on the same folds, on one more, and on the others; one is dropped there if it
cannot be expected to gain anything worth having over the best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

ROWS = 300  # held out, enough to tell rates apart
SHARE = 0.1  # of the epochs, in the first round
FEWEST_EPOCHS = 5  # for which there is a short round
LEAST_QUARTER, LEAST_HALF = 4, 2  # candidates that are kept at least
_ERRORS = 3.0  # standard errors over the folds by which one is clearly worse
_MOST_WHOLE = 3 / 8  # of the candidates, after short runs
_LOWER = 2  # rates below that of the best short run that go on in any case
_CLOSE = 1.5  # standard errors over the rows, up to which others do
_FEWEST_FOLDS = 2  # the scores of one rate differ between folds
_WORTH = 0.05  # standard errors of the best score, below which a gain is not worth a run


class Round(NamedTuple):
    """The folds and the length of one round of runs."""

    folds: tuple[int, ...]  # numbers of the folds to train on
    max_epochs: int | None  # None: the whole length


class Standing(NamedTuple):
    """Results of candidates that have run equally long on the same folds."""

    lr: np.ndarray  # of each candidate
    scores: np.ndarray  # of shape (n_candidates, n_folds), not finite where one diverged
    losses: np.ndarray  # likewise
    rows: list[np.ndarray | None]  # for each candidate, what each row held out adds to its score


def plan_rounds(
    n_candidates: int, n_test: Sequence[int], max_epochs: int, halving: bool
) -> list[Round]:
    """Decide the rounds.

    Examples
    --------
    >>> for each in plan_rounds(16, [360] * 5, 10, halving=True):
    ...     print(each)
    Round(folds=(0,), max_epochs=1)
    Round(folds=(0,), max_epochs=None)
    Round(folds=(1,), max_epochs=None)
    Round(folds=(2, 3, 4), max_epochs=None)
    """
    every = tuple(range(len(n_test)))
    if not halving or n_candidates <= LEAST_HALF:
        return [Round(every, None)]
    first = min(int(np.searchsorted(np.cumsum(n_test), ROWS)) + 1, len(n_test))
    rounds = []
    if max_epochs >= FEWEST_EPOCHS and n_candidates > LEAST_QUARTER:
        rounds.append(Round(every[:first], max(1, round(SHARE * max_epochs))))
    rounds.append(Round(every[:first], None))
    rounds += [Round(f, None) for f in (every[first : first + 1], every[first + 1 :]) if f]
    return rounds


def best_first(scores: np.ndarray, losses: np.ndarray) -> list[int]:
    """Return candidates in order of mean score, then of loss."""
    score = np.where(np.isfinite(scores).all(axis=1), scores.mean(axis=1), -np.inf)
    loss = np.where(np.isfinite(losses).all(axis=1), losses.mean(axis=1), np.inf)
    return [int(k) for k in np.lexsort((loss, -score))]


def after_short_runs(standing: Standing, n_candidates: int) -> list[int]:
    """Return the candidates that are worth a whole run, the best one first.

    Examples
    --------
    >>> rows = [np.arange(400) < n for n in (360, 320, 310, 300, 359)]
    >>> scores = np.array([each.mean() for each in rows])[:, None]
    >>> rates = np.array([1.0, 0.1, 0.01, 0.001, 10.0])
    >>> after_short_runs(Standing(rates, scores, 1 - scores, rows), 16)
    [0, 1, 2]
    """
    ranked = _finite(standing)
    best = ranked[0]
    if standing.rows[best] is None:
        return _by_folds(standing, ranked[: max(LEAST_QUARTER, math.ceil(n_candidates / 4))])
    kept, n_lower = [best], 0
    for k in ranked[1:]:
        gap, error = _apart(standing, best, k)
        is_lower = standing.lr[k] <= standing.lr[best]
        if gap <= (_CLOSE * error if is_lower else 0.0) or (is_lower and n_lower < _LOWER):
            kept.append(k)
            n_lower += is_lower
    return kept[: max(LEAST_QUARTER, math.ceil(n_candidates * _MOST_WHOLE))]


def after_whole_runs(standing: Standing, n_candidates: int, n_rows: int) -> list[int]:
    """Return the candidates that are worth a run on more folds, the best one first.

    Examples
    --------
    >>> rows = [np.arange(900) % 10 > 0, np.arange(900) % 5 > 0]
    >>> scores = np.array([[each.mean()] * 2 for each in rows])
    >>> after_whole_runs(Standing(np.ones(2), scores, 1 - scores, rows), 16, 900)
    [0]
    """
    ranked = _finite(standing)[: max(LEAST_HALF, math.ceil(n_candidates / 8))]
    best = ranked[0]
    own = standing.rows[best]
    if own is None:
        return _by_folds(standing, ranked)
    if standing.scores.shape[1] < _FEWEST_FOLDS:
        return ranked
    worth = _WORTH * float(own.std()) / math.sqrt(n_rows)
    return [best] + [k for k in ranked[1:] if _expected_gain(*_apart(standing, best, k)) > worth]


def _finite(standing: Standing) -> list[int]:
    """Return those that have not diverged, the best one first; one if all have."""
    ranked = best_first(standing.scores, standing.losses)
    return [k for k in ranked if np.isfinite(standing.scores[k]).all()] or ranked[:1]


def _apart(standing: Standing, best: int, other: int) -> tuple[float, float]:
    """Return by how much one is worse in the mean over the rows, and the standard error of that."""
    one, two = standing.rows[best], standing.rows[other]
    if one is None or two is None:
        return 0.0, math.inf
    difference = one.astype(np.float64) - two
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(difference.std(ddof=1)) / math.sqrt(len(difference))
    if not math.isfinite(error):  # nearly diverged
        return math.inf, 0.0
    return float(difference.mean()), error


def _expected_gain(gap: float, error: float) -> float:
    """Return by how much another candidate may be expected to beat the better of both so far.

    That is the mean of the positive part of a normal distribution around `-gap`.
    """
    if not error > 0 or math.isinf(error):
        return error
    z = gap / error
    above = 0.5 * math.erfc(z / math.sqrt(2))
    return error * (math.exp(-z * z / 2) / math.sqrt(2 * math.pi) - z * above)


def _by_folds(standing: Standing, ranked: Sequence[int]) -> list[int]:
    """Return those that are not worse than the best by three standard errors over the folds."""
    best, n_folds = ranked[0], standing.scores.shape[1]
    kept = [best]
    for k in ranked[1:]:
        difference = standing.scores[best] - standing.scores[k]
        error = float(difference.std(ddof=1)) / math.sqrt(n_folds) if n_folds > 1 else 0.0
        if n_folds == 1 or difference.mean() <= max(_ERRORS * error, 1e-12):
            kept.append(k)
    return kept
