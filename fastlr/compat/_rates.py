"""Learning rates of scikit-learn's estimators, as schedules of fastlr's optimizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..schedules import Constant, Function, InvScaling, Optimal, Run, Schedule

_ENDLESS = Run(None, None)


class Told(Schedule):
    """A factor that the training loop decides: it is the metric that was observed last.

    scikit-learn's loops change the rate after an epoch by counts that their stopping rule keeps,
    so here the loop counts and tells.
    """

    @property
    def needs_metric(self) -> bool:
        """True: only a metric changes it."""
        return True

    def initial_metric_state(self) -> dict[str, float]:
        """Return the factor 1."""
        return {"factor": 1.0}

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, None]:
        """Return the factor for every step of the epoch."""
        state = self.initial_metric_state() if metric_state is None else metric_state
        return np.full(np.shape(t), state["factor"]), None

    def observe(
        self, metric_state: Mapping[str, float], metric: Any, t: Any = None, run: Any = None
    ) -> dict[str, float]:
        """Take the metric for the factor."""
        return {"factor": float(metric)}


def linear_rate(
    learning_rate: str, eta0: float, alpha: float, power_t: float, ahead: int
) -> tuple[float, Schedule]:
    """Return rate and schedule of the linear estimators.

    Parameters
    ----------
    learning_rate : {"constant", "optimal", "invscaling", "adaptive"}
        The kind of schedule.
    eta0, alpha, power_t : float
        scikit-learn's parameters of it.
    ahead : int
        Steps by which the schedule runs ahead of the optimizer's own count.

    Returns
    -------
    lr : float
        What the schedule multiplies.
    schedule : Schedule
        As a function of the optimizer's steps.
    """
    schedule: Schedule
    if learning_rate == "adaptive":
        return eta0, Told()
    if learning_rate == "constant":
        return eta0, Constant()
    if learning_rate == "optimal":
        lr, schedule = alpha**-0.25, Optimal(alpha)
    elif power_t < 0:  # deprecated in scikit-learn: a rate that rises
        return eta0, Function(lambda t: (t + ahead + 1.0) ** -power_t)
    else:
        lr, schedule = eta0, InvScaling(power_t)
    if ahead == 0:
        return lr, schedule
    return lr, Function(lambda t: schedule.evaluate(t + ahead, _ENDLESS)[0])


def bounded(strength: float, lr: float, schedule: Schedule) -> Schedule | None:
    """Return a schedule for an L2 strength that keeps strength times rate at 1 at most.

    Beyond that a step would turn a weight's sign and make it larger; scikit-learn sets the weight
    to zero there, which is what 1 does.

    Parameters
    ----------
    strength, lr : float
        Factors of the two.
    schedule : Schedule
        Of the rate, which falls, so that the first step decides.

    Returns
    -------
    Schedule or None
        None where no bound is needed.
    """

    def factor(t: Any) -> Any:
        rate = lr * schedule.evaluate(t, _ENDLESS, schedule.initial_metric_state())[0]
        return np.minimum(1.0, 1.0 / (strength * rate))

    if strength == 0 or float(np.min(factor(np.zeros(1)))) == 1.0:
        return None
    return Function(factor)
