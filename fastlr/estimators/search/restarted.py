"""Candidates that differ in rate and weight decay alone, in sessions that are used again.

Binding an optimizer, keeping a history and scikit-learn's scorers take longer than training on
small data. Where nothing listens to a candidate while it trains, it needs no session of its own:
that of another is taken back to where it began, and what is drawn at random is drawn once. Where
candidates gain from meeting a mini-batch together, each has one of as many sessions.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from ...training import EpochResult, run_side_by_side
from ...updater.rule import UpdateRule
from ..data.rows import Rows
from ..fitting.begin import at_batch_size
from ..models.model import Model
from ..session.session import Session
from .candidates import FoldOfCandidates, Outcome, Part, Progress, copy_with

_MOST_KEPT = 2**18  # parameters of sessions that are kept: binding larger ones costs little beside
_MOST_ORDERS = 2**21  # numbers that the orders of a fold may keep in memory


class FoldOfRestarts(FoldOfCandidates):
    """One fold, on which candidates are trained."""

    def __init__(self, model: Model, train: Part, test: Part) -> None:
        super().__init__(model, train, test)
        self._lock = threading.Lock()
        self._idle: list[_Runner] = []
        self._drawn: list[np.ndarray | None] = []
        self._rng: np.random.RandomState | None = None

    def train(
        self,
        settings: Sequence[dict[str, Any]],
        scorer: Callable[..., float],
        max_epochs: int | None = None,
        ended: Callable[[], bool] = lambda: False,
    ) -> list[Outcome]:
        """Train candidates and score them, as `FoldOfCandidates` does."""
        length = self._model._length if max_epochs is None else max_epochs
        runner = None
        if getattr(scorer, "asks_predictions", False) and self._is_plain(settings, length):
            runner = self._runner(settings[0])
        if runner is None:
            return super().train(settings, scorer, max_epochs, ended)
        runners, outcomes = [runner], []
        if runner.session.epoch.gains_together(self._rows.X):
            runners += filter(None, map(self._runner, settings[1:]))
        for k in range(0, len(settings), len(runners)):
            some = settings[k : k + len(runners)]
            outcomes += self._run(runners[: len(some)], some, length, scorer, ended)
        if runner.session.arena.params.size <= _MOST_KEPT:
            self._idle += runners
        return outcomes

    def _is_plain(self, settings: Sequence[dict[str, Any]], n_epochs: int) -> bool:
        """Return whether candidates differ in rate and decay at most, and nothing stops them."""
        model = self._model
        return (
            _are_alike(settings)
            and not (model.early_stopping or model.tol is not None)
            and (self._rows.used * n_epochs <= _MOST_ORDERS or not self._shuffles)
        )

    @property
    def _shuffles(self) -> bool:
        return bool(self._model.shuffle) and self._plan.passes == 1

    def _runner(self, settings: dict[str, Any]) -> _Runner | None:
        """Return a session that no thread is using, None where none can be taken back."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        model = copy_with(self._model, settings)
        session = self._session(model)
        bound = session.updater.optimizer
        if (
            session.updater.starts
            or bound.by_arrays
            or bound.weight_decay != _decay(settings, bound)
        ):
            return None
        with self._lock:
            if self._rng is None:
                self._rng = session.rng
        batch = min(self._plan.batch_size, self._rows.used)
        return _Runner(model, session, batch)

    def _orders(self, n_epochs: int) -> list[np.ndarray | None]:
        """Return the orders of rows of the first epochs, as in any fit with this seed."""
        with self._lock:
            rows = self._rows
            while len(self._drawn) < n_epochs:
                order = None
                if self._shuffles:
                    assert self._rng is not None
                    order = self._rng.permutation(rows.used).astype(np.int64, copy=False)
                elif self._plan.passes > 1:
                    order = self._drawn[0] if self._drawn else self._whole()
                self._drawn.append(order)
            return self._drawn[:n_epochs]

    def _whole(self) -> np.ndarray:
        return np.tile(np.arange(self._rows.used, dtype=np.int64), self._plan.passes)

    def _run(
        self,
        runners: Sequence[_Runner],
        settings: Sequence[dict[str, Any]],
        n_epochs: int,
        scorer: Callable[..., float],
        ended: Callable[[], bool],
    ) -> list[Outcome]:
        """Train a candidate with each of the runners, over the same mini-batches."""
        rows, plan, judged = self._rows, self._plan, self._judged
        runs = [_Run(runner.model, runner.session) for runner in runners]
        for runner, own in zip(runners, settings, strict=True):
            runner.restart(own, n_epochs * plan.steps)
        live = runs
        for order in self._orders(n_epochs):
            if ended() or not live:
                break
            epochs = [run.session.epoch for run in live]
            data = rows.X, rows.y, rows.weights, order, plan.batch_size
            for run, result in zip(live, run_side_by_side(epochs, *data), strict=True):
                run.take(result, judged)
            live = [run for run in live if not run.diverged]
        return [run.outcome(scorer, self._test, ended()) for run in runs]


class _Run(Progress):
    """The losses of a candidate so far, in a session that others have used."""

    def take(self, result: EpochResult, judged: Rows | None) -> None:
        """Enter an epoch."""
        self.diverged = result.diverged_at is not None
        if not self.diverged:
            self.enter(result, judged)
            self.session.observe(self.losses[-1])

    def outcome(self, scorer: Callable[..., float], test: Part, ended: bool) -> Outcome:
        """Return the result at the end of training."""
        model = self.model
        if not (self.diverged or ended):
            model._publish(self.session)
        return super().outcome(scorer, test, ended)


class _Runner:
    """A session that is taken back to its beginning for each candidate; for one thread."""

    def __init__(self, model: Model, session: Session, batch: int) -> None:
        self.model, self.session, self._batch = model, session, batch
        self._optimizer = model._resolve_optimizer()
        self._start = session.arena.params.copy()
        self._state = session.start_state()

    def restart(self, settings: dict[str, Any], n_steps: int) -> None:
        model, session = self.model, self.session
        decay = _decay(settings, session.updater.optimizer)
        rate = float(settings["lr"])
        model.__dict__.update(settings)
        if model.reference_batch_size is not None:
            scaled: Any = at_batch_size(model, self._optimizer.replace(lr=rate), self._batch)
            rate = scaled.lr
        model.lr_ = rate
        session.restart(self._start, self._state, rate, n_steps, weight_decay=decay)


def _are_alike(settings: Sequence[dict[str, Any]]) -> bool:
    """Return whether candidates are of one optimizer, but for rates and weight decays."""
    first = settings[0]
    if set(first) == {"lr"}:
        return all(set(own) == {"lr"} for own in settings)
    if set(first) != {"lr", "optimizer"} or isinstance(first["optimizer"], str):
        return False
    same = {"weight_decay": 0.0}
    plain = first["optimizer"].with_scheduled(same)
    return all(
        set(own) == set(first)
        and not isinstance(own["optimizer"], str)
        and own["optimizer"].with_scheduled(same) == plain
        for own in settings
    )


def _decay(settings: dict[str, Any], bound: UpdateRule) -> float:
    """Return the weight decay of a candidate, by default the optimizer's."""
    return settings.get("optimizer", bound).weight_decay


def fold_of(estimator: Model, train: Part, test: Part) -> FoldOfRestarts:
    """Return what `sweep` trains copies of an estimator on."""
    return FoldOfRestarts(clone(estimator), train, test)
