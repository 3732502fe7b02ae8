"""Pictures of tuning. Matplotlib is imported on use, and drawn on without pyplot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..plots import COLORS, DASHES

if TYPE_CHECKING:
    from .range_test import RangeTest


def draw_range_test(test: RangeTest, ax: Any = None) -> Any:
    """Draw the losses of a range test over its rates, and what it suggests.

    Parameters
    ----------
    test : RangeTest
        What `find_lr` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Where it was drawn.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(layout="constrained").subplots()
    table = test.table
    for run in range(len(test.ended)):
        rows = table["run"] == run
        ax.plot(table["lr"][rows], table["loss"][rows], color="0.8", linewidth=0.8, zorder=1)
        ax.plot(
            table["lr"][rows],
            table["smoothed"][rows],
            color="0.25",
            linewidth=1.4,
            zorder=2,
            label=("smoothed loss" if len(test.ended) == 1 else "smoothed loss of each run")
            if run == 0
            else None,
        )
    for k, (name, rate) in enumerate(test.suggestions.items()):
        if np.isfinite(rate):
            chosen = name == test.method
            ax.axvline(
                rate,
                color=COLORS[k % len(COLORS)],
                linestyle=DASHES[k % len(DASHES)],
                linewidth=2.2 if chosen else 1.3,
                label=f"{name}: {rate:.3g}" + (" (suggestion)" if chosen else ""),
            )
    lr = table["lr"]
    # Equal ratios of neighbours tell an exponential sweep; a linear one belongs on a plain axis.
    if len(lr) > 2 and np.isclose(lr[1] / lr[0], lr[2] / lr[1]):
        ax.set_xscale("log")
    if len(table["smoothed"]):
        low, high = float(table["smoothed"].min()), float(table["smoothed"].max())
        room = 0.08 * (high - low) or 1.0
        ax.set_ylim(low - room, high + room)  # a single lost step does not flatten all others
    ax.set(xlabel="learning rate", ylabel="loss", title=f"Range test of {test.label}")
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9)
    return ax
