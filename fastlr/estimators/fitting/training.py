"""Running the epochs of a session: validation, history, when to stop, and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ...training import EpochInfo, EpochResult, Stopping, Training, drive, epochs
from ...training.loop import Orders
from ..session.facts import Motion, facts_at_start, sample_of
from ..session.session import Session
from ..session.warnings import warn_diverged, warn_interrupted
from ..settings.settings import EpochPlan
from .continuing import Continued
from .validation import Rows

_FAR = 10.0  # times the loss of before the first step, above which training has done harm


class Trained(Continued):
    """An estimator that trains sessions."""

    tol: float | None
    n_iter_no_change: int

    def _train(
        self,
        session: Session,
        rows: Rows,
        held_out: Rows | None,
        plan: EpochPlan,
        on_epoch: Callable[[Any, dict[str, float]], bool | None] | None,
        tasks: Any,
        restarts: bool = False,
    ) -> bool:
        """Run the epochs of `fit`; return whether to do it again at another rate.

        That is where it diverged and the caller `restarts`; nothing is said of it then. A model
        that is far worse than before its first step, on its own rows, has diverged too, though
        all numbers are still finite.
        """

        def run_epoch(order: np.ndarray | None) -> EpochResult:
            result: EpochResult = session.epoch.run(
                rows.X, rows.y, rows.weights, order, plan.batch_size
            )
            return result

        begun = session.updater.t
        orders = self._epochs(session, rows, held_out, plan, on_epoch, tasks)
        with session.limited_blas(rows.used):
            training: Training = drive(orders, run_epoch)
        restarts &= not training.interrupted
        if restarts and (training.diverged or self._worse(training)):
            tasks.again()
            return True
        tasks.close()
        if training.diverged is not None:
            steps = plan.steps * (training.diverged.epoch - 1) + training.diverged.step
            warn_diverged(self, begun + steps, training.diverged.lr)
        if training.interrupted:
            kept = f"the last finished epoch, {self.n_iter_},"
            if training.restored is not None:
                best = self.n_iter_ - len(training.history) + training.restored
                kept = f"the best epoch, {best},"
            warn_interrupted(self, kept)
        return False

    def _epochs(
        self,
        session: Session,
        rows: Rows,
        held_out: Rows | None,
        plan: EpochPlan,
        on_epoch: Callable[[Any, dict[str, float]], bool | None] | None,
        tasks: Any,
    ) -> Orders:
        """Yield the order of the rows of each epoch of `fit`, and do all else that belongs to it.

        That is `fit` but for the epochs themselves, whose results are sent in; fits of several
        models may so take turns.
        """
        n_rows, chosen = rows.used, rows.chosen
        whole = None
        if plan.passes > 1:
            whole = np.tile(_numbers(n_rows) if chosen is None else chosen, plan.passes)
        stopping = self._stopping()
        watched = on_epoch is not None or tasks.watched
        sample, motion = sample_of(rows), Motion(session.arena.params)
        if not self.n_iter_:
            as_they_are = getattr(self, "standardize", True) is False
            self._facts = facts_at_start(session, rows, sample, as_they_are)

        def draw() -> np.ndarray | None:
            tasks.begin()
            if whole is not None:
                return whole
            if not self.shuffle:
                return chosen
            order = session.rng.permutation(n_rows).astype(np.int64, copy=False)
            return order if chosen is None else chosen[order]

        def record(info: EpochInfo) -> float:  # called before a plateau schedule changes the rate
            moved = motion.observe()
            if held_out is None:
                self._record(info.loss, session.last_step(), info.seconds, motion=moved)
                return info.loss
            loss = session.evaluate(held_out)
            self._publish(session)
            score = self._score(
                self._outputs(held_out.X), held_out.y, held_out.sample_weight, session.spec.targets
            )
            self._record(info.loss, session.last_step(), info.seconds, (loss, score), moved)
            return loss

        def is_best(info: EpochInfo) -> bool:
            if not self.early_stopping:
                return stopping.observe(-info.loss)
            loss, score = self._history[self.n_iter_ - 1, 2:4]
            return stopping.observe(score, -loss)

        def after(info: EpochInfo) -> bool:
            stop = stopping.stop
            if watched:
                self._publish(session)
            if on_epoch is not None:
                stop |= bool(on_epoch(self, self._last_row()))
            return stop | tasks.end()

        training = yield from epochs(
            draw,
            session.arena.params,
            session.updater,
            self.max_epochs,
            on_epoch=after,
            metric=record,
            is_best=is_best if stopping.patience is not None else None,
        )
        self._publish(session)
        self._facts |= {
            "end_loss": session.evaluate(sample),
            "dead_units": self._dead_units(sample.X),
            "diverged": float(training.diverged is not None),
        }
        return training

    def _worse(self, training: Training) -> bool:
        """Return whether a training has made the loss far worse, of rows or from epoch to epoch."""
        losses = [info.loss for info in training.history]
        if training.restored is None and losses and not losses[-1] <= _FAR * losses[0]:
            return True
        return not self._facts["end_loss"] <= _FAR * self._facts["start_loss"]

    def _stopping(self) -> Stopping:
        """Return the rule by which to stop; without patience it never does."""
        if self.early_stopping or self.tol is not None:
            return Stopping(self.n_iter_no_change, self.tol or 0.0)
        return Stopping(None)

    def _train_once(self, session: Session, rows: Rows, batch_size: int) -> bool:
        """Run one epoch over a chunk, without the copies that `train` makes to go back to.

        Returns whether it went well. The fitted attributes are those of before, unless they are
        the parameters themselves; `_publish` or `_stale` is the caller's.
        """
        start = time.perf_counter()
        order = None
        n_rows = rows.X.shape[0]
        if self.shuffle and n_rows > 1:
            order = session.rng.permutation(n_rows).astype(np.int64, copy=False)
        session.lag()
        result = session.epoch.run(rows.X, rows.y, rows.weights, order, batch_size)
        if result.diverged_at is not None:
            return False
        loss = result.loss_sum / result.weight_sum if result.weight_sum else 0.0
        self._record(loss, session.last_step(), time.perf_counter() - start)
        session.observe(loss)
        return True


def _numbers(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int64)
