"""Running the epochs of a session: threads, history, and what is said when it ends early."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..training import EpochInfo, EpochResult, train
from ._history import Recorded
from ._saying import warn_diverged, warn_interrupted
from ._session import Session
from ._settings import EpochPlan


class Trained(Recorded):
    """An estimator that trains sessions."""

    max_epochs: int
    shuffle: bool
    n_threads: int
    t_: int

    def _publish(self, session: Session) -> None:
        raise NotImplementedError

    def _train(
        self, session: Session, X: Any, y: np.ndarray, weights: np.ndarray | None, plan: EpochPlan
    ) -> None:
        """Run the epochs of `fit`."""
        n_rows = X.shape[0]
        whole = np.tile(np.arange(n_rows, dtype=np.int64), plan.passes) if plan.passes > 1 else None

        def run_epoch(order: np.ndarray | None) -> EpochResult:
            order = order if whole is None else whole
            result: EpochResult = session.epoch.run(X, y, weights, order, plan.batch_size)
            return result

        def record(info: EpochInfo) -> float:
            self._record(info.loss, *session.last_rates(), info.seconds)
            return info.loss

        limit: Any = contextlib.nullcontext()
        if session.epoch.uses_blas:  # looking for BLAS libraries takes a millisecond
            limit = threadpool_limits(self.n_threads, user_api="blas")
        with limit:
            training = train(
                run_epoch,
                session.arena.params,
                session.updater,
                n_rows,
                self.max_epochs,
                session.rng,
                shuffle=self.shuffle and whole is None,
                metric=record,  # called before a plateau schedule changes the rate
            )
        self._publish(session)
        if training.diverged is not None:
            step = session.updater.t + training.diverged.step
            warn_diverged(self, step, training.diverged.lr)
        if training.interrupted:
            warn_interrupted(self, self.n_iter_)

    def _train_once(
        self, session: Session, X: Any, y: np.ndarray, weights: np.ndarray | None, plan: EpochPlan
    ) -> None:
        """Run one epoch for `partial_fit`, without the copies that `train` makes to go back to."""
        start = time.perf_counter()
        order = None
        n_rows = X.shape[0]
        if self.shuffle and n_rows > 1:
            order = session.rng.permutation(n_rows).astype(np.int64, copy=False)
        result = session.epoch.run(X, y, weights, order, plan.batch_size)
        if result.diverged_at is None:
            loss = result.loss_sum / result.weight_sum if result.weight_sum else 0.0
            self._record(loss, *session.last_rates(), time.perf_counter() - start)
            session.observe(loss)
        if session.fold.trivial:
            self._publish(session)
        else:
            self.t_ = session.updater.t
            self.__dict__["_stale"] = True
        if result.diverged_at is not None:
            warn_diverged(self, session.updater.t + 1, session.updater.lr)
