"""A range test of an estimator: its own model, data and mini-batches, in sessions of its own.

A session holds everything that training changes, so the estimator itself is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .._compat import check_weights
from ..estimators._session import Session
from ..estimators._settings import plan_epoch
from ..estimators.base import FLOATS, GradientEstimator
from ..optimizers.base import Optimizer
from ..schedules import Run


class EstimatorTrial:
    """Trains fresh copies of an estimator's model on its data.

    Parameters
    ----------
    estimator : estimator of fastlr, or Pipeline that ends in one
        Not changed; the steps before it are fitted as copies.
    X, y, sample_weight
        As for its `fit`.
    optimizer : str or Optimizer, optional
        Replaces the estimator's.

    Attributes
    ----------
    label : str
        Estimator and optimizer.
    optimizer : Optimizer
        As `fit` would use it.
    random_state : int, RandomState instance or None
        The estimator's, a copy.
    n_threads : int
        Threads that BLAS may use.

    Raises
    ------
    TypeError, ValueError
        If estimator or data are unfit.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any = None, optimizer: Any = None
    ) -> None:
        if isinstance(estimator, Pipeline):
            X = clone(estimator[:-1]).fit_transform(X, y) if len(estimator) > 1 else X
            estimator = estimator[-1]
        if not isinstance(estimator, GradientEstimator):
            raise TypeError(
                "estimator must be an estimator of fastlr, a Pipeline that ends in one, or a "
                f"function that returns loss and gradients, got {type(estimator).__name__}"
            )
        self._model: Any = clone(estimator)
        if optimizer is not None:
            self._model.optimizer = optimizer
        self._model._validate_params()
        self.optimizer: Optimizer = self._model._resolve_optimizer()
        self.label = f"{type(estimator).__name__} with {type(self.optimizer).__name__}"
        model = self._model
        self.n_threads: int = model.n_threads
        self.random_state: Any = model.random_state
        X, y = model._validated(X, y, reset=True, dtype=FLOATS)
        weights = check_weights(sample_weight, X)
        targets, self._y = model._learn_targets(y, weights, X.dtype)
        weights = model._row_weights(weights, self._y, targets)
        if weights is not None:
            weights /= weights.mean()
        self._X, self._weights = X, weights
        self._spec = model._spec(targets, model._learn_inputs(X, weights), X.shape[1], X.dtype)
        self._plan = plan_epoch(model.batch_size, X.shape[0])

    def start(self, optimizer: Optimizer, n_steps: int, seed: int) -> Callable[[], float]:
        """Return what makes a step; see `Trial`."""
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
        )
        model._initialise(session.arena.param, spec, session.rng)
        batches = self._batches(session.rng)
        size = self._plan.batch_size

        def step() -> float:
            result = session.epoch.run(self._X, self._y, self._weights, next(batches), size)
            if result.diverged_at is not None:
                return float("nan")
            return result.loss_sum / (result.weight_sum or 1.0)

        return step

    def _batches(self, rng: np.random.RandomState) -> Iterator[np.ndarray]:
        """Yield the rows of one mini-batch after another, without end."""
        n_rows, size = self._X.shape[0], self._plan.batch_size
        while True:
            order = np.arange(n_rows, dtype=np.int64)
            if self._model.shuffle and self._plan.passes == 1:
                order = rng.permutation(n_rows).astype(np.int64, copy=False)
            for start in range(0, n_rows, size):
                yield order[start : start + size]
