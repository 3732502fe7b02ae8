"""Base of the schedule-free optimizers, and the weights of their average."""

from collections.abc import Mapping

import numpy as np

from .optimizer import Optimizer

_CHUNK = 65536  # of sums


class ScheduleFree(Optimizer):
    """Optimizer whose parameters y lie between a stepped point z and an average x of points.

    With the hyper-parameter named by `between`, y = (1 - between) z + between x.
    """

    between = "momentum"

    def validate(self):
        if isinstance(self.schedules, Mapping) and self.between in self.schedules:
            raise ValueError(f"{type(self).__name__}: schedules: {self.between} must stay constant")

    def momentum_field(self):
        return None  # schedules cannot drive a momentum here

    def initial_state(self):
        return {"z": "p"}

    def evaluate(self, p, state):
        return p + (1 - 1 / getattr(self, self.between)) * (state["z"] - p)


def average_weight(t, warmup_steps, r=0.0, weight_lr_power=2.0):
    """Return the newest point's weight in the average, and the warm-up factor, both in (0, 1].

    Point i of the average weighs ``i**r * factor**weight_lr_power``. With the default powers the
    sum of the weights is a polynomial in `t`; with others it is accumulated from the first step.
    """
    n = max(warmup_steps, 1)
    factor = np.minimum(t / n, 1.0)
    if (r, weight_lr_power) != (0, 2):
        return _weights(t, n, r, weight_lr_power), factor
    rising = np.minimum(t, n)
    total = rising * (rising + 1) * (2 * rising + 1) / (6.0 * n * n) + (t - rising)
    return factor * factor / total, factor


def _weights(t, n, r, power):
    """Return each weight over the sum of weights up to it, independent of the blocks of `t`."""
    wanted = np.atleast_1d(np.asarray(t, dtype=np.float64))
    found, total = np.empty_like(wanted), 0.0
    for first in range(1, int(wanted.max()) + 1, _CHUNK):
        steps = np.arange(first, min(first + _CHUNK, int(wanted.max()) + 1), dtype=np.float64)
        weights = steps**r * np.minimum(steps / n, 1.0) ** power
        sums = np.cumsum(np.concatenate([[total], weights]))[1:]
        here = (wanted >= first) & (wanted <= steps[-1])
        at = wanted[here].astype(np.intp) - first
        found[here] = weights[at] / sums[at]
        total = sums[-1]
    return found if np.ndim(t) else found[0]
