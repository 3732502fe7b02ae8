"""Candidates of a search, trained side by side on one fold: each as `fit` would train it alone.

What the rows of a fold tell is worked out once: validation, encoded targets, scales. A candidate
is a copy of the estimator with parameters of its own and the session that its `fit` would begin,
and the candidates take turns over the same mini-batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...core.sklearn_versions import rows_of
from ...schedules import Run
from ...training import EpochResult, run_side_by_side
from ..data.rows import Features, Rows
from ..data.targets import ClassTargets
from ..fitting.begin import begin, make_spec
from ..fitting.epochs import Epochs
from ..fitting.validation import Learned, hold_out, learn_rows, validation_rows
from ..models.model import Model
from ..session.session import Session
from ..settings.settings import plan_epoch


class Part(NamedTuple):
    """Rows of a fold, to train on or held out."""

    X: Features
    y: ArrayLike
    weights: np.ndarray | None


class Outcome(NamedTuple):
    """Losses and score of a candidate trained on a fold."""

    losses: list[float]  # of each epoch, on the rows trained on
    held_out_losses: list[float]  # of each epoch
    score: float  # on the rows held out, after the last epoch; NaN if it diverged
    diverged: bool


class FoldOfCandidates:
    """One fold, on which candidates are trained."""

    def __init__(self, model: Model, train: Part, test: Part) -> None:
        model._validate_params()
        learned = learn_rows(model, *train)
        rows, self._validation = hold_out(model, learned)
        rows.weigh_one_on_average()
        inputs = model._learn_inputs(rows.X, rows.weights_of_chosen())
        self._spec = make_spec(model, learned.targets, inputs, rows.X.shape[1], rows.X.dtype)
        self._plan = plan_epoch(model.batch_size, rows.used)
        self._model, self._rows, self._test = model, rows, test
        self._judged = _known_rows(model, test, learned)

    @property
    def multiplications(self) -> int:
        """What a candidate takes to pass all its parameters over all its rows, in all epochs."""
        return self._rows.used * self._spec.n_params * self._model._length

    def train(
        self,
        settings: Sequence[dict[str, Any]],
        scorer: Callable[..., float],
        max_epochs: int | None = None,
        ended: Callable[[], bool] = lambda: False,
    ) -> list[Outcome]:
        """Train candidates and score them. Threads may do so at the same time."""
        candidates = [self._begin(own, max_epochs) for own in settings]
        live = candidates
        while live and not ended():
            together = [c for c in live if _same(c.order, live[0].order)]
            rows, order = self._rows, live[0].order
            results = run_side_by_side(
                [c.session.epoch for c in together],
                *(rows.X, rows.y, rows.weights, order, self._plan.batch_size),
            )
            for candidate, result in zip(together, results, strict=True):
                candidate.take(result, self._judged)
            live = [c for c in live if c.epochs.goes_on]
        return [c.outcome(scorer, self._test, ended()) for c in candidates]

    def _begin(self, settings: dict[str, Any], max_epochs: int | None) -> _Candidate:
        model = copy_with(self._model, settings)
        if max_epochs is not None:
            model.max_epochs = max_epochs
        session = self._session(model)
        epochs = Epochs(model, session, self._rows, self._validation, self._plan)
        return _Candidate(model, session, epochs)

    def _session(self, model: Model) -> Session:
        """Begin the session that the fit of a candidate would begin."""
        plan = self._plan
        run = Run(model._length * plan.steps, plan.steps)
        batch = min(plan.batch_size, self._rows.used)
        return begin(model, model._resolve_optimizer(), self._spec, run, False, batch)


class Progress:
    """The losses of a candidate so far."""

    diverged = False

    def __init__(self, model: Model, session: Session) -> None:
        self.model, self.session = model, session
        self.losses: list[float] = []
        self.held_out_losses: list[float] = []

    def enter(self, result: EpochResult, judged: Rows | None) -> None:
        """Enter an epoch that has gone well."""
        self.losses.append(result.mean_loss)
        self.held_out_losses.append(math.nan if judged is None else self.session.evaluate(judged))

    def outcome(self, scorer: Callable[..., float], test: Part, ended: bool) -> Outcome:
        """Return the result at the end of training."""
        score = math.nan if self.diverged or ended else float(scorer(self.model, *test))
        return Outcome(self.losses, self.held_out_losses, score, self.diverged)


class _Candidate(Progress):
    """A training in progress; `order` is the order of rows in its next epoch."""

    def __init__(self, model: Model, session: Session, epochs: Epochs) -> None:
        super().__init__(model, session)
        self.epochs = epochs
        self.order = epochs.order()

    def take(self, result: EpochResult, judged: Rows | None) -> None:
        """Enter an epoch that has been run, and find the order of the next one."""
        self.epochs.take(result)
        if self.epochs.goes_on:
            self.order = self.epochs.order()
        else:
            self.epochs.finish()
            self.diverged = self.epochs.diverged is not None
        if not self.diverged:
            self.enter(result, judged)


def copy_with(model: Model, settings: dict[str, Any]) -> Model:
    """Return a shallow copy with other constructor parameters, much quicker than `clone`."""
    copy = object.__new__(type(model))
    copy.__dict__.update(model.__dict__)
    return copy.set_params(**settings)


def _known_rows(model: Model, test: Part, learned: Learned) -> Rows | None:
    """Return held-out rows as an engine takes them, without those of classes not trained on."""
    X, weights = test.X, test.weights
    y: Any = test.y
    targets = learned.targets
    if isinstance(targets, ClassTargets) and not targets.multilabel:
        index = np.flatnonzero(np.isin(y, targets.classes))
        if not len(index):
            return None
        if len(index) < len(y):
            X, y = rows_of(X, index), rows_of(y, index)
            weights = None if weights is None else weights[index]
    return validation_rows(model, learned, X, y, weights)


def _same(order: np.ndarray | None, other: np.ndarray | None) -> bool:
    if order is None or other is None:
        return order is other
    return np.array_equal(order, other)
