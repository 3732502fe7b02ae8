"""What an updater tells of itself: rates, norms, averaged parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.language.terms import AVERAGE
from .binding import Binding


def stats(binding: Binding) -> dict[str, Any]:
    """Return the figures of the last step; `Updater.stats` describes them."""
    _, lr, momentum = last_rates(binding) or (0, None, None)
    stepper = binding.stepper
    norm, before, moved = stepper.norm, stepper.param_norm, stepper.update_norm
    return {
        "t": stepper.t,
        "lr": lr,
        "momentum": momentum,
        "grad_norm": None if norm < 0 else norm,
        "param_norm": None if before < 0 else before,
        "update_norm": None if moved < 0 else moved,
        "update_ratio": moved / before if before > 0 else None,
        "skipped": stepper.skipped,
        "last_skipped": last_skipped(binding),
    }


def last_skipped(binding: Binding) -> str | None:
    """Return the first parameter whose gradient was not finite at the last skipped step."""
    culprit = binding.stepper.culprit
    return binding.bound.names[culprit] if culprit >= 0 else None


def rates(binding: Binding, t: int) -> tuple[float, float | None]:
    """Return learning rate and momentum of the step after `t` others."""
    factor, momentum = binding.timetable.rates(t)
    optimizer: Any = binding.optimizer
    lr, name = float(optimizer.lr * factor), binding.timetable.momentum_field
    if name is None:
        return lr, None
    return lr, float(getattr(optimizer, name) if momentum is None else momentum)


def last_rates(binding: Binding) -> tuple[int, float, float | None] | None:
    """Return the number, rate and momentum of the last step, as they were at that step."""
    t = binding.stepper.t
    if t == 0:
        return None
    if binding.last is not None and binding.last[0] == t:
        return binding.last  # what a metric has changed since acts on the next step
    return (t, *rates(binding, t - 1))


def averaged(binding: Binding) -> Any:
    """Return copies of the averaged parameters, or of those that the rule predicts with."""
    optimizer, stepper = binding.optimizer, binding.stepper
    if not optimizer.averages:
        raise AttributeError("averaged: the optimizer was made without average=")
    if optimizer.average is None:
        return binding.bound.like_given(_evaluated(binding))
    if binding.backend == "cuda":
        return binding.bound.like_given(stepper.averaged(binding.state[AVERAGE]))
    source = binding.state[AVERAGE] if stepper.t else binding.bound.arrays
    return binding.bound.like_given([a.copy() for a in source])


def _evaluated(binding: Binding) -> list[Any]:
    """Return new arrays with what a rule predicts with, where that is not what it steps."""
    stepper, on_device = binding.stepper, binding.backend == "cuda"
    found = []
    for i, p in enumerate(stepper.parameters() if on_device else binding.bound.arrays):
        state = binding.state_of(i)
        if on_device:
            state = {name: stepper.to_host(a) for name, a in state.items()}
        found.append(np.array(binding.optimizer.evaluate(p, state), dtype=p.dtype))
    return stepper.to_device(found) if on_device else found
