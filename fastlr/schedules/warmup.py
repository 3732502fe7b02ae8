"""Linear warm-up, alone or followed by any schedule."""

from typing import Any

import numpy as np

from .base import Schedule
from .compose import resolved
from .lengths import Length


class Warmup(Schedule):
    r"""Raise the rate linearly, then follow another schedule.

    .. math::
        f(t) = \left(s + (1 - s) \frac{\min(t, n)}{n}\right) h(\max(t - n, 0))

    where :math:`h` is the schedule that follows, started at its own step 0 when the warm-up
    ends; it sees a run of the steps that remain. The warm-up leads up to :math:`h(0)`, and the
    momentum, where :math:`h` drives it, waits at its first value.

    Parameters
    ----------
    steps : int, float or Epochs, default=0.1
        :math:`n`: steps (0: no warm-up), part of the run in (0, 1), or epochs.
    schedule : Schedule or str, optional
        :math:`h`; by default the full rate for good.
    start : float, optional
        :math:`s`, in [0, 1], the factor of step 0. By default :math:`1 / (n + 1)`, so that the
        steps rise evenly from above 0 and step :math:`n` is the first at the full rate. Ask for
        0 and the first step does nothing; torch's ``LinearLR`` starts at 1/3.

    Examples
    --------
    >>> from fastlr.schedules import CosineAnnealing, Warmup
    >>> Warmup(3, CosineAnnealing()).simulate(8).lr.round(3).tolist()
    [0.25, 0.5, 0.75, 1.0, 0.905, 0.655, 0.345, 0.095]
    """

    steps: Length = 0.1
    schedule: Any = None
    start: float | None = None

    lengths = {"steps": 0}
    ranges = {"start": "[0, 1]"}

    def validate(self):
        resolved(self.schedule, "Warmup: schedule")

    @property
    def needs_metric(self):
        return self._next().needs_metric

    def initial_metric_state(self):
        return self._next().initial_metric_state()

    def observe(self, metric_state, metric):
        return self._next().observe(metric_state, metric)

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
        start = 1 / (steps + 1) if self.start is None or steps == 0 else self.start
        return {"steps": steps, "start": start, "one": 1.0}

    @staticmethod
    def factor(t, steps, start, one):
        # The ratio first: it ends at 1 to the bit, and so does the sum. Without steps, start is 1.
        return start + (one - start) * (min(t, steps) / max(steps, one))

    def _next(self):
        return resolved(self.schedule, "Warmup: schedule")
