"""Scores of many rates trained side by side, or how each of them learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..drawing.sources import score_label
from ..drawing.style import axes_for
from ._sweep_drawing import draw_curves, draw_scores

KINDS = ("score", "curves")


class SweepDisplay:
    """Picture of a sweep over learning rates and weight decays.

    Made by `from_estimator` or `from_sweep`; parameters are kept as attributes.

    Parameters
    ----------
    candidates : mapping of str to array-like of shape (candidates,)
        Columns ``lr``, ``mean_score``, ``std_score`` and ``rank``, and, where they are known,
        ``weight_decay``, ``dropped`` and ``diverged``.
    table : mapping of str to array-like of shape (rows,), optional
        A row for each candidate, fold and epoch: ``candidate``, ``fold``, ``epoch``,
        ``validation_loss``. For ``kind="curves"``.
    name : str, optional
        Goes into the title.
    score_name : str, default="score"
        What the score is.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        Its figure.
    lines_ : list of matplotlib.lines.Line2D
        Scores, one line for each weight decay; or curves, one for each candidate.
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
        """Train many rates, and draw how they did.

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
        """Draw a sweep that has been made.

        Parameters
        ----------
        result : SweepResult
            What `fastlr.tuning.sweep` returned.
        ax, kind
            As for `plot`.
        score_name : str, default="score"
            What the score is.

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
            Where to draw; by default on a new figure.
        kind : {"score", "curves"}, default="score"
            The mean score over folds of each candidate, with its standard deviation; or the mean
            validation loss of each candidate over the epochs, as long as it was trained.

        Returns
        -------
        SweepDisplay
            Itself.

        Raises
        ------
        ValueError
            If `kind` is none of these, or curves are asked for without a table.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if kind == "curves" and self.table is None:
            raise ValueError("kind='curves' needs a table of epochs, and table is None")
        self.ax_ = ax = axes_for(ax)
        self.figure_ = ax.figure
        title = self.name or ""
        if kind == "score":
            drawn = draw_scores(ax, self.candidates, self.score_name, title)
        else:
            assert self.table is not None
            drawn = draw_curves(ax, self.candidates, self.table, title)
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
        A sweep that has been made, or what `fastlr.tuning.sweep` is to train.
    X, y : array-like, optional
        Data to train on.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure.
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
