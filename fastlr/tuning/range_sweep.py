"""One run at rising learning rates, whatever is trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from ..optimizers.optimizer import Optimizer
from ..rates.range_curve import ceiling
from ..schedules.function import Function

_FEWEST = 10  # steps before a sweep may be called divergent: a normal loss must be known first
_STRAY = 2  # losses in a row that may be not finite before it ends: one mini-batch proves nothing


class Trial(Protocol):
    """Something that can be trained again and again from the same start."""

    label: str
    optimizer: Optimizer

    def start(self, optimizer: Optimizer, n_steps: int, seed: int) -> Callable[[], float]:
        """Return a function that makes one step and returns the loss from before it.

        `optimizer` is a changed copy of the trial's own; `seed` draws mini-batches and initial
        values. The result is not finite where the loss or a gradient was not.
        """

    def raced(self, n_steps: int, seed: int) -> float:
        """Return the rate that wins a race of short runs, NaN if none stays finite."""


class RangeSweep(NamedTuple):
    """The rates and losses of one run."""

    lr: np.ndarray
    loss: np.ndarray  # of the mini-batch of each step, before it
    step: np.ndarray  # number of each step; those without a finite loss are left out
    ended: str  # "all steps", "diverged", or "not finite"


def rates(low: float, high: float, n_steps: int, scale: str) -> np.ndarray:
    """Return rising learning rates, ``"exponential"`` or ``"linear"``, both ends included."""
    spaced = np.geomspace if scale == "exponential" else np.linspace
    return spaced(low, high, n_steps)


def at_rates(optimizer: Optimizer, lr: np.ndarray) -> Optimizer:
    """Return a copy that takes one given rate after another, and is else as it was."""

    def at(t: np.ndarray, values: np.ndarray) -> np.ndarray:
        return values[np.minimum(t, len(values) - 1).astype(np.int64)]

    changes: dict[str, object] = {"lr": 1.0, "schedule": Function(lambda t: at(np.asarray(t), lr))}
    if optimizer.decay == "independent" and "weight_decay" not in (optimizer.schedules or {}):
        # This kind of decay follows the factor of the schedule, which is the whole rate here.
        undone = Function(lambda t: at(np.asarray(t), 1 / lr))
        changes["schedules"] = {**(optimizer.schedules or {}), "weight_decay": undone}
    changed: Optimizer = optimizer.replace(**changes)
    return changed


def range_sweep(
    trial: Trial, lr: np.ndarray, seed: int, beta: float, stop_factor: float
) -> RangeSweep:
    """Train through rising rates until they end or the loss runs away."""
    step = trial.start(at_rates(trial.optimizer, lr), len(lr), seed)
    losses: list[float] = []
    means: list[float] = []
    steps: list[int] = []
    total = weight = 0.0  # of the exponential mean, corrected for its start
    highest = math.inf
    for k in range(len(lr)):
        loss = step()
        if not math.isfinite(loss):
            if k - (steps[-1] if steps else -1) > _STRAY:
                return _sweep(lr, losses, steps, "not finite")
            continue
        total, weight = beta * total + loss, beta * weight + 1
        losses.append(loss)
        means.append(total / weight)
        steps.append(k)
        if k >= _FEWEST:
            # Afterwards the losses before the jump tell how high is too high.
            if means[-1] > highest:
                return _sweep(lr, losses, steps, "diverged")
            highest = ceiling(np.array(losses), np.array(means), stop_factor)
    return _sweep(lr, losses, steps, "all steps")


def _sweep(lr: np.ndarray, losses: list[float], steps: list[int], ended: str) -> RangeSweep:
    step = np.array(steps, dtype=np.int64)
    return RangeSweep(lr[step], np.array(losses), step, ended)
