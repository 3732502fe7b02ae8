"""What the schedules share that a validation metric drives."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .base import Schedule
from .rule import Run


class ByMetric(Schedule):
    """A schedule whose factor changes between epochs only, by what `observe` is told.

    The metric state holds at least ``best``, the best metric so far, and ``factor``.
    """

    if TYPE_CHECKING:
        mode: str  # a hyper-parameter of the subclasses, where it comes last

    choices: ClassVar[dict[str, tuple[Any, ...]]] = {"mode": ("min", "max")}

    @property
    def needs_metric(self) -> bool:
        return True

    def initial_metric_state(self) -> dict[str, float]:
        return {"best": math.inf if self.mode == "min" else -math.inf, "bad": 0.0, "factor": 1.0}

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        # Within an epoch the factor is a number: there is nothing to compile.
        state = self.initial_metric_state() if metric_state is None else metric_state
        return np.full(np.shape(t), state["factor"]), None

    def _number(self, metric: Any) -> float:
        if isinstance(metric, bool) or not isinstance(metric, numbers.Real):
            raise TypeError(f"{type(self).__name__}: metric must be a number, got {metric!r}")
        return float(metric)
