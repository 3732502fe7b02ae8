"""Pictures of training runs: loss, and learning rate and momentum of every step.

Matplotlib is imported on use, without pyplot, so that no display is needed and the caller's figures
are unaffected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import COLORS, DASHES, finish, plain_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Run:
    """A training run to draw.

    Attributes
    ----------
    name : str
        Name of the data set.
    loss : sequence of float
        Mean training log-loss of each epoch, in nats.
    lr : ndarray of shape (steps,)
        Learning rate of each step.
    momentum : ndarray of shape (steps,) or None
        Momentum of each step if the schedule drives it.
    peers : mapping of str to float
        Final training log-loss of other models, in nats.
    momentum_name : str
        The optimizer's name for the momentum.
    """

    name: str
    loss: Sequence[float]
    lr: np.ndarray
    momentum: np.ndarray | None = None
    peers: Mapping[str, float] = field(default_factory=dict)
    momentum_name: str = "momentum"


def training_figure(runs: Sequence[Run], title: str = "") -> Figure:
    """Draw the loss of each run, then learning rates and momenta.

    Parameters
    ----------
    runs : sequence of Run
        At least one.
    title : str, default=""
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each run on top and one or two below; ``savefig`` writes it.

    Raises
    ------
    ValueError
        If `runs` is empty.

    Examples
    --------
    >>> figure = training_figure([Run("digits", [0.9, 0.4], np.array([1e-3, 1e-2, 1e-3, 1e-4]))])
    >>> [axes.get_title() for axes in figure.axes]
    ['digits: training loss', 'Learning rate']
    """
    from matplotlib.figure import Figure

    if not runs:
        raise ValueError("runs must hold at least one Run, got none")
    driven = any(run.momentum is not None for run in runs)
    width = max(len(runs), 1 + driven)
    figure = Figure(figsize=(max(4.6 * width, 6.4), 7.2), layout="constrained", dpi=150)
    if title:
        figure.suptitle(title, fontsize=13)
    upper, lower = figure.subfigures(2, 1, squeeze=False)[:, 0]
    for k, (run, axes) in enumerate(
        zip(runs, upper.subplots(1, len(runs), squeeze=False)[0], strict=True)
    ):
        _draw_loss(axes, run, k)
    below = lower.subplots(1, 1 + driven, squeeze=False)[0]
    _draw_steps(below[0], runs, "lr", "Learning rate", "learning rate")
    if driven:
        name = next(run.momentum_name for run in runs if run.momentum is not None)
        _draw_steps(below[1], runs, "momentum", "Momentum", name)
    return figure


def _draw_loss(axes: Any, run: Run, k: int) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    axes.plot(
        np.arange(1, len(run.loss) + 1),
        run.loss,
        color=COLORS[k % 4],
        marker="o",
        markersize=4,
        label="fastlr, mean of each epoch",
    )
    for (name, value), color, dash in zip(
        run.peers.items(), ("#555555", "#111111", "#999999"), (":", "--", "-."), strict=False
    ):
        axes.axhline(value, color=color, linestyle=dash, linewidth=1.3, label=f"{name}, when done")
    values = [*run.loss, *run.peers.values()]
    if min(values) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        plain_numbers(axes.yaxis)
        axes.yaxis.set_minor_locator(NullLocator())
    _label(axes, f"{run.name}: training loss", "epoch", "log-loss (nats)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, fontsize=9)


def _draw_steps(axes: Any, runs: Sequence[Run], what: str, title: str, ylabel: str) -> None:
    for k, run in enumerate(runs):
        values = getattr(run, what)
        if values is None:
            continue
        # Epochs as the unit let data sets of different sizes share the axis.
        epochs = np.arange(1, len(values) + 1) * len(run.loss) / len(values)
        # Runs may have equal rates; later lines are thinner, so that earlier ones stay visible.
        axes.plot(
            epochs,
            values,
            color=COLORS[k % 4],
            linestyle=DASHES[k % 4],
            linewidth=max(4.5 - 2.5 * k, 1.5),
            alpha=0.5 if k == 0 and len(runs) > 1 else 1.0,
            label=run.name,
        )
    _label(axes, title, "epoch", ylabel)
    if what == "lr":
        axes.set_ylim(bottom=0)
    if len(runs) > 1:
        axes.legend(frameon=False, fontsize=9)


def _label(axes: Any, title: str, xlabel: str, ylabel: str) -> None:
    finish(axes, xlabel, ylabel, title)
    axes.set_xlim(left=0)
