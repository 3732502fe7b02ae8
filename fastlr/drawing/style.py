"""Common style of all pictures: colours, axes, scales. Matplotlib is imported on use."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

# Okabe & Ito's colours, distinguishable for colour-blind readers; each has its own dashes.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)))
DARK, MUTED, FAINT = "#404040", "#7F7F7F", "#CCCCCC"

_WIDE = 10.0  # ratio of the largest to the smallest value for a logarithmic axis


def axes_for(ax: Any) -> Any:
    """Return the given axes, or new ones made by pyplot, as scikit-learn does."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def finish(ax: Any, xlabel: str, ylabel: str, title: str = "") -> None:
    """Label axes and apply the common style."""
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if title:
        ax.set_title(wrapped(title, 52), fontsize=11)
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)


def legend(ax: Any, **kwargs: Any) -> None:
    """Add a translucent legend if there are labels."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(**{"fontsize": 9, "framealpha": 0.8, "edgecolor": "none"} | kwargs)


def whole_numbers(axis: Any) -> None:
    """Use whole numbers as ticks of an axis."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, min_n_ticks=1))


def plain_numbers(axis: Any) -> None:
    """Write ticks as 0.001 instead of 1 with a common power of ten."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def log_if_wide(ax: Any, values: np.ndarray) -> None:
    """Make the vertical axis logarithmic if values are positive and differ widely."""
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
    """Whether neighbouring values have equal ratios, as on a logarithmic grid."""
    if len(values) < 3 or values.min() <= 0:
        return False
    ratios = values[1:] / values[:-1]
    return bool(np.allclose(ratios, ratios[0], rtol=1e-3))


def wrapped(text: str, width: int) -> str:
    """Wrap each line of a text to a width."""
    return "\n".join(
        "\n".join(textwrap.wrap(line, width, break_on_hyphens=False)) for line in text.splitlines()
    )
