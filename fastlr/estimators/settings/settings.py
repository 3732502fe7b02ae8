"""From constructor parameters to what training needs: one optimizer, and mini-batches.

Estimator and optimizer can both say a rate, a schedule and a clipping norm; the order of
precedence is stated here and nowhere else.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...optimizers import get_optimizer
from ...optimizers.optimizer import Optimizer
from ...schedules import Run, Schedule, get_schedule

DEFAULT_SCHEDULE = "onecycle"

SMALL = 256  # rows up to which batch_size="auto" puts all of them into every step
STEPS = 128  # steps in an epoch that batch_size="auto" aims at
LARGEST_AUTO_LR = 0.1  # some optimizers set their own size of step, and have a default of 1
LARGEST_BATCH = 128  # rows; from there on a bigger batch saves no time in the compiled epoch


class EpochPlan(NamedTuple):
    """How the rows are cut into steps.

    Attributes
    ----------
    batch_size : int
        Rows in a step.
    passes : int
        Times an epoch goes over the rows: 1, but for small data with ``batch_size="auto"``.
    steps : int
        Steps in an epoch.
    """

    batch_size: int
    passes: int
    steps: int


def plan_epoch(batch_size: int | str, n_rows: int, one_pass: bool = False) -> EpochPlan:
    """Decide the mini-batches; with `one_pass`, see every row once even if there are few."""
    passes = 1
    if batch_size != "auto":
        size = int(batch_size)
    elif n_rows <= SMALL and not one_pass:
        # Few rows make too few steps in an epoch. Whole batches cost next to nothing here, and
        # make a weight of 2 the same as the row given twice.
        size, passes = n_rows, STEPS
    else:
        size = min(max(n_rows // STEPS, 1), LARGEST_BATCH)
    return EpochPlan(size, passes, passes * -(-n_rows // size))


def resolve_optimizer(
    optimizer: str | Optimizer,
    lr: float | str,
    schedule: str | Schedule | None,
    clip_norm: float | None,
    auto_factor: float,
    more: Mapping[str, Any],
) -> Optimizer:
    """Return a copy of the optimizer with all that the estimator says; it checks every gradient.

    `auto_factor` is what ``lr="auto"`` multiplies the default rate of an optimizer given by name
    with, `more` holds changes besides those that the other arguments ask for.
    """
    if isinstance(optimizer, str) and (schedule is None or isinstance(schedule, str)):
        return _of_names(optimizer, lr, schedule, clip_norm, auto_factor, tuple(more.items()))
    return _resolved(optimizer, lr, schedule, clip_norm, auto_factor, more)


@functools.lru_cache(maxsize=256)
def _of_names(
    optimizer: str,
    lr: float | str,
    schedule: str | None,
    clip_norm: float | None,
    auto_factor: float,
    more: tuple[tuple[str, Any], ...],
) -> Optimizer:
    """Return the same object for the same plain values: nothing in here changes an optimizer."""
    return _resolved(optimizer, lr, schedule, clip_norm, auto_factor, dict(more))


def _resolved(
    optimizer: str | Optimizer,
    lr: float | str,
    schedule: str | Schedule | None,
    clip_norm: float | None,
    auto_factor: float,
    more: Mapping[str, Any],
) -> Optimizer:
    chosen: Any = get_optimizer(optimizer)
    changes: dict[str, Any] = {}
    if lr != "auto":
        changes["lr"] = float(lr)
    elif isinstance(optimizer, str):
        changes["lr"] = rule_of_thumb(chosen.lr, auto_factor)
    if clip_norm is not None:
        changes["clip_norm"] = float(clip_norm)
    if chosen.nonfinite == "ignore":
        changes["nonfinite"] = "raise"
    if chosen.schedule is None:
        changes["schedule"] = get_schedule(schedule)
    elif schedule not in (None, DEFAULT_SCHEDULE) and (
        get_schedule(schedule) != get_schedule(chosen.schedule)
    ):
        raise ValueError(
            f"schedule={schedule!r} and the optimizer's own schedule={chosen.schedule!r} "
            "contradict each other; set one of them to None"
        )
    return chosen.replace(**changes, **more)


def rule_of_thumb(default: float, factor: float) -> float:
    """Return a rate for an optimizer whose default is made for deep networks."""
    return max(default, min(default * factor, LARGEST_AUTO_LR))


def needs_total(schedules: Iterable[Schedule], run: Run) -> bool:
    """Return whether a schedule is stretched over the run, so that its length must be known."""
    endless = Run(None, run.steps_per_epoch)
    try:
        for schedule in schedules:
            schedule.evaluate(np.zeros(1), endless, schedule.initial_metric_state())
    except ValueError:
        return True
    return False
