"""Display of the learning rate and momentum of each step, planned or recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..drawing.silent import Silent
from ..drawing.sources import last_of, rates_of_run
from ..drawing.style import COLORS, DASHES, axes_for, finish, legend, plain_numbers, whole_numbers
from . import Run, Schedule, get_schedule

_STEPS = 1000  # shown of a schedule without its own length


class ScheduleDisplay(Silent):
    """Picture of the learning rate of each step, and of a driven momentum.

    Create it by `from_schedule` or `from_estimator`. Parameters are kept as attributes.

    Parameters
    ----------
    lr : ndarray of shape (steps,)
        Learning rates.
    momentum : ndarray of shape (steps,), optional
        Momenta.
    name : str, optional
        Title.
    momentum_name : str, default="momentum"
        The optimizer's name for it.
    steps_per_epoch : int, optional
        If given, the axis counts epochs instead of steps.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the learning rates.
    momentum_ax_ : matplotlib.axes.Axes or None
        Axes of the momenta, on the other side.
    figure_ : matplotlib.figure.Figure
        Figure of both.
    line_, momentum_line_ : matplotlib.lines.Line2D
        Drawn lines; `momentum_line_` is None if no momentum is driven.

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
        """Draw the planned rates of a schedule.

        Parameters
        ----------
        schedule : str, Schedule or callable
            As `get_schedule` takes it.
        n : int, optional
            Length of the run in steps; by default the schedule's length if it is in steps,
            otherwise 1,000.
        lr : float, default=1.0
            Learning rate multiplied by the schedule.
        steps_per_epoch : int, optional
            Steps in an epoch, needed for lengths in epochs.
        metrics : sequence of float, optional
            Validation metric of each epoch, for metric-driven schedules.
        ax, line_kw, momentum_line_kw
            As for `plot`.

        Returns
        -------
        ScheduleDisplay
            Drawn.

        Raises
        ------
        TypeError, ValueError
            If there is no such schedule, or an argument is invalid.
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
        """Draw the learning rates, and the momenta on a second axis. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.
        line_kw, momentum_line_kw : mapping of str to object, optional
            Arguments of ``Axes.plot``.

        Returns
        -------
        ScheduleDisplay
            Itself.
        """
        self.ax_ = ax = axes_for(ax)
        self.figure_ = ax.figure
        self.momentum_ax_ = self.momentum_line_ = None
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
        for side, of in ((ax, self.line_), (twin, line)):  # each axis has the colour of its line
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
    except ValueError:  # depends on the run; any run shows its shape
        return _STEPS


def plot_schedule(schedule: Any, *args: Any, ax: Any = None, **kwargs: Any) -> ScheduleDisplay:
    """Draw the learning rate and momentum of each step.

    Parameters
    ----------
    schedule : str, Schedule, callable, estimator or Pipeline
        Schedule to simulate, or fitted estimator whose run to show.
    *args, **kwargs : object
        Arguments of `ScheduleDisplay.from_schedule` (``n``, ``lr``, ``steps_per_epoch``,
        ``metrics``) or `ScheduleDisplay.from_estimator`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

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
