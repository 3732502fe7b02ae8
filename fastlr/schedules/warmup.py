"""Warm-up, alone or followed by any schedule."""

from typing import Any

import numpy as np

from .base import Schedule, resolved
from .lengths import Length


class Warmup(Schedule):
    r"""Raise the rate, then follow another schedule.

    .. math::
        f(t) = w\!\left(\frac{\min(t, n)}{n}\right) h(\max(t - n, 0))

    where :math:`h` is the schedule that follows, started at its own step 0 when the warm-up
    ends; it sees a run of the steps that remain. The warm-up leads up to :math:`h(0)`, and the
    momentum, where :math:`h` drives it, waits at its first value. With :math:`s` at the start,

    .. math::
        w(x) = s + (1 - s)\, x \;\text{(linear)}, \quad s^{1 - x} \;\text{(exponential)}, \quad
        s \text{ for } x < 1 \text{ and } 1 \text{ for } x = 1 \;\text{(constant)}

    Parameters
    ----------
    steps : int, float or Epochs, default=0.1
        :math:`n`: steps (0: no warm-up), part of the run in (0, 1), or epochs.
    schedule : Schedule or str, optional
        :math:`h`; by default the full rate for good.
    start : float, optional
        :math:`s`, in [0, 1], the factor of step 0; above 0 for the exponential shape. By
        default :math:`1 / (n + 1)`, so that the steps of a line rise evenly from above 0 and
        step :math:`n` is the first at the full rate; for the constant shape 1/3. Ask for 0 and
        the first step does nothing; torch's ``LinearLR`` starts at 1/3.
    shape : {"linear", "exponential", "constant"}, default="linear"
        :math:`w`. ``"exponential"`` raises the rate by the same factor at each step,
        ``"constant"`` keeps it low and then jumps, as torch's ``ConstantLR`` does.

    Notes
    -----
    A schedule that a metric drives and that follows the warm-up does not see the metrics of the
    warm-up: it starts with the first epoch whose last step comes after it.

    References
    ----------
    Goyal et al. 2017, "Accurate, large minibatch SGD", arXiv:1706.02677 (linear and constant).

    Examples
    --------
    >>> from fastlr.schedules import CosineAnnealing, Warmup
    >>> Warmup(3, CosineAnnealing()).simulate(8).lr.round(3).tolist()
    [0.25, 0.5, 0.75, 1.0, 0.905, 0.655, 0.345, 0.095]
    >>> Warmup(3, start=0.125, shape="exponential").simulate(5).lr.round(3).tolist()
    [0.125, 0.25, 0.5, 1.0, 1.0]
    """

    steps: Length = 0.1
    schedule: Any = None
    start: float | None = None
    shape: str = "linear"

    lengths = {"steps": 0}
    ranges = {"start": "[0, 1]"}
    choices = {"shape": ("linear", "exponential", "constant")}

    def validate(self):
        resolved(self.schedule, "Warmup: schedule")
        if self.shape == "exponential" and self.start == 0:
            raise ValueError("Warmup: start must be above 0 for shape='exponential', got 0")

    @property
    def needs_metric(self):
        return self._next().needs_metric

    def initial_metric_state(self):
        return self._next().initial_metric_state()

    def observe(self, metric_state, metric, t=None, run=None):
        if t is None or run is None:
            return self._next().observe(metric_state, metric)
        steps = self.steps_of("steps", run)
        if t <= steps:
            return dict(metric_state)
        return self._next().observe(metric_state, metric, t - steps, run.rest(steps))

    def length(self, run):
        steps = self.steps_of("steps", run)
        if self.schedule is None:
            return steps
        rest = self._next().length(run.rest(steps))
        return None if rest is None else steps + rest

    def evaluate(self, t, run, metric_state=None):
        t = np.asarray(t, dtype=np.float64)
        rise, _ = super().evaluate(t, run)
        if self.schedule is None:
            return rise, None
        steps = self.steps_of("steps", run)
        later = np.maximum(t - steps, 0)
        factor, momentum = self._next().evaluate(later, run.rest(steps), metric_state)
        return rise * factor, momentum

    def coefficients(self, run):
        steps = self.steps_of("steps", run)
        start = self.start
        if steps == 0:
            start = 1.0
        elif start is None:
            start = 1 / 3 if self.shape == "constant" else 1 / (steps + 1)
        return {
            "steps": steps,
            "start": start,
            "exponential": self.shape == "exponential",
            "constant": self.shape == "constant",
            "one": 1.0,
            "zero": 0.0,
        }

    @staticmethod
    def factor(t, steps, start, exponential, constant, one, zero):
        # The ratio first: it ends at 1 to the bit, and so does w. Without steps, start is 1.
        x = min(t, steps) / max(steps, one)
        if constant > zero:
            value = start if x < one else one
        elif exponential > zero:
            value = pow(start, one - x)
        else:
            value = start + (one - start) * x
        return value

    def _next(self):
        return resolved(self.schedule, "Warmup: schedule")
