"""Which candidates of a sweep are trained on which folds, and which of them are dropped.

A round trains what is left on some of the folds. The first is short: a tenth of the epochs, with
each schedule squeezed into them, so that it is seen whole. In the middle of a long run, a rate
that has yet to fall tells little of what it comes to in the end: of 37 combinations of data,
optimizer and schedule, halving by the learning curves of unfinished runs dropped the best rate of
ill-conditioned data under both falling schedules, and short whole runs did not.
The next round trains the best quarter in full on the same folds, the last one trains the better
half of these on the other folds. Folds that hold 300 rows out tell the rates apart well enough;
fewer rows are made up for by more folds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

ROWS = 300  # held out, by which rates may be told apart
SHARE = 0.1  # of the epochs, in the first round
FEWEST_EPOCHS = 5  # for which there is a short round
LEAST_QUARTER, LEAST_HALF = 4, 2  # candidates that are kept at least
_ERRORS = 3.0  # standard errors over the folds by which one is clearly worse


class Round(NamedTuple):
    """What is done at a time.

    Attributes
    ----------
    folds : tuple of int
        Numbers of the folds to train on.
    max_epochs : int or None
        Length of the runs, None for the whole of it.
    keep : int
        How many candidates go on from it at most.
    """

    folds: tuple[int, ...]
    max_epochs: int | None
    keep: int


def plan_rounds(
    n_candidates: int, n_test: list[int], max_epochs: int, halving: bool
) -> list[Round]:
    """Decide the rounds.

    Parameters
    ----------
    n_candidates : int
        To begin with.
    n_test : list of int
        Rows held out by each fold.
    max_epochs : int
        Length of a whole run.
    halving : bool
        Whether any may be dropped.

    Returns
    -------
    list of Round
        In order.

    Examples
    --------
    >>> for each in plan_rounds(16, [360] * 5, 10, halving=True):
    ...     print(each)
    Round(folds=(0,), max_epochs=1, keep=4)
    Round(folds=(0,), max_epochs=None, keep=2)
    Round(folds=(1, 2, 3, 4), max_epochs=None, keep=2)
    """
    every = tuple(range(len(n_test)))
    quarter = max(LEAST_QUARTER, math.ceil(n_candidates / 4))
    if not halving or n_candidates <= LEAST_HALF:
        return [Round(every, None, n_candidates)]
    first = min(int(np.searchsorted(np.cumsum(n_test), ROWS)) + 1, len(n_test))
    rounds = []
    if max_epochs >= FEWEST_EPOCHS and n_candidates > quarter:
        rounds.append(Round(every[:first], max(1, round(SHARE * max_epochs)), quarter))
        half = max(LEAST_HALF, math.ceil(quarter / 2))
    else:
        half = max(LEAST_HALF, math.ceil(n_candidates / 2))
    rounds.append(Round(every[:first], None, half))
    if first < len(every):
        rounds.append(Round(every[first:], None, half))
    return rounds


def best_first(scores: np.ndarray, losses: np.ndarray) -> list[int]:
    """Return candidates by their mean score, those of equal score by their loss.

    Parameters
    ----------
    scores, losses : ndarray of shape (n_candidates, n_folds)
        Not finite where one diverged, which comes last, in order.

    Returns
    -------
    list of int
        Numbers of all.
    """
    score = np.where(np.isfinite(scores).all(axis=1), scores.mean(axis=1), -np.inf)
    loss = np.where(np.isfinite(losses).all(axis=1), losses.mean(axis=1), np.inf)
    return [int(k) for k in np.lexsort((loss, -score))]


def going_on(scores: np.ndarray, losses: np.ndarray, keep: int) -> list[int]:
    """Return the candidates that are worth more training, the best one first.

    Parameters
    ----------
    scores, losses : ndarray of shape (n_candidates, n_folds)
        As `best_first` takes them.
    keep : int
        How many at most. One that diverged, or is worse than the best by more than three
        standard errors of their difference over the folds, does not go on in any case.

    Returns
    -------
    list of int
        At least one.

    Examples
    --------
    >>> scores = np.array([[0.90, 0.91], [0.70, 0.71], [0.91, 0.89], [np.nan, 0.9]])
    >>> going_on(scores, np.ones((4, 2)), 3)
    [0, 2]
    """
    ranked = best_first(scores, losses)
    best = ranked[0]
    kept = [best]
    for k in ranked[1:keep]:
        difference = scores[best] - scores[k]
        if not np.isfinite(difference).all():
            break
        error = 0.0
        if len(difference) > 1:
            error = float(difference.std(ddof=1)) / math.sqrt(len(difference))
        if len(difference) == 1 or difference.mean() <= max(_ERRORS * error, 1e-12):
            kept.append(k)
    return kept
