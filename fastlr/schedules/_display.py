"""Learning rate and momentum of each step: what a schedule will do, or what a run has done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..drawing.sources import last_of, rates_of_run
from ..drawing.style import COLORS, DASHES, axes_for, finish, legend, plain_numbers, whole_numbers
from . import Run, Schedule, get_schedule

_STEPS = 1000  # of a run that shows the shape of a schedule without a length of its own


class ScheduleDisplay:
    """Picture of the learning rate of each step, and of the momentum where it is driven.

    Made by `from_schedule` or `from_estimator`; parameters are kept as attributes.

    Parameters
    ----------
    lr : ndarray of shape (steps,)
        Learning rates.
    momentum : ndarray of shape (steps,), optional
        Momenta.
    name : str, optional
        Goes into the title.
    momentum_name : str, default="momentum"
        What the optimizer calls it.
    steps_per_epoch : int, optional
        With it, the axis counts epochs in place of steps.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        With the learning rates.
    momentum_ax_ : matplotlib.axes.Axes or None
        The axes on the other side, with the momenta.
    figure_ : matplotlib.figure.Figure
        Their figure.
    line_, momentum_line_ : matplotlib.lines.Line2D
        What was drawn; `momentum_line_` is None where no momentum is driven.

    See Also
    --------
    plot_schedule : The same as a function.

    Examples
    --------
    >>> from fastlr.plots import ScheduleDisplay
    >>> from fastlr.schedules import OneCycle
    >>> display = ScheduleDisplay.from_schedule(OneCycle(), n=100, lr=0.1)
    >>> display.ax_.get_ylabel(), display.momentum_ax_.get_ylabel()
    ('learning rate', 'momentum')
    """

    ax_: Any
    momentum_ax_: Any
    figure_: Any
    line_: Any
    momentum_line_: Any

    def __init__(
        self,
        lr: np.ndarray,
        momentum: np.ndarray | None = None,
        *,
        name: str | None = None,
        momentum_name: str = "momentum",
        steps_per_epoch: int | None = None,
    ) -> None:
        self.lr, self.momentum = lr, momentum
        self.name, self.momentum_name = name, momentum_name
        self.steps_per_epoch = steps_per_epoch

    @classmethod
    def from_schedule(
        cls,
        schedule: Any,
        n: int | None = None,
        lr: float = 1.0,
        *,
        steps_per_epoch: int | None = None,
        metrics: Sequence[float] | None = None,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
        momentum_line_kw: Mapping[str, Any] | None = None,
    ) -> ScheduleDisplay:
        """Draw what a schedule will do.

        Parameters
        ----------
        schedule : str, Schedule or callable
            As `get_schedule` takes it.
        n : int, optional
            Length of the run in steps; by default the schedule's own if it has one in steps,
            else 1,000.
        lr : float, default=1.0
            Learning rate that the schedule multiplies.
        steps_per_epoch : int, optional
            Steps in an epoch, where lengths are given in epochs.
        metrics : sequence of float, optional
            Validation metric of each epoch, for schedules that watch one.
        ax, line_kw, momentum_line_kw
            As for `plot`.

        Returns
        -------
        ScheduleDisplay
            Drawn.

        Raises
        ------
        TypeError, ValueError
            If there is no such schedule, or an argument is unfit.
        """
        found = get_schedule(schedule)
        if n is None:
            n = _own_length(found, steps_per_epoch)
        seen = found.simulate(n, lr, steps_per_epoch, metrics)
        display = cls(seen.lr, seen.momentum, name=repr(found))
        return display.plot(ax, line_kw=line_kw, momentum_line_kw=momentum_line_kw)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
        momentum_line_kw: Mapping[str, Any] | None = None,
    ) -> ScheduleDisplay:
        """Draw the rates at which a fitted estimator was trained.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted estimator of fastlr.
        ax, line_kw, momentum_line_kw
            As for `plot`.

        Returns
        -------
        ScheduleDisplay
            Drawn.

        Raises
        ------
        NotFittedError, TypeError
            If it is not fitted, or not an estimator of fastlr.
        """
        lr, momentum, per_epoch = rates_of_run(estimator)
        optimizer = last_of(estimator).__fastlr_facts__().optimizer
        display = cls(
            lr,
            momentum,
            name=f"{type(optimizer).__name__}, {get_schedule(optimizer.schedule)!r}",
            momentum_name=optimizer.momentum_field() or "momentum",
            steps_per_epoch=per_epoch,
        )
        return display.plot(ax, line_kw=line_kw, momentum_line_kw=momentum_line_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        line_kw: Mapping[str, Any] | None = None,
        momentum_line_kw: Mapping[str, Any] | None = None,
    ) -> ScheduleDisplay:
        """Draw the learning rates, and the momenta on an axis of their own. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default on a new figure.
        line_kw, momentum_line_kw : mapping of str to object, optional
            For ``Axes.plot``.

        Returns
        -------
        ScheduleDisplay
            Itself.
        """
        self.ax_ = ax = axes_for(ax)
        self.figure_ = ax.figure
        self.momentum_ax_ = self.momentum_line_ = None
        # Step k, counted from 0, is made at the rate `lr[k]`.
        x = np.arange(len(self.lr)) / (self.steps_per_epoch or 1)
        style = {"color": COLORS[0], "linestyle": DASHES[0], "label": "learning rate"}
        self.line_ = ax.plot(x, self.lr, **(style | dict(line_kw or {})))[0]
        finish(ax, "epoch" if self.steps_per_epoch else "step", "learning rate", self.name or "")
        plain_numbers(ax.yaxis)
        whole_numbers(ax.xaxis)
        if np.min(self.lr) >= 0:
            ax.set_ylim(bottom=0)
        if self.momentum is None:
            return self
        self.momentum_ax_ = twin = ax.twinx()
        style = {"color": COLORS[1], "linestyle": DASHES[1], "label": self.momentum_name}
        line = twin.plot(x, self.momentum, **(style | dict(momentum_line_kw or {})))[0]
        self.momentum_line_ = line
        twin.set_ylabel(self.momentum_name)
        plain_numbers(twin.yaxis)
        twin.spines[["top"]].set_visible(False)
        for side, of in ((ax, self.line_), (twin, line)):  # each axis in the colour of its line
            side.yaxis.label.set_color(of.get_color())
        legend(
            ax,
            handles=[self.line_, line],
            frameon=False,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=2,
        )
        if self.name:
            ax.set_title(ax.get_title(), fontsize=11, pad=24)
        return self


def _own_length(schedule: Schedule, steps_per_epoch: int | None) -> int:
    try:
        return schedule.length(Run(None, steps_per_epoch)) or _STEPS
    except ValueError:  # it depends on the run: any run shows its shape
        return _STEPS


def plot_schedule(schedule: Any, *args: Any, ax: Any = None, **kwargs: Any) -> ScheduleDisplay:
    """Draw learning rate and momentum of each step.

    Parameters
    ----------
    schedule : str, Schedule, callable, estimator or Pipeline
        What to simulate, or a fitted estimator whose run is shown.
    *args, **kwargs : object
        For `ScheduleDisplay.from_schedule` (``n``, ``lr``, ``steps_per_epoch``, ``metrics``) or
        `ScheduleDisplay.from_estimator`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    ScheduleDisplay
        Drawn.

    Examples
    --------
    >>> from fastlr.plots import plot_schedule
    >>> plot_schedule("cosine", n=50, lr=0.1).line_.get_ydata()[:1].tolist()
    [0.1]
    """
    if hasattr(schedule, "fit"):
        return ScheduleDisplay.from_estimator(schedule, *args, ax=ax, **kwargs)
    return ScheduleDisplay.from_schedule(schedule, *args, ax=ax, **kwargs)
