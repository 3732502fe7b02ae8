"""Short runs of an estimator's model on its data, in sessions of their own.

A session holds everything that training changes, so the estimator itself is only read: that is
what a learning rate is looked for with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from ...optimizers.optimizer import Optimizer
from ...rates import race_plan
from ...rates.race import POWER, POWERS, TYPICAL, race
from ...rates.race_plan import FEWEST, plan_race
from ...schedules import Run
from ...training import Arena
from ..data.rows import Features, Rows, is_sparse
from ..data.targets import RealTargets
from ..fitting.begin import at_rule_of_thumb, make_spec, seeded
from ..fitting.validation import learn_rows
from ..models.model import Model
from ..models.spec import ModelSpec
from ..session.session import Session
from ..settings.settings import EpochPlan, plan_epoch
from .folds import Folds
from .held_out import HeldOutRuns


class EstimatorTrial:
    """Trains fresh copies of a model, again and again from the start."""

    def __init__(
        self, model: Model, optimizer: Optimizer, spec: ModelSpec, rows: Rows, plan: EpochPlan
    ) -> None:
        self.model, self._spec, self.rows, self.plan = model, spec, rows, plan
        self.optimizer = optimizer
        self.label = f"{type(model).__name__} with {type(optimizer).__name__}"

    def session(self, optimizer: Optimizer, n_steps: int, seed: int) -> Session:
        """Return a session of a fresh model, for a run of `n_steps`."""
        run = Run(n_steps, self.plan.steps)
        return Session(self.model, self._spec, optimizer, run, seeded(seed), at_once=True)

    @property
    def shuffles(self) -> bool:
        """Whether mini-batches are drawn, rather than taken as rows lie."""
        return bool(self.model.shuffle) and self.plan.passes == 1

    def initial(self, arena: Arena, seed: int) -> np.ndarray:
        """Return first values of the parameters in an arena, whose own are then undefined."""
        arena.params[:] = 0
        model = self.model
        model._initialise(arena.param, self._spec, seeded(seed))
        return arena.params.copy()

    def start(self, optimizer: Optimizer, n_steps: int, seed: int) -> Callable[[], float]:
        """Return what makes one step and tells the loss from before it, as a `Trial`."""
        session = self.session(optimizer, n_steps, seed)
        batches, rows, size = self.batches(session.rng), self.rows, self.plan.batch_size

        def step() -> float:
            with session.limited_blas(size):
                result = session.run_epoch(rows, next(batches), size)
            return float("nan") if result.diverged_at is not None else result.mean_loss

        return step

    def batches(self, rng: np.random.RandomState) -> Iterator[np.ndarray]:
        """Yield the rows of one mini-batch after another, without end."""
        size, plain = self.plan.batch_size, self.rows.numbers
        while True:
            order = plain
            if self.shuffles:
                order = rng.permutation(plain).astype(np.int64, copy=False)
            for start in range(0, len(order), size):
                yield order[start : start + size]

    def find_rate(self, total_steps: int, seed: int) -> float:
        """Return the learning rate for a training of some length; see `rates.race`.

        The optimizer's own where there are too few rows to hold any out.
        """
        centre: float = self.optimizer.lr  # type: ignore[attr-defined]
        folds = Folds(self.rows, self.plan.passes > 1, seed)
        if folds.n_units < FEWEST or not centre:
            return centre
        rule = type(self.optimizer).__name__
        n_rows = folds.n_units
        plan = plan_race(total_steps, self._step_seconds(n_rows), n_rows, self._seconds(n_rows))
        return race(
            HeldOutRuns(self, folds, seed).losses,
            TYPICAL.get(rule, centre),
            plan,
            total_steps,
            POWERS.get(rule, POWER),
        )

    def raced(self, n_steps: int, seed: int) -> float:
        """Return the rate that ``lr="auto"`` finds, however many steps a range test has."""
        thumb = at_rule_of_thumb(self.model, self.optimizer)
        trial = EstimatorTrial(self.model, thumb, self._spec, self.rows, self.plan)
        return trial.find_rate(self.model._length * self.plan.steps, seed)

    def _seconds(self, n_units: int) -> float:
        """Return the seconds that short runs may take in all."""
        spec = self._spec
        many = n_units * max(spec.targets.outputs, 1) >= race_plan.MANY * spec.n_params
        linear = "coef" in spec.shapes and isinstance(spec.targets, RealTargets)
        return race_plan.SECONDS_OF_NUMBERS if linear and many else race_plan.SECONDS

    def _step_seconds(self, n_units: int) -> float:
        """Estimate the time of a step: six operations for each parameter and row, and a call."""
        size, X = min(self.plan.batch_size, n_units), self.rows.X
        density = X.nnz / max(math.prod(X.shape), 1) if is_sparse(X) else 1.0
        return 6e-6 + 6 * size * self._spec.n_params * density / 16e9


def trial_of(
    estimator: Model,
    X: Features,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    optimizer: str | Optimizer | None = None,
) -> EstimatorTrial:
    """Return what `find_lr` trains: an estimator, as `fit` would start it, on data of its own."""
    model = clone(estimator)
    if optimizer is not None:
        model.optimizer = optimizer
    if model._seeks_rule():
        raise ValueError(
            "estimator: optimizer='auto' has every fit search by itself, and rates are those of "
            "one optimizer: name it"
        )
    model._validate_params()
    rows, targets, _ = learn_rows(model, X, y, sample_weight)
    rows.weigh_one_on_average()
    inputs = model._learn_inputs(rows.X, rows.weights)
    spec = make_spec(model, targets, inputs, rows.X.shape[1], rows.X.dtype)
    plan = plan_epoch(model.batch_size, rows.used)
    return EstimatorTrial(model, model._resolve_optimizer(), spec, rows, plan)
