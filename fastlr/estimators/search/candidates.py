"""Candidates of a search, trained side by side on one fold: each as `fit` would train it alone.

What the rows of a fold tell is worked out once: validation, encoded targets, scales. A candidate
is a copy of the estimator with parameters of its own and the session that its `fit` would begin,
and the candidates take turns over the same mini-batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.sklearn_versions import rows_of
from ...schedules import Run
from ...training import run_side_by_side
from ..data.targets import ClassTargets
from ..fitting.validation import Rows
from ..session.callbacks import NoTasks
from ..settings.settings import plan_epoch


class Part(NamedTuple):
    """Rows of a fold, to train on or held out.

    Attributes
    ----------
    X, y : array-like
        Rows and what belongs to them.
    weights : ndarray of shape (n_samples,) or None
        Of the rows.
    """

    X: Any
    y: Any
    weights: np.ndarray | None


class Outcome(NamedTuple):
    """What training a candidate on a fold came to.

    Attributes
    ----------
    losses, held_out_losses : list of float
        Of each epoch, on the rows trained on and on those held out.
    score : float
        Of the rows held out, after the last epoch; NaN if it diverged.
    diverged : bool
        Whether training left the finite numbers.
    """

    losses: list[float]
    held_out_losses: list[float]
    score: float
    diverged: bool


class FoldOfCandidates:
    """One fold, on which candidates are trained.

    Parameters
    ----------
    model : GradientEstimator
        What candidates are copies of; changed by this.
    train, test : Part
        Rows to train on, and those held out.

    Raises
    ------
    TypeError, ValueError
        If data or parameters are unfit.
    """

    def __init__(self, model: Any, train: Part, test: Part) -> None:
        model._validate_params()
        rows, targets, factors = model._rows_to_learn(*train)
        rows, self._validation = model._held_out_of(rows, (None, None, None), targets, factors)
        rows.weigh_one_on_average()
        inputs = model._learn_inputs(rows.X, rows.weights_of_chosen())
        self._spec = model._spec(targets, inputs, rows.X.shape[1], rows.X.dtype)
        self._plan = plan_epoch(model.batch_size, rows.used)
        self._model, self._rows, self._test = model, rows, test
        self._judged = _known_rows(model, test, targets, factors, rows.X.dtype)

    @property
    def multiplications(self) -> int:
        """What a candidate takes to pass all its parameters over all its rows, in all epochs."""
        return self._rows.used * self._spec.n_params * self._model.max_epochs

    def train(
        self,
        settings: Sequence[dict[str, Any]],
        scorer: Callable[..., float],
        max_epochs: int | None = None,
        ended: Callable[[], bool] = lambda: False,
    ) -> list[Outcome]:
        """Train candidates and score them. Threads may do so at the same time.

        Parameters
        ----------
        settings : sequence of dict
            Constructor parameters of each.
        scorer : callable
            Takes a fitted estimator, rows, targets and weights (or None); higher is better.
        max_epochs : int, optional
            Length of the training, over which schedules are stretched; the estimator's own by
            default.
        ended : callable, optional
            Asked before each epoch; if it returns true, training ends and the outcomes mean
            nothing.

        Returns
        -------
        list of Outcome
            Each to the bit what it would be without the others.
        """
        candidates = [self._begin(own, max_epochs) for own in settings]
        live = candidates
        while live and not ended():
            together = [c for c in live if _same(c.order, live[0].order)]
            rows = self._rows
            results = run_side_by_side(
                [c.session.epoch for c in together],
                *(rows.X, rows.y, rows.weights, live[0].order, self._plan.batch_size),
            )
            for candidate, result in zip(together, results, strict=True):
                candidate.take(result, self._judged)
            live = [c for c in live if c.order is not _NONE_LEFT]
        outcomes = []
        for c in candidates:
            score = math.nan if c.diverged or ended() else float(scorer(c.model, *self._test))
            outcomes.append(Outcome(c.losses, c.held_out_losses, score, c.diverged))
        return outcomes

    def _begin(self, settings: dict[str, Any], max_epochs: int | None) -> _Candidate:
        model = object.__new__(type(self._model))
        model.__dict__.update(self._model.__dict__)
        model.set_params(**settings)
        if max_epochs is not None:
            model.max_epochs = max_epochs
        plan = self._plan
        run = Run(model.max_epochs * plan.steps, plan.steps)
        batch = min(plan.batch_size, self._rows.used)
        session = model._begin(model._resolve_optimizer(), self._spec, run, False, batch)
        epochs = model._epochs(session, self._rows, self._validation, plan, None, NoTasks())
        return _Candidate(model, session, epochs)


_NONE_LEFT = object()


class _Candidate:
    """A training in progress; `order` is that of its next epoch."""

    def __init__(self, model: Any, session: Any, epochs: Iterator[Any]) -> None:
        self.model, self.session, self._epochs = model, session, epochs
        self.losses: list[float] = []
        self.held_out_losses: list[float] = []
        self.diverged = False
        self.order: Any = next(epochs)

    def take(self, result: Any, judged: Rows | None) -> None:
        """Enter an epoch that has been run, and find the order of the next one."""
        try:
            self.order = self._epochs.send(result)  # type: ignore[attr-defined]
        except StopIteration as end:
            self.order, self.diverged = _NONE_LEFT, end.value.diverged is not None
            if self.diverged:
                return
        self.losses.append(result.loss_sum / result.weight_sum if result.weight_sum else 0.0)
        self.held_out_losses.append(math.nan if judged is None else self.session.evaluate(judged))


def _known_rows(
    model: Any, test: Part, targets: Any, factors: np.ndarray | None, dtype: Any
) -> Rows | None:
    """Return held-out rows as an engine takes them, without those of classes not trained on."""
    X, y, weights = test
    if isinstance(targets, ClassTargets) and not targets.multilabel:
        index = np.flatnonzero(np.isin(y, targets.classes))
        if not len(index):
            return None
        if len(index) < len(y):
            X, y = rows_of(X, index), rows_of(y, index)
            weights = None if weights is None else weights[index]
    rows: Rows = model._given_validation(X, y, weights, targets, factors, dtype)
    return rows


def _same(order: np.ndarray | None, other: np.ndarray | None) -> bool:
    if order is None or other is None:
        return order is other
    return np.array_equal(order, other)
