"""A schedule of fastlr with the face of a scheduler of torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..core.hyper import check_count
from ..schedules import Run, get_schedule
from .settings import plain

_AHEAD = 1024  # steps for which factors are computed at once


class Schedule(torch.optim.lr_scheduler.LRScheduler):
    """Drives the learning rates of any torch optimizer by a schedule of `fastlr`.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Its rates at this moment are what the factor of the schedule multiplies. The compiled
        optimizers of this module read a table of coefficients then, as they do in `fastlr`.
    schedule : fastlr.schedules.Schedule, str or callable
        The factor, and for some the momentum, which goes to ``betas[0]`` or ``momentum``.
    total_steps : int, optional
        Length of the run, which schedules given in fractions need.
    steps_per_epoch : int, optional
        Steps in an epoch, which schedules given in epochs need.

    Raises
    ------
    TypeError, ValueError
        If an argument is unfit, or the schedule needs a length that is missing.

    Examples
    --------
    >>> import torch
    >>> from fastlr import Warmup
    >>> from fastlr.torch import SGD, Schedule
    >>> w = torch.zeros(1, requires_grad=True)
    >>> optimizer = SGD([w], lr=1.0)
    >>> scheduler = Schedule(optimizer, Warmup(3))
    >>> rates = []
    >>> for _ in range(4):
    ...     w.sum().backward()
    ...     optimizer.step()
    ...     rates.append(scheduler.get_last_lr()[0])
    ...     scheduler.step()
    >>> rates
    [0.25, 0.5, 0.75, 1.0]
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: Any,
        total_steps: int | None = None,
        steps_per_epoch: int | None = None,
    ) -> None:
        check_count("total_steps", total_steps, optional=True)
        check_count("steps_per_epoch", steps_per_epoch, optional=True)
        self.schedule, self.run = get_schedule(schedule), Run(total_steps, steps_per_epoch)
        self._seen = self.schedule.initial_metric_state()
        self._block: tuple[int, np.ndarray, np.ndarray | None] | None = None
        self.written: list[Any] = []
        super().__init__(optimizer)
        follow = getattr(optimizer, "follow", None)
        if follow is not None and not self.schedule.needs_metric:
            follow(self)

    def step(self, metric: float | None = None) -> None:  # type: ignore[override]
        """Set the rates of the next step; a plateau schedule takes a metric, once an epoch."""
        if metric is not None:
            t = max(self.last_epoch, 0)
            self._seen = self.schedule.observe(self._seen, float(metric), t, self.run)
            self._block = None
        super().step()
        self.written = [group["lr"] for group in self.optimizer.param_groups]

    def get_lr(self) -> list[Any]:
        """Return the rates of the step to come."""
        factor, momentum = self._at(self.last_epoch)
        if momentum is not None:
            for group in self.optimizer.param_groups:
                if "betas" in group:
                    group["betas"] = (momentum, plain(group["betas"])[1])
                elif "momentum" in group:
                    group["momentum"] = momentum
        return [base * factor for base in self.base_lrs]

    def _at(self, t: int) -> tuple[float, float | None]:
        block = self._block
        if block is None or not 0 <= t - block[0] < len(block[1]):
            count = _AHEAD if self.run.total_steps is None else self.run.total_steps - t
            steps = np.arange(t, t + max(1, min(count, _AHEAD)), dtype=np.float64)
            block = self._block = (t, *self.schedule.evaluate(steps, self.run, self._seen))
        k = t - block[0]
        return float(block[1][k]), None if block[2] is None else float(block[2][k])

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on: plain numbers and lists."""
        names = ("base_lrs", "last_epoch", "_step_count", "_last_lr")
        return {name: getattr(self, name) for name in names} | {"seen": dict(self._seen)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        state = dict(state_dict)
        self._seen = dict(state.pop("seen"))
        self._block = None
        self.__dict__.update(state)
