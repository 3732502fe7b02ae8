"""The weights and the recovery of the average in schedule-free optimizers."""

from collections.abc import Mapping

import numpy as np

from .optimizer import Optimizer

_CHUNK = 65536  # of sums


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


def average_of(p, z, momentum):
    """Solve y = (1 - momentum) z + momentum x for x."""
    return p + (1 - 1 / momentum) * (z - p)


def check_constant(optimizer: Optimizer, name: str) -> None:
    """Raise if the momentum is scheduled, since it relates y, z and x."""
    if isinstance(optimizer.schedules, Mapping) and name in optimizer.schedules:
        raise ValueError(f"{type(optimizer).__name__}: schedules: {name} must stay constant")
