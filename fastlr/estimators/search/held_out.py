"""Short runs of a model, each from the start at a rate of its own, judged on rows held out."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ...optimizers.optimizer import Optimizer
from ...training import Arena
from ..data.rows import Rows
from ..fitting.begin import seeded
from ..session.session import Session
from ..settings.settings import EpochPlan
from .folds import Folds


class Fresh(Protocol):
    """What makes fresh copies of a model: an `EstimatorTrial`."""

    optimizer: Optimizer
    plan: EpochPlan

    @property
    def shuffles(self) -> bool:
        """Whether mini-batches are drawn."""

    def session(self, optimizer: Optimizer, n_steps: int, seed: int) -> Session:
        """Return a session of a fresh model."""

    def initial(self, arena: Arena, seed: int) -> np.ndarray:
        """Return first values of its parameters."""


class HeldOutRuns:
    """Losses of folds after training on the other rows."""

    def __init__(self, trial: Fresh, folds: Folds, seed: int) -> None:
        self._trial, self._folds, self._seed = trial, folds, seed
        self._session: Session | None = None
        self._state: list[np.ndarray] = []
        self._starts: dict[int, np.ndarray] = {}
        self._orders: dict[int, np.ndarray] = {}
        self._groups: dict[int, tuple[list[Rows], np.ndarray]] = {}

    def losses(self, lr: float, n_steps: int, fold: int) -> np.ndarray:
        """Return the losses of a fold, infinite if the run diverged.

        They are mean losses of groups of its rows, the same groups at each rate, times the share
        of the fold's weight that a group has: their mean is the loss of the fold.
        """
        rows, train, test, starts = self._folds.split(fold)
        session = self._begin(lr, n_steps, fold)
        plan = self._trial.plan
        size = len(train) if plan.passes > 1 else min(plan.batch_size, len(train))
        order = self._order(train, n_steps * size, fold)
        with session.limited_blas(len(order)):
            result = session.run_epoch(rows, order, size)
            if result.diverged_at is not None:
                return np.full(len(starts), np.inf)
            if fold not in self._groups:
                ends = [*starts[1:], test.used]
                groups = [test.taken(slice(a, b)) for a, b in zip(starts, ends, strict=True)]
                weights = np.array(
                    [g.used if g.weights is None else g.weights.sum() for g in groups]
                )
                self._groups[fold] = groups, weights / max(weights.mean(), 1e-300)
            groups, shares = self._groups[fold]
            losses = shares * session.evaluate_each(groups)
        return losses if np.isfinite(losses).all() else np.full(len(starts), np.inf)

    def _begin(self, lr: float, n_steps: int, fold: int) -> Session:
        """Return a session before its first step."""
        session = self._session
        if session is None or session.updater.optimizer.by_arrays:
            optimizer = self._trial.optimizer.replace(lr=lr)
            session = self._session = self._trial.session(optimizer, n_steps, self._seed + fold)
            self._state = session.start_state()
            self._starts[fold] = session.arena.params.copy()
            return session
        if fold not in self._starts:
            self._starts[fold] = self._trial.initial(session.arena, self._seed + fold)
        session.restart(self._starts[fold], self._state, lr, n_steps)
        return session

    def _order(self, train: np.ndarray, length: int, fold: int) -> np.ndarray:
        """Return the rows of a run, one pass over `train` after another."""
        order = self._orders.get(fold, train)  # which have been mixed
        if len(order) < length:
            missing = -(-(length - len(order)) // len(train))
            passes = [train] * missing
            if self._trial.shuffles:
                rng = seeded(self._seed + fold)
                done = len(order) // len(train) - 1  # that have been drawn
                passes = [rng.permutation(train) for _ in range(done + missing)][done:]
            order = self._orders[fold] = np.concatenate([order, *passes])
        return order[:length]
