"""Candidates of a search that differ in their rate alone, one after the other in one session.

Binding an optimizer, keeping a history and scikit-learn's scorers take longer than training on
small data. Where nothing listens to a candidate while it trains, it needs no session of its own:
that of the one before is taken back to where it began, and what is drawn at random is drawn once.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..schedules import Run
from ._candidates import FoldOfCandidates, Outcome, Part
from ._session import Session

_MOST_ORDERS = 2**21  # numbers that the orders of a fold may keep in memory


class FoldOfRestarts(FoldOfCandidates):
    """One fold, on which candidates are trained.

    Parameters
    ----------
    model, train, test
        As `FoldOfCandidates` takes them.
    """

    def __init__(self, model: Any, train: Part, test: Part) -> None:
        super().__init__(model, train, test)
        self._lock = threading.Lock()
        self._idle: list[_Runner] = []
        self._drawn: list[np.ndarray | None] = []
        self._rng: Any = None

    def train(
        self,
        settings: Sequence[dict[str, Any]],
        scorer: Callable[..., float],
        max_epochs: int | None = None,
        ended: Callable[[], bool] = lambda: False,
    ) -> list[Outcome]:
        """Train candidates and score them, as `FoldOfCandidates` does."""
        length = self._model.max_epochs if max_epochs is None else max_epochs
        runner = None
        if getattr(scorer, "asks_predictions", False) and self._is_plain(settings, length):
            runner = self._runner(settings[0])
        if runner is None:
            return super().train(settings, scorer, max_epochs, ended)
        found = [self._run(runner, own["lr"], length, scorer, ended) for own in settings]
        self._idle.append(runner)
        return found

    def _is_plain(self, settings: Sequence[dict[str, Any]], n_epochs: int) -> bool:
        """Return whether nothing but the rate tells candidates apart, and nothing stops them."""
        model = self._model
        return (
            all(list(own) == ["lr"] for own in settings)
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
        plan = self._plan
        model = object.__new__(type(self._model))
        model.__dict__.update(self._model.__dict__)
        model.set_params(**settings)
        run = Run(model.max_epochs * plan.steps, plan.steps)
        batch = min(plan.batch_size, self._rows.used)
        optimizer = model._resolve_optimizer()
        session = model._begin(optimizer, self._spec, run, False, batch)
        if (
            session.updater.starts
            or session.updater.optimizer.by_arrays
            or session.epoch.gains_together(self._rows.X)
        ):
            return None
        with self._lock:
            if self._rng is None:
                self._rng = session.rng
        return _Runner(model, optimizer, session, batch)

    def _orders(self, n_epochs: int) -> list[np.ndarray | None]:
        """Return the orders of rows of the first epochs: those of any fit with this seed."""
        with self._lock:
            rows = self._rows
            while len(self._drawn) < n_epochs:
                order = None
                if self._shuffles:
                    order = self._rng.permutation(rows.used).astype(np.int64, copy=False)
                elif self._plan.passes > 1:
                    order = self._drawn[0] if self._drawn else self._whole()
                self._drawn.append(order)
            return self._drawn[:n_epochs]

    def _whole(self) -> np.ndarray:
        return np.tile(np.arange(self._rows.used, dtype=np.int64), self._plan.passes)

    def _run(
        self,
        runner: _Runner,
        lr: float,
        n_epochs: int,
        scorer: Callable[..., float],
        ended: Callable[[], bool],
    ) -> Outcome:
        rows, plan, judged = self._rows, self._plan, self._judged
        runner.restart(lr, n_epochs * plan.steps)
        epoch, session = runner.session.epoch, runner.session
        losses: list[float] = []
        held_out_losses: list[float] = []
        for order in self._orders(n_epochs):
            if ended():
                break
            result = epoch.run(rows.X, rows.y, rows.weights, order, plan.batch_size)
            if result.diverged_at is not None:
                return Outcome(losses, held_out_losses, math.nan, True)
            loss = result.loss_sum / result.weight_sum if result.weight_sum else 0.0
            session.observe(loss)
            losses.append(loss)
            held_out_losses.append(math.nan if judged is None else session.evaluate(judged))
        if ended():
            return Outcome(losses, held_out_losses, math.nan, False)
        runner.model._publish(session)
        return Outcome(losses, held_out_losses, float(scorer(runner.model, *self._test)), False)


class _Runner:
    """A session that is taken back to its beginning for each candidate; for one thread."""

    def __init__(self, model: Any, optimizer: Any, session: Session, batch: int) -> None:
        self.model, self.session = model, session
        self._optimizer, self._batch = optimizer, batch
        self._start = session.arena.params.copy()
        self._state = session.updater.state_dict()

    def restart(self, lr: float, n_steps: int) -> None:
        model, session, rate = self.model, self.session, float(lr)
        model.lr = lr
        if model.reference_batch_size is not None:
            optimizer: Any = self._optimizer.replace(lr=rate)
            rate = model._at_batch_size(optimizer, self._batch).lr
        model.lr_ = rate
        session.arena.params[:] = self._start
        session.updater._restart(self._state, rate, n_steps)
