"""Short runs of an estimator's model on its data, in sessions of their own.

A session holds everything that training changes, so the estimator itself is only read: that is
what a learning rate is looked for with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..optimizers.base import Optimizer
from ..schedules import Run
from ._session import ModelSpec, Session
from ._settings import EpochPlan
from ._validation import Rows


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
    label : str
        Estimator and optimizer.
    optimizer : Optimizer
        As given.
    random_state : int, RandomState instance or None
        The estimator's.
    """

    def __init__(
        self, model: Any, optimizer: Optimizer, spec: ModelSpec, rows: Rows, plan: EpochPlan
    ) -> None:
        self._model, self._spec, self._rows, self._plan = model, spec, rows, plan
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
        model, spec = self._model, self._spec
        session = Session(
            spec,
            optimizer,
            model._make_epoch,
            model._fold(spec),
            Run(n_steps, self._plan.steps),
            seed,
            model.n_threads,
            (),
            model._groups,
        )
        model._initialise(session.arena.param, spec, session.rng)
        return session

    def start(self, optimizer: Optimizer, n_steps: int, seed: int) -> Callable[[], float]:
        """Return what makes one step and tells the loss from before it; see `tuning.sweep`."""
        session = self.session(optimizer, n_steps, seed)
        batches, rows, size = self._batches(session.rng), self._rows, self._plan.batch_size

        def step() -> float:
            with session.limited_blas(size):
                result = session.epoch.run(rows.X, rows.y, rows.weights, next(batches), size)
            if result.diverged_at is not None:
                return float("nan")
            return result.loss_sum / (result.weight_sum or 1.0)

        return step

    def _batches(self, rng: np.random.RandomState) -> Iterator[np.ndarray]:
        """Yield the rows of one mini-batch after another, without end."""
        size, plain = self._plan.batch_size, np.arange(self._rows.X.shape[0], dtype=np.int64)
        if self._rows.chosen is not None:
            plain = self._rows.chosen
        while True:
            order = plain
            if self._model.shuffle and self._plan.passes == 1:
                order = rng.permutation(plain).astype(np.int64, copy=False)
            for start in range(0, len(order), size):
                yield order[start : start + size]
