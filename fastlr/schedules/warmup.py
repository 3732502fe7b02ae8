"""Warm-up, alone or before another schedule."""

from typing import Any

import numpy as np

from .base import Schedule, resolved
from .rule import Length


class Warmup(Schedule):
    r"""Raise the rate, then follow another schedule.

    .. math::
        f(t) = w\!\left(\frac{\min(t, n)}{n}\right) h(\max(t - n, 0))

    where :math:`h` is the next schedule. It starts at its own step 0 when the warm-up ends, and its
    run has the remaining steps. The warm-up rises to :math:`h(0)`; a momentum that :math:`h` drives
    waits at its first value. With the initial factor :math:`s`,

    .. math::
        w(x) = s + (1 - s)\, x \;\text{(linear)}, \quad s^{1 - x} \;\text{(exponential)}, \quad
        s \text{ for } x < 1 \text{ and } 1 \text{ for } x = 1 \;\text{(constant)}

    Parameters
    ----------
    steps : int, float or Epochs, default=0.1
        :math:`n`: steps (0: no warm-up), fraction of the run in (0, 1), or epochs.
    schedule : Schedule or str, optional
        :math:`h`; by default the full rate.
    start : float, optional
        :math:`s`, in [0, 1], the factor of step 0; above 0 for the exponential shape. By default
        1/3 for the constant shape, otherwise :math:`1 / (n + 1)`, so that a line rises evenly and
        step :math:`n` is the first at the full rate. With 0 the first step does nothing; torch's
        ``LinearLR`` starts at 1/3.
    shape : {"linear", "exponential", "constant"}, default="linear"
        :math:`w`. ``"exponential"`` raises the rate by the same factor at each step,
        ``"constant"`` keeps it low and then jumps, as torch's ``ConstantLR`` does.

    Notes
    -----
    A metric-driven schedule after the warm-up does not see the metrics of the warm-up. Its first
    epoch is the first whose last step comes after the warm-up.

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
        # x ends at exactly 1, and so does w. Without steps, start is 1.
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
