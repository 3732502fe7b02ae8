"""Display of a sweep: scores over rates, or losses over epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..drawing import style
from ..drawing.silent import Silent
from ..drawing.sources import score_label

KINDS = ("score", "curves")


class SweepDisplay(Silent):
    """Picture of a sweep over learning rates and weight decays.

    Create it by `from_estimator` or `from_sweep`. Parameters are kept as attributes.

    Parameters
    ----------
    candidates : mapping of str to array-like of shape (candidates,)
        Columns ``lr``, ``mean_score``, ``std_score`` and ``rank``, and optionally ``weight_decay``,
        ``dropped`` and ``diverged``.
    table : mapping of str to array-like of shape (rows,), optional
        A row for each candidate, fold and epoch: ``candidate``, ``fold``, ``epoch``,
        ``validation_loss``. For ``kind="curves"``.
    name : str, optional
        Title.
    score_name : str, default="score"
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the picture.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    lines_ : list of matplotlib.lines.Line2D
        Scores, one line per weight decay; or curves, one per candidate.
    best_ : matplotlib.artist.Artist
        Marks the best candidate: a point among scores, a thick line among curves.

    See Also
    --------
    plot_sweep : The same as a function.

    Examples
    --------
    >>> from fastlr.plots import SweepDisplay
    >>> scores = {"lr": [0.01, 0.1, 1], "mean_score": [0.7, 0.9, 0.6], "std_score": [0, 0, 0],
    ...           "rank": [2, 1, 3]}
    >>> SweepDisplay(scores).plot().best_.get_xdata().tolist()
    [0.1]
    """

    ax_: Any
    figure_: Any
    lines_: list[Any]
    best_: Any

    def __init__(
        self,
        candidates: Mapping[str, Any],
        table: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        score_name: str = "score",
    ) -> None:
        self.candidates, self.table = candidates, table
        self.name, self.score_name = name, score_name

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, kind: str = "score", **kwargs: Any
    ) -> SweepDisplay:
        """Train at many rates and draw the results.

        Parameters
        ----------
        estimator : estimator or Pipeline
            As `fastlr.tuning.sweep` takes it.
        X, y : array-like
            Data.
        ax, kind
            As for `plot`.
        **kwargs : object
            More arguments of `fastlr.tuning.sweep`.

        Returns
        -------
        SweepDisplay
            Drawn.
        """
        from . import sweep

        result = sweep(estimator, X, y, **kwargs)
        return cls.from_sweep(result, ax=ax, kind=kind, score_name=score_label(estimator))

    @classmethod
    def from_sweep(
        cls, result: Any, *, ax: Any = None, kind: str = "score", score_name: str = "score"
    ) -> SweepDisplay:
        """Draw an existing sweep.

        Parameters
        ----------
        result : SweepResult
            Result of `fastlr.tuning.sweep`.
        ax, kind
            As for `plot`.
        score_name : str, default="score"
            Name of the score.

        Returns
        -------
        SweepDisplay
            Drawn.
        """
        label = getattr(result, "label", None)
        display = cls(
            result.candidates,
            result.table,
            name=f"Sweep of {label}" if label else None,
            score_name=score_name,
        )
        return display.plot(ax, kind=kind)

    def plot(self, ax: Any = None, *, kind: str = "score") -> SweepDisplay:
        """Draw scores over rates, or losses over epochs. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.
        kind : {"score", "curves"}, default="score"
            The mean score over folds of each candidate, with its standard deviation; or the mean
            validation loss of each candidate over its epochs.

        Returns
        -------
        SweepDisplay
            Itself.

        Raises
        ------
        ValueError
            If `kind` is neither, or curves are requested without a table.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if kind == "curves" and self.table is None:
            raise ValueError("kind='curves' needs a table of epochs, and table is None")
        self.ax_ = ax = style.axes_for(ax)
        self.figure_ = ax.figure
        title = self.name or ""
        if kind == "score":
            drawn = _draw_scores(ax, self.candidates, self.score_name, title)
        else:
            assert self.table is not None
            drawn = _draw_curves(ax, self.candidates, self.table, title)
        self.lines_, self.best_ = drawn
        return self


def plot_sweep(
    estimator: Any,
    X: Any = None,
    y: Any = None,
    *,
    ax: Any = None,
    kind: str = "score",
    **kwargs: Any,
) -> SweepDisplay:
    """Draw a sweep over learning rates and weight decays.

    Parameters
    ----------
    estimator : SweepResult, estimator or Pipeline
        Existing sweep, or estimator to sweep.
    X, y : array-like, optional
        Data to train on.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    kind : {"score", "curves"}, default="score"
        Scores over rates, or losses over epochs.
    **kwargs : object
        More arguments of `fastlr.tuning.sweep`, or ``score_name``.

    Returns
    -------
    SweepDisplay
        Drawn.
    """
    if hasattr(estimator, "candidates"):
        return SweepDisplay.from_sweep(estimator, ax=ax, kind=kind, **kwargs)
    return SweepDisplay.from_estimator(estimator, X, y, ax=ax, kind=kind, **kwargs)


def _column(candidates: Mapping[str, Any], name: str, default: Any = np.nan) -> np.ndarray:
    return np.asarray(candidates.get(name, np.full(len(candidates["lr"]), default)))


def _draw_scores(
    ax: Any, candidates: Mapping[str, Any], score_name: str, title: str
) -> tuple[list[Any], Any]:
    """Draw mean scores over rates; return a line per weight decay and the best point."""
    lines: list[Any] = []
    lr, mean, std = (_column(candidates, name) for name in ("lr", "mean_score", "std_score"))
    lost = _column(candidates, "diverged", False).astype(bool)
    dropped = _column(candidates, "dropped", False).astype(bool) & ~lost
    decay = _column(candidates, "weight_decay", 0.0)
    groups = np.unique(decay[~np.isnan(decay)])
    several = len(groups) > 1
    for k, value in enumerate(groups if len(groups) else [np.nan]):
        rows = np.flatnonzero((decay == value) if len(groups) else np.full(len(lr), True))
        rows = rows[np.argsort(lr[rows])]
        rows = rows[np.isfinite(mean[rows]) & ~lost[rows]]
        color = style.COLORS[k % len(style.COLORS)]
        kept = rows[~dropped[rows]]
        ax.fill_between(
            lr[kept], (mean - std)[kept], (mean + std)[kept], color=color, alpha=0.15, linewidth=0
        )
        lines += ax.plot(
            lr[kept],
            mean[kept],
            color=color,
            linestyle=style.DASHES[k % len(style.DASHES)],
            marker="o",
            markersize=4,
            label=f"weight decay {value:.3g}" if several else "mean of the folds ± 1 sd",
        )
        early = rows[dropped[rows]]
        ax.plot(lr[early], mean[early], "o", color=color, markerfacecolor="none", markersize=5)
    if dropped.any():
        ax.plot([], [], "o", color=style.MUTED, markerfacecolor="none", label="dropped early")
    if lost.any():  # at the bottom of the picture, because they have no score
        rates = np.unique(lr[lost])
        ax.plot(
            rates,
            np.zeros(len(rates)),
            "x",
            color=style.DARK,
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            label="diverged",
        )
    best = int(np.argmin(_column(candidates, "rank")))
    point = ax.plot(
        lr[best : best + 1],
        mean[best : best + 1],
        "*",
        color=style.DARK,
        markersize=13,
        zorder=5,
        label=f"best: {lr[best]:.3g}",
    )[0]
    style.finish(ax, "learning rate", score_name, title)
    if style.is_geometric(np.unique(lr)) or lr.max() >= 10 * lr.min() > 0:
        ax.set_xscale("log")
    style.plain_numbers(ax.yaxis)
    style.legend(ax)
    return lines, point


def _draw_curves(
    ax: Any, candidates: Mapping[str, Any], table: Mapping[str, Any], title: str
) -> tuple[list[Any], Any]:
    """Draw validation losses over epochs; return a line per candidate and the best line."""
    lines: list[Any] = []
    columns = {name: np.asarray(column) for name, column in table.items()}
    lr, best = _column(candidates, "lr"), int(np.argmin(_column(candidates, "rank")))
    shown = []
    # The best is drawn last, on top; lower and higher rates have different colours.
    order = [k for k in np.argsort(lr) if k != best and k in columns["candidate"]] + [best]
    for candidate in order:
        rows = columns["candidate"] == candidate
        epochs = np.unique(columns["epoch"][rows])
        losses = np.array(
            [_mean(columns["validation_loss"][rows & (columns["epoch"] == e)]) for e in epochs]
        )
        shown.append(losses)
        k = 1 if candidate == best else 0 if lr[candidate] <= lr[best] else 2
        side = ("lower rates", f"best: {lr[best]:.3g}", "higher rates")[k]
        lines += ax.plot(
            epochs,
            losses,
            color=style.COLORS[k],
            linestyle=("-", "-", (0, (4, 2)))[k],
            linewidth=3 if candidate == best else 1.1,
            marker="o" if len(epochs) == 1 else None,
            markersize=3,
            label=side if all(side != each.get_label() for each in lines) else None,
        )
    style.finish(ax, "epoch", "validation loss", title)
    style.whole_numbers(ax.xaxis)
    if shown:
        style.log_if_wide(ax, np.concatenate(shown))
    style.legend(ax)
    return lines, lines[-1]


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
