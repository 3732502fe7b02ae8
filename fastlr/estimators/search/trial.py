"""Short runs of an estimator's model on its data, in sessions of their own.

A session holds everything that training changes, so the estimator itself is only read: that is
what a learning rate is looked for with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...optimizers.optimizer import Optimizer
from ...rates.race import POWER, POWERS, TYPICAL, race
from ...rates.race_plan import FEWEST, plan_race
from ...schedules import Run
from ...training import Arena
from ..fitting.validation import Rows
from ..session.generator import seeded
from ..session.session import ModelSpec, Session
from ..settings.settings import EpochPlan
from .folds import Folds
from .held_out import HeldOutRuns


class EstimatorTrial:
    """Trains fresh copies of a model, again and again from the start.

    Parameters
    ----------
    model : GradientEstimator
        Gives the hooks; only read.
    optimizer : Optimizer
        As `fit` would use it.
    spec : ModelSpec
        What is trained.
    rows : Rows
        What it is trained on.
    plan : EpochPlan
        Mini-batches.

    Attributes
    ----------
    model : GradientEstimator
        As given.
    label : str
        Estimator and optimizer.
    optimizer : Optimizer
        As given.
    plan : EpochPlan
        As given.
    random_state : int, RandomState instance or None
        The estimator's.
    """

    def __init__(
        self, model: Any, optimizer: Optimizer, spec: ModelSpec, rows: Rows, plan: EpochPlan
    ) -> None:
        self.model, self._spec, self._rows, self.plan = model, spec, rows, plan
        self.optimizer = optimizer
        self.label = f"{type(model).__name__} with {type(optimizer).__name__}"
        self.random_state: Any = model.random_state

    def session(self, optimizer: Optimizer, n_steps: int, seed: int) -> Session:
        """Return a session of a fresh model.

        Parameters
        ----------
        optimizer : Optimizer
            To train with.
        n_steps : int
            Length of the run, over which a schedule may be stretched.
        seed : int
            Of initial values and permutations.

        Returns
        -------
        Session
            Which shares nothing with others.
        """
        made: Session = self.model._session_of(
            optimizer, self._spec, Run(n_steps, self.plan.steps), seed, at_once=True
        )
        return made

    @property
    def shuffles(self) -> bool:
        """Whether mini-batches are drawn, rather than taken as rows lie."""
        return bool(self.model.shuffle) and self.plan.passes == 1

    def initial(self, arena: Arena, seed: int) -> np.ndarray:
        """Return first values of the parameters in an arena, whose own are then undefined."""
        arena.params[:] = 0
        self.model._initialise(arena.param, self._spec, seeded(seed))
        return arena.params.copy()

    def start(self, optimizer: Optimizer, n_steps: int, seed: int) -> Callable[[], float]:
        """Return what makes one step and tells the loss from before it, as a `Trial`."""
        session = self.session(optimizer, n_steps, seed)
        batches, rows, size = self._batches(session.rng), self._rows, self.plan.batch_size

        def step() -> float:
            with session.limited_blas(size):
                result = session.epoch.run(rows.X, rows.y, rows.weights, next(batches), size)
            if result.diverged_at is not None:
                return float("nan")
            return result.loss_sum / (result.weight_sum or 1.0)

        return step

    def _batches(self, rng: np.random.RandomState) -> Iterator[np.ndarray]:
        """Yield the rows of one mini-batch after another, without end."""
        size, plain = self.plan.batch_size, np.arange(self._rows.X.shape[0], dtype=np.int64)
        if self._rows.chosen is not None:
            plain = self._rows.chosen
        while True:
            order = plain
            if self.shuffles:
                order = rng.permutation(plain).astype(np.int64, copy=False)
            for start in range(0, len(order), size):
                yield order[start : start + size]

    def find_rate(self, total_steps: int, seed: int) -> float:
        """Return the learning rate for a training of some length; see `tuning.auto_lr`.

        Parameters
        ----------
        total_steps : int
            Length of the training.
        seed : int
            Of the short runs.

        Returns
        -------
        float
            Learning rate; the optimizer's own where there are too few rows to hold any out.
        """
        centre: float = self.optimizer.lr  # type: ignore[attr-defined]
        folds = Folds(self._rows, self.plan.passes > 1, seed)
        if folds.n_units < FEWEST or not centre:
            return centre
        rule = type(self.optimizer).__name__
        plan = plan_race(total_steps, self._step_seconds(folds.n_units), folds.n_units)
        return race(
            HeldOutRuns(self, folds, seed).losses,
            TYPICAL.get(rule, centre),
            plan,
            total_steps,
            POWERS.get(rule, POWER),
        )

    def _step_seconds(self, n_units: int) -> float:
        """Return about what a step takes: six operations for each parameter and row, and a call."""
        size, X = min(self.plan.batch_size, n_units), self._rows.X
        density = X.nnz / max(math.prod(X.shape), 1) if hasattr(X, "nnz") else 1.0
        return 6e-6 + 6 * size * self._spec.n_params * density / 16e9
