"""Base of the schedule-free optimizers, and the weights of their average."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from .optimizer import Optimizer


class ScheduleFree(Optimizer):
    """Optimizer whose parameters y lie between a stepped point z and an average x of points.

    With the hyper-parameter named by `between`, y = (1 - between) z + between x.
    """

    between: ClassVar[str] = "momentum"

    def validate(self) -> None:
        if isinstance(self.schedules, Mapping) and self.between in self.schedules:
            raise ValueError(f"{type(self).__name__}: schedules: {self.between} must stay constant")

    def momentum_field(self) -> str | None:
        return None  # schedules cannot drive a momentum here

    def initial_state(self) -> Mapping[str, float | str]:
        return {"z": "p"}

    def evaluate(self, p: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
        return p + (1 - 1 / getattr(self, self.between)) * (state["z"] - p)


def average_weight(t, warmup_steps, r=0.0, weight_lr_power=2.0):
    """Return the newest point's weight in the average, and the warm-up factor, both in (0, 1].

    Point i of the average weighs ``i**r * factor**weight_lr_power``: in the warm-up a power of i
    alone, and another one after it. With the default powers the sum is a polynomial in `t`.
    """
    n = max(warmup_steps, 1)
    factor = np.minimum(t / n, 1.0)
    rising = np.minimum(t, n)
    if (r, weight_lr_power) == (0, 2):
        total = rising * (rising + 1) * (2 * rising + 1) / (6.0 * n * n) + (t - rising)
        return factor * factor / total, factor
    late = np.maximum(t, n)  # where nothing rises any more
    with np.errstate(under="ignore"):
        since = (n / late) ** r
        over = relative_sum(late, r) + since * (
            relative_sum(n, r + weight_lr_power) - relative_sum(n, r)
        )
    return 1 / np.where(t <= n, relative_sum(rising, r + weight_lr_power), over), factor


def relative_sum(t, power):
    """Return the sum of ``i**power`` up to `t`, over its last term; whole numbers, or nearly.

    Early sums are added up, later ones follow from the formula of Euler and Maclaurin, which is
    exact to double precision from there on.
    """
    early = _early_sums(float(power))
    start = len(early)
    whole = np.asarray(t, dtype=np.float64)
    found = early[np.clip(whole, 1, start).astype(np.intp) - 1]
    later = np.maximum(whole, start)
    with np.errstate(under="ignore"):
        rest = (early[-1] - _integral(start, power)) * (start / later) ** power
    return np.where(whole <= start, found, _integral(later, power) + rest)


def _integral(t, a):
    return t / (a + 1) + 0.5 + a / (12 * t) - a * (a - 1) * (a - 2) / (720 * t**3)


@functools.lru_cache(maxsize=16)
def _early_sums(power):
    sums = [1.0]
    for i in range(2, 65 + int(64 * min(power, 1e4))):
        sums.append(1 + sums[-1] * (1 - 1 / i) ** power)
    return np.array(sums)
