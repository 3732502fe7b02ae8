"""The curve of a learning-rate range test, and the rates that it suggests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..drawing.silent import Silent
from ..drawing.style import (
    COLORS,
    DARK,
    DASHES,
    FAINT,
    axes_for,
    finish,
    is_geometric,
    legend,
    plain_numbers,
)


class LRFinderDisplay(Silent):
    """Picture of a range test: the loss over the rates, and the suggestions.

    Made by `from_estimator` or `from_range_test`; parameters are kept as attributes.

    Parameters
    ----------
    table : mapping of str to ndarray of shape (steps of all runs,)
        Columns ``run``, ``lr``, ``loss`` and ``smoothed``, as in `RangeTest.table`.
    suggestions : mapping of str to float
        Rates by method.
    method : str, optional
        Which of them is the suggestion.
    name : str, optional
        Goes into the title.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        Its figure.
    lines_ : list of matplotlib.lines.Line2D
        The smoothed losses, one line for each run.
    loss_lines_ : list of matplotlib.lines.Line2D
        The losses as they came.
    suggestion_lines_ : dict of str to matplotlib.lines.Line2D
        Where a method suggests a rate.

    See Also
    --------
    plot_lr_finder : The same as a function.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastlr import LinearClassifier
    >>> from fastlr.plots import LRFinderDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = LRFinderDisplay.from_estimator(LinearClassifier(random_state=0), X / 16, y)
    >>> sorted(display.suggestion_lines_)
    ['edge', 'minimum / 10', 'race', 'steepest', 'valley']
    """

    ax_: Any
    figure_: Any
    lines_: list[Any]
    loss_lines_: list[Any]
    suggestion_lines_: dict[str, Any]

    def __init__(
        self,
        table: Mapping[str, np.ndarray],
        suggestions: Mapping[str, float],
        *,
        method: str | None = None,
        name: str | None = None,
    ) -> None:
        self.table, self.suggestions = table, suggestions
        self.method, self.name = method, name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
        suggestion_line_kw: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> LRFinderDisplay:
        """Make a range test, and draw it.

        Parameters
        ----------
        estimator : estimator, Pipeline or callable
            As `find_lr` takes it.
        X, y : array-like
            Data.
        ax, line_kw, suggestion_line_kw
            As for `plot`.
        **kwargs : object
            More arguments of `find_lr`.

        Returns
        -------
        LRFinderDisplay
            Drawn.
        """
        from . import find_lr

        return cls.from_range_test(
            find_lr(estimator, X, y, **kwargs),
            ax=ax,
            line_kw=line_kw,
            suggestion_line_kw=suggestion_line_kw,
        )

    @classmethod
    def from_range_test(
        cls,
        test: Any,
        *,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
        suggestion_line_kw: Mapping[str, Any] | None = None,
    ) -> LRFinderDisplay:
        """Draw a range test that has been made.

        Parameters
        ----------
        test : RangeTest
            What `find_lr` returned.
        ax, line_kw, suggestion_line_kw
            As for `plot`.

        Returns
        -------
        LRFinderDisplay
            Drawn.
        """
        display = cls(
            test.table,
            test.suggestions,
            method=test.method,
            name=f"Range test of {test.label}",
        )
        return display.plot(ax, line_kw=line_kw, suggestion_line_kw=suggestion_line_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        line_kw: Mapping[str, Any] | None = None,
        suggestion_line_kw: Mapping[str, Any] | None = None,
    ) -> LRFinderDisplay:
        """Draw the losses over the rates. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default on a new figure.
        line_kw, suggestion_line_kw : mapping of str to object, optional
            For ``Axes.plot`` of the smoothed losses, and ``Axes.axvline`` of the suggestions.

        Returns
        -------
        LRFinderDisplay
            Itself.
        """
        self.ax_ = ax = axes_for(ax)
        self.figure_ = ax.figure
        self.lines_, self.loss_lines_, self.suggestion_lines_ = [], [], {}
        table = {name: np.asarray(column) for name, column in self.table.items()}
        runs = np.unique(table["run"])
        label = "smoothed loss" if len(runs) == 1 else "smoothed loss of each run"
        style = {"color": DARK, "linewidth": 1.4, "zorder": 2} | dict(line_kw or {})
        for k, run in enumerate(runs):
            rows = table["run"] == run
            lr = table["lr"][rows]
            self.loss_lines_ += ax.plot(
                lr, table["loss"][rows], color=FAINT, linewidth=0.8, zorder=1
            )
            named = {} if k else {"label": label}
            self.lines_ += ax.plot(lr, table["smoothed"][rows], **(named | style))
        self._draw_suggestions(ax, suggestion_line_kw)
        finish(ax, "learning rate", "loss of the mini-batch", self.name or "")
        # A linear sweep belongs on a plain axis.
        if len(runs) and is_geometric(table["lr"][table["run"] == runs[0]]):
            ax.set_xscale("log")
        plain_numbers(ax.yaxis)
        if len(table["smoothed"]):
            low, high = float(table["smoothed"].min()), float(table["smoothed"].max())
            room = 0.08 * (high - low) or 1.0
            ax.set_ylim(low - room, high + room)  # a single lost step does not flatten all others
        legend(ax)
        return self

    def _draw_suggestions(self, ax: Any, given: Mapping[str, Any] | None) -> None:
        for k, (name, rate) in enumerate(self.suggestions.items()):
            if not np.isfinite(rate):
                continue
            chosen = name == self.method
            style = {
                "color": COLORS[k % len(COLORS)],
                "linestyle": DASHES[k % len(DASHES)],
                "linewidth": 2.2 if chosen else 1.3,
                "label": f"{name}: {rate:.3g}" + (" (suggestion)" if chosen else ""),
            }
            self.suggestion_lines_[name] = ax.axvline(rate, **(style | dict(given or {})))


def plot_lr_finder(
    estimator: Any, X: Any = None, y: Any = None, *, ax: Any = None, **kwargs: Any
) -> LRFinderDisplay:
    """Draw a range test: the loss over the rates, and the rates that it suggests.

    Parameters
    ----------
    estimator : RangeTest, estimator, Pipeline or callable
        A range test that has been made, or what `find_lr` is to train.
    X, y : array-like, optional
        Data to train on.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.
    **kwargs : object
        More arguments of `find_lr`, or as for `LRFinderDisplay.from_range_test`.

    Returns
    -------
    LRFinderDisplay
        Drawn.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastlr import LinearClassifier
    >>> from fastlr.plots import plot_lr_finder
    >>> X, y = load_iris(return_X_y=True)
    >>> plot_lr_finder(LinearClassifier(random_state=0), X, y, n_runs=1).ax_.get_xscale()
    'log'
    """
    if hasattr(estimator, "suggestions"):
        return LRFinderDisplay.from_range_test(estimator, ax=ax, **kwargs)
    return LRFinderDisplay.from_estimator(estimator, X, y, ax=ax, **kwargs)
