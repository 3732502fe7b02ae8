"""Scores of the models of a sweep, in all and by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier

Judged = tuple[float, "np.ndarray | None"]


class Scorer:
    """A function of a fitted estimator, rows, targets, and weights or None; higher is better.

    Accuracy and R2 of plain targets are worked out here, to the bit as scikit-learn does: its
    checks take longer than to train a model for an epoch. `asks_predictions` is false for a user's
    function, which may read more than predictions.
    """

    def __init__(self, last: Any, scoring: Any) -> None:
        if scoring is not None and not (isinstance(scoring, str) or callable(scoring)):
            raise TypeError(
                f"scoring must be the name of a scorer, a callable or None, got {scoring!r}"
            )
        self.asks_predictions = not callable(scoring)
        self._call: Any = scoring
        self._own: Callable[..., Judged | None] | None = None
        if callable(scoring):
            return
        from sklearn.metrics import check_scoring

        self._call = check_scoring(last, scoring)
        score = type(last).score
        if is_classifier(last) and scoring in (None, "accuracy"):
            self._own = _accuracy if scoring or score is ClassifierMixin.score else None
        elif not is_classifier(last) and scoring in (None, "r2"):
            self._own = _r2 if scoring or score is RegressorMixin.score else None

    def judge(self, model: Any, X: Any, y: Any, weights: np.ndarray | None) -> Judged:
        """Return the score, and each row's if the score is a mean over the rows."""
        if self._own is not None and type(y) is np.ndarray and y.ndim == 1:
            found = self._own(model.predict(X), y, weights)
            if found is not None:
                return found
        if weights is None or not self.asks_predictions:
            return float(self._call(model, X, y)), None
        return float(self._call(model, X, y, sample_weight=weights)), None


class Judge:
    """A scorer that keeps the scores of each row, for one piece of work."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.asks_predictions = scorer.asks_predictions
        self.rows: list[np.ndarray | None] = []

    def __call__(self, *args: Any) -> float:
        """Return the score."""
        score, rows = self._scorer.judge(*args)
        self.rows.append(rows)
        return score


def _accuracy(predicted: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> Judged | None:
    if y.dtype.kind not in "biuSU" or predicted.dtype.kind != y.dtype.kind:
        return None
    right = predicted == y
    if weights is None:
        return float(right.mean()), right
    return float(np.average(right, weights=weights)), None


def _r2(predicted: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> Judged | None:
    if y.dtype.kind not in "iuf" or predicted.ndim != 1 or len(y) < 2:
        return None
    target, weight = y[:, None], 1.0 if weights is None else weights[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        squares = (target - predicted[:, None].astype(np.float64, copy=False)) ** 2
        left = float((weight * squares).sum(axis=0)[0])
    from_mean = (target - np.average(target, axis=0, weights=weights)) ** 2
    whole = float((weight * from_mean).sum(axis=0, dtype=np.float64)[0])
    if not (whole and left and np.isfinite(left)):
        return None
    return 1 - left / whole, -squares[:, 0] if weights is None else None
