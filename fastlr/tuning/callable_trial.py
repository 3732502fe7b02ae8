"""A range test of anything that has parameters, a loss and its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..optimizers.optimizer import Optimizer
from ..rates.race import POWER, POWERS, TYPICAL, race
from ..rates.race_plan import RacePlan
from ..updater.arrays import check_parameters

_LONGER = 5  # how many times as long as a range test the training is thought to be
_JUDGES = 8  # mini-batches on which a short run is judged


class CallableTrial:
    """Trains copies of parameters by a function that returns loss and gradients."""

    def __init__(
        self, loss_and_grads: Callable[..., tuple[Any, Any]], params: Any, optimizer: Optimizer
    ) -> None:
        self._function = loss_and_grads
        self._start = check_parameters(params)
        if self._start.on_device:
            raise TypeError("params must be NumPy arrays; find_lr runs on the CPU")
        self._values = [array.copy(order="K") for array in self._start.arrays]
        self.optimizer = optimizer
        self.label = getattr(loss_and_grads, "__name__", type(loss_and_grads).__name__)

    def start(self, optimizer: Optimizer, n_steps: int, seed: int) -> Callable[[], float]:
        """Return what makes a step; see `Trial`."""
        params = self._start.like_given([value.copy(order="K") for value in self._values])
        updater = optimizer.replace(nonfinite="skip").bind(params, total_steps=n_steps)
        rng = np.random.default_rng(seed)

        def step() -> float:
            with np.errstate(all="ignore"):  # divergence is expected here
                loss, grads = self._function(params, rng)
            loss = float(loss)
            if math.isfinite(loss):
                updater.step(grads)
                if updater.skipped:
                    return math.nan
            return loss

        return step

    def raced(self, n_steps: int, seed: int) -> float:
        """Return the rate that wins a race of short runs, NaN if none stays finite."""
        rule, default = type(self.optimizer).__name__, float(self.optimizer.lr)  # type: ignore[attr-defined]
        centre = TYPICAL.get(rule, default)
        if not centre > 0:
            return math.nan
        coarse, last = max(n_steps // 8, 8), max(n_steps // 2, 8)
        known: dict[tuple[float, int], np.ndarray] = {}

        def losses(lr: float, steps: int, fold: int) -> np.ndarray:
            known[lr, steps] = self._losses(lr, steps, seed)
            return known[lr, steps]

        with np.errstate(all="ignore"):  # of losses so large that their differences overflow
            plan = RacePlan(coarse, 0, last, 1)
            found = race(losses, centre, plan, _LONGER * n_steps, POWERS.get(rule, POWER))
        return found if any(np.isfinite(each).all() for each in known.values()) else math.nan

    def _losses(self, lr: float, n_steps: int, seed: int) -> np.ndarray:
        """Return losses of mini-batches after a run, infinite if it did not stay finite."""
        params = self._start.like_given([value.copy(order="K") for value in self._values])
        optimizer = self.optimizer.replace(lr=lr, nonfinite="skip")
        updater = optimizer.bind(params, total_steps=n_steps)
        rng = np.random.default_rng(seed)
        bad = 0
        with np.errstate(all="ignore"):
            for _ in range(n_steps):
                loss, grads = self._function(params, rng)
                if math.isfinite(float(loss)):
                    updater.step(grads)
                    bad = 0
                    continue
                bad += 1
                if bad > 2:
                    return np.full(_JUDGES, np.inf)
            if optimizer.averages:
                params = updater.averaged
            rng = np.random.default_rng(seed + 1)
            losses = np.array([float(self._function(params, rng)[0]) for _ in range(_JUDGES)])
        finite = np.isfinite(losses)
        if 2 * finite.sum() <= _JUDGES:
            return np.full(_JUDGES, np.inf)
        losses[~finite] = losses[finite].mean()
        return losses
