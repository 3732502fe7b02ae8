"""Optimizer, strength and length of training, found by whole trainings on parts of the rows."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import NamedTuple

import numpy as np

from ...optimizers import SGD
from ...optimizers.optimizer import Optimizer
from ...rates.race_plan import FEWEST
from ..data.rows import Rows
from ..fitting.begin import at_rule_of_thumb
from ..models.model import Model
from ..models.spec import ModelSpec
from ..settings.settings import EpochPlan
from .candidates import copy_with
from .folds import Folds
from .held_out import HeldOutRuns
from .trial import EstimatorTrial

# Strengths a decade apart. Beside the mean loss of a row, none is as good as the weakest.
DECADES = (0.0, *(10.0**power for power in range(-7, 1)))
START = DECADES.index(1e-4)
RULES: dict[str, str | Optimizer] = {
    "adamw": "adamw",
    "adagrad": "adagrad",
    "sgd": SGD(momentum=0.9),
}
LONGEST = 32  # times the usual length
GAIN = 0.01  # part of the loss that twice the epochs must take off

HELD_OUT = 16_384  # rows of a fold at most
_ALL_FOLDS, _TWO_FOLDS = 2000, 20_000  # rows up to which each row, or two folds, are judged


class Choice(NamedTuple):
    """What a training is to have."""

    optimizer: str | Optimizer
    alpha: float
    n_epochs: int


class WholeRuns:
    """Trains copies of a model as its `fit` would, and judges them on rows held out."""

    def __init__(
        self, model: Model, spec: ModelSpec, rows: Rows, plan: EpochPlan, seed: int
    ) -> None:
        self._model, self._spec, self._rows, self._plan = model, spec, rows, plan
        self._seed, self._folds = seed, Folds(rows, plan.passes > 1, seed, HELD_OUT)
        self._known: dict[tuple[str, float, int], np.ndarray] = {}

    @property
    def too_few(self) -> bool:
        """Whether there are too few rows to hold any out."""
        return self._folds.n_units < FEWEST

    def losses(self, choice: Choice) -> np.ndarray:
        """Return the mean losses of groups of the rows held out, the same groups each time."""
        key = repr(choice.optimizer), choice.alpha, choice.n_epochs
        if key not in self._known:
            self._known[key] = self._run(choice)
        return self._known[key]

    def _run(self, choice: Choice) -> np.ndarray:
        given = {"optimizer": choice.optimizer, "alpha": choice.alpha}
        model = copy_with(self._model, given | {"max_epochs": choice.n_epochs})
        plan, folds = self._plan, self._folds
        optimizer = model._resolve_optimizer()
        trial = EstimatorTrial(model, optimizer, self._spec, self._rows, plan)
        lr: float = optimizer.lr  # type: ignore[attr-defined]
        if model._seeks_rate():
            trial.optimizer = at_rule_of_thumb(model, optimizer)
            lr = trial.find_rate(choice.n_epochs * plan.steps, self._seed)
        runs, found = HeldOutRuns(trial, folds, self._seed), []
        n = folds.n_units
        for fold in range(5 if n <= _ALL_FOLDS else 2 if n <= _TWO_FOLDS else 1):
            n_train = len(folds.split(fold)[1])
            steps = plan.passes * -(-n_train // min(plan.batch_size, n_train))
            found.append(runs.losses(lr, choice.n_epochs * steps, fold))
        return np.concatenate(found)


def choose(model: Model, spec: ModelSpec, rows: Rows, plan: EpochPlan, seed: int) -> Choice:
    """Return optimizer, strength and length for a training, those that the model leaves open."""
    choice = Choice(model._rule, model._strength, model._length)
    runs = WholeRuns(model, spec, rows, plan, seed)
    if runs.too_few:
        return choice
    if model._seeks_rule():
        tried = {n: runs.losses(choice._replace(optimizer=rule)) for n, rule in RULES.items()}
        choice = choice._replace(optimizer=copy(RULES[best_rule(tried)]))
    if model._seeks_strength():
        choice = at_best_strength(runs, choice)
    usual = choice
    while model.max_epochs == "auto" and choice.n_epochs < LONGEST * usual.n_epochs:
        longer = choice._replace(n_epochs=2 * choice.n_epochs)
        if not is_better(runs.losses(choice), runs.losses(longer)):
            break
        choice = longer
    if model._seeks_strength() and choice.n_epochs > usual.n_epochs:
        choice = at_best_strength(runs, choice, choice.alpha)
    return choice


def best_rule(losses: dict[str, np.ndarray]) -> str:
    """Return the optimizer with the least loss, the first one unless that is worse beyond chance.

    Examples
    --------
    >>> rows = np.array([1.0, 1.1, 0.9])
    >>> best_rule({"adamw": rows, "sgd": rows - 0.1})
    'sgd'
    >>> best_rule({"adamw": rows, "sgd": rows - [0.1, -0.1, 0.01]})
    'adamw'
    """
    usual = next(iter(losses))
    best = min(losses, key=lambda name: np.nan_to_num(losses[name].mean(), nan=np.inf))
    return best if falls(losses[usual], losses[best]) else usual


def at_best_strength(runs: WholeRuns, choice: Choice, near: float = DECADES[START]) -> Choice:
    """Return a choice with the strength that is best for it."""
    return choice._replace(
        alpha=best_strength(lambda a: runs.losses(choice._replace(alpha=a)), near)
    )


def best_strength(losses: Callable[[float], np.ndarray], near: float = DECADES[START]) -> float:
    """Return the weakest strength that is as good as the best, as far as chance lets tell.

    It goes downhill by decades, then by half a decade; ``losses(alpha)`` are those of groups of
    rows.

    Examples
    --------
    >>> rows = np.array([1.0, 1.1, 0.9])
    >>> best_strength(lambda alpha: rows * (1 + abs(alpha - 0.003)))
    0.0031622776601683794
    >>> best_strength(lambda alpha: rows * (1 + alpha), near=0.0)
    0.0
    """
    tried: dict[float, np.ndarray] = {}

    def mean(alpha: float) -> float:
        if alpha not in tried:
            tried[alpha] = losses(alpha)
        return float(tried[alpha].mean())

    powers = np.log10(np.maximum(DECADES, 1e-8))
    at = int(np.argmin(np.abs(powers - np.log10(max(near, 1e-8)))))
    while True:
        around = [k for k in (at, at + 1, at - 1) if 0 <= k < len(DECADES)]
        lowest = min(around, key=lambda k: mean(DECADES[k]))  # where it is at, if none is better
        if lowest == at:
            break
        at = lowest
    best = centre = DECADES[at]
    if centre:
        best = min((centre, centre * 10**0.5, centre / 10**0.5), key=mean)
    return min(a for a in tried if a == best or not falls(tried[a], tried[best]))


def is_better(before: np.ndarray, after: np.ndarray) -> bool:
    """Return whether losses of groups have fallen, by more than chance and enough to be worth it.

    Examples
    --------
    >>> is_better(np.array([1.0, 1.1, 0.9]), np.array([0.9, 1.0, 0.8]))
    True
    >>> is_better(np.array([1.0, 1.1, 0.9]), np.array([0.999, 1.099, 0.899]))
    False
    """
    return falls(before, after, GAIN)


def falls(before: np.ndarray, after: np.ndarray, by: float = 0.0) -> bool:
    """Return whether losses fall by a part of themselves and by more than chance."""
    if not np.isfinite(after).all():
        return False
    if not np.isfinite(before).all():
        return True
    gain = before - after
    chance = gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else 0.0
    return bool(gain.mean() > max(by * abs(before.mean()), chance))
