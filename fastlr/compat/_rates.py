"""Learning rates of scikit-learn's estimators, as schedules of fastlr's optimizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..schedules import Constant, Function, InvScaling, Optimal, Run, Schedule

_ENDLESS = Run(None, None)


class Observed(Schedule):
    """A factor set by the training loop: the metric observed last.

    scikit-learn changes the rate after an epoch by the counts of its stopping rule, which the loop
    keeps.
    """

    @property
    def needs_metric(self) -> bool:
        """True, because only a metric changes the factor."""
        return True

    def initial_metric_state(self) -> dict[str, float]:
        """Return the factor 1."""
        return {"factor": 1.0}

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, None]:
        """Return the factor for all steps of the epoch."""
        state = self.initial_metric_state() if metric_state is None else metric_state
        return np.full(np.shape(t), state["factor"]), None

    def observe(
        self, metric_state: Mapping[str, float], metric: Any, t: Any = None, run: Any = None
    ) -> dict[str, float]:
        """Use the metric as the factor."""
        return {"factor": float(metric)}


def linear_rate(
    learning_rate: str, eta0: float, alpha: float, power_t: float, ahead: int
) -> tuple[float, Schedule]:
    """Return rate and schedule for scikit-learn's parameters of a linear estimator.

    The schedule runs `ahead` steps ahead of the optimizer's count.
    """
    schedule: Schedule
    if learning_rate == "adaptive":
        return eta0, Observed()
    if learning_rate == "constant":
        return eta0, Constant()
    if learning_rate == "optimal":
        lr, schedule = alpha**-0.25, Optimal(alpha)
    elif power_t < 0:  # a rising rate, deprecated in scikit-learn
        return eta0, Function(lambda t: (t + ahead + 1.0) ** -power_t)
    else:
        lr, schedule = eta0, InvScaling(power_t)
    if ahead == 0:
        return lr, schedule
    return lr, Function(lambda t: schedule.evaluate(t + ahead, _ENDLESS)[0])


def bounded(strength: float, lr: float, schedule: Schedule) -> Schedule | None:
    """Return a schedule that keeps L2 strength times rate at most 1, None if not needed.

    With a larger product a step would flip the sign of a weight and enlarge it. scikit-learn sets
    the weight to zero then, as a product of 1 does. The rate falls, so the first step decides.
    """

    def factor(t: Any) -> Any:
        rate = lr * schedule.evaluate(t, _ENDLESS, schedule.initial_metric_state())[0]
        return np.minimum(1.0, 1.0 / (strength * rate))

    if strength == 0 or float(np.min(factor(np.zeros(1)))) == 1.0:
        return None
    return Function(factor)
