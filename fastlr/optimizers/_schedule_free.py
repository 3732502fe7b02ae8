"""What the schedule-free optimizers share: weights of the average, and the way back to it."""

from collections.abc import Mapping

import numpy as np

from .base import Optimizer


def average_weight(t, warmup_steps):
    """Return the weight of the newest point in the average, and the factor of the warm-up.

    Points weigh as the square of the warm-up's factor, and all the same after it. The sum of
    those weights is a polynomial, so that no step needs to know the ones before.

    Parameters
    ----------
    t : float or ndarray of shape (steps,)
        Step number, counted from 1.
    warmup_steps : int
        Steps in which the rate grows linearly to its value.

    Returns
    -------
    weight, factor : float or ndarray of shape (steps,)
        Both in (0, 1].
    """
    n = max(warmup_steps, 1)
    factor = np.minimum(t / n, 1.0)
    rising = np.minimum(t, n)
    total = rising * (rising + 1) * (2 * rising + 1) / (6.0 * n * n) + (t - rising)
    return factor * factor / total, factor


def average_of(p, z, momentum):
    """Return x from y and z, where y = (1 - momentum) z + momentum x."""
    return p + (1 - 1 / momentum) * (z - p)


def check_constant(optimizer: Optimizer, name: str) -> None:
    """Raise if the momentum is scheduled: y, z and x are tied together by its value."""
    if isinstance(optimizer.schedules, Mapping) and name in optimizer.schedules:
        raise ValueError(
            f"{type(optimizer).__name__}: schedules: {name} must stay the same throughout"
        )
