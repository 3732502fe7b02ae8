"""What a schedule will do, before training."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.hyper import check_number
from .rule import Run, ScheduleRule


class Simulation(NamedTuple):
    """What a run would see, one value per step; `momentum` is None where it is not driven."""

    lr: np.ndarray
    momentum: np.ndarray | None


def simulate(
    schedule: ScheduleRule,
    n: int,
    lr: float,
    steps_per_epoch: int | None,
    metrics: Sequence[float] | None,
) -> Simulation:
    """Simulate a run, as `Schedule.simulate` describes."""
    n = _whole(n, "n")
    check_number(lr, "simulate: lr", "[0, inf)")
    per_epoch = None if steps_per_epoch is None else _whole(steps_per_epoch, "steps_per_epoch")
    if metrics is not None and per_epoch is None:
        raise ValueError("simulate: metrics needs steps_per_epoch, one metric per epoch")
    run, state = Run(n, per_epoch), schedule.initial_metric_state()
    if metrics is None or per_epoch is None:
        factor, momentum = schedule.evaluate(np.arange(n), run, state)
        return Simulation(lr * factor, momentum)
    blocks = []
    for epoch, start in enumerate(range(0, n, per_epoch)):
        steps = np.arange(start, min(start + per_epoch, n))
        blocks.append(schedule.evaluate(steps, run, state))
        if epoch < len(metrics):
            state = schedule.observe(state, metrics[epoch], int(steps[-1]) + 1, run)
    momenta = [momentum for _, momentum in blocks if momentum is not None]
    return Simulation(
        lr * np.concatenate([factor for factor, _ in blocks]),
        np.concatenate(momenta) if momenta else None,
    )


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"simulate: {name} must be a whole number >= 1, got {value!r}")
    if value < 1:
        raise ValueError(f"simulate: {name} must be a whole number >= 1, got {value!r}")
    return int(value)
