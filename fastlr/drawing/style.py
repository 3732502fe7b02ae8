"""What all pictures share: colours, axes, scales. Matplotlib is imported on use."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

# Okabe & Ito's colours, which colour-blind readers can tell apart; each goes with its own dashes.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)))
DARK, MUTED, FAINT = "#404040", "#7F7F7F", "#CCCCCC"

_WIDE = 10.0  # ratio of the largest value to the smallest from which an axis is logarithmic


def axes_for(ax: Any) -> Any:
    """Return the axes to draw on: those given, or new ones of pyplot, as scikit-learn does."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def finish(ax: Any, xlabel: str, ylabel: str, title: str = "") -> None:
    """Label axes, and give them the looks that all pictures share."""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if title:
        ax.set_title(wrapped(title, 52), fontsize=11)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def legend(ax: Any, **kwargs: Any) -> None:
    """Add a legend, if there is anything to name, that lines shine through but do not cross."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(**{"fontsize": 9, "framealpha": 0.8, "edgecolor": "none"} | kwargs)


def whole_numbers(axis: Any) -> None:
    """Let the ticks of an axis be whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, min_n_ticks=1))


def plain_numbers(axis: Any) -> None:
    """Let the ticks of an axis read 0.001, and not 1 with a power of ten beside the axis."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def log_if_wide(ax: Any, values: np.ndarray) -> None:
    """Make the vertical axis logarithmic where values are positive and differ by much."""
    from matplotlib.ticker import LogLocator, NullLocator

    known = values[np.isfinite(values)]
    if not len(known) or known.min() <= 0 or known.max() < _WIDE * known.min():
        plain_numbers(ax.yaxis)
        return
    ax.set_yscale("log")
    if known.max() < 1e3 * known.min():
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        plain_numbers(ax.yaxis)
    ax.yaxis.set_minor_locator(NullLocator())


def is_geometric(values: np.ndarray) -> bool:
    """Whether neighbours have equal ratios, as on a grid that belongs on a logarithmic axis."""
    if len(values) < 3 or values.min() <= 0:
        return False
    ratios = values[1:] / values[:-1]
    return bool(np.allclose(ratios, ratios[0], rtol=1e-3))


def wrapped(text: str, width: int) -> str:
    """Return a text in lines of at most so many characters; its own line breaks stay."""
    return "\n".join(
        "\n".join(textwrap.wrap(line, width, break_on_hyphens=False)) for line in text.splitlines()
    )
