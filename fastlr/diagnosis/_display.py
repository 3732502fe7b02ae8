"""Display of a training run with its diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..drawing.history import HistoryDisplay
from ..drawing.silent import Silent
from ..drawing.style import COLORS, MUTED, axes_for, finish, legend, wrapped

_WORDS = 66  # characters of a line under the picture


class DiagnosisDisplay(Silent):
    """Picture of a diagnosis: losses, marked evidence, and next step.

    Create it by `from_estimator`, `from_history` or `from_diagnosis`. Parameters are kept as
    attributes.

    Parameters
    ----------
    diagnosis : Diagnosis
        Result of `fastlr.diagnose`.
    loss_name : str, default="loss"
        Name and unit of the losses.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the picture.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    history_display_ : HistoryDisplay or None
        The losses; None if none is finite.
    mark_ : matplotlib.artist.Artist or None
        Mark of the evidence: the epochs after the lowest validation loss for "overfitting", every
        rise of the loss for "oscillating" and "diverging", the level of the first epoch for
        "stuck", "too slow" and "no signal".
    constant_line_ : matplotlib.lines.Line2D or None
        Loss of the best constant prediction; None if the history does not have it.

    See Also
    --------
    plot_diagnosis : The same as a function.

    Examples
    --------
    >>> from fastlr.plots import DiagnosisDisplay
    >>> display = DiagnosisDisplay.from_history({"loss": [0.7, 0.6, float("nan")]})
    >>> display.ax_.get_title(loc="left")
    'diverging'
    """

    ax_: Any
    figure_: Any
    history_display_: HistoryDisplay | None
    mark_: Any
    constant_line_: Any

    def __init__(self, diagnosis: Any, *, loss_name: str = "loss") -> None:
        self.diagnosis, self.loss_name = diagnosis, loss_name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, words: bool = True) -> Any:
        """Diagnose a fitted estimator and draw the result.

        Parameters
        ----------
        estimator : estimator or Pipeline
            Fitted.
        ax, words
            As for `plot`.

        Returns
        -------
        DiagnosisDisplay
            Drawn.
        """
        from ..drawing.sources import last_of, loss_label
        from . import diagnose

        model = last_of(estimator)
        return cls(diagnose(model), loss_name=loss_label(model)).plot(ax, words=words)

    @classmethod
    def from_history(
        cls, history: Mapping[str, Any], *, ax: Any = None, words: bool = True
    ) -> DiagnosisDisplay:
        """Diagnose a history and draw the result.

        Parameters
        ----------
        history : mapping of str to array-like of shape (epochs,)
            As `fastlr.diagnose` takes it.
        ax, words
            As for `plot`.

        Returns
        -------
        DiagnosisDisplay
            Drawn.
        """
        from . import diagnose

        return cls(diagnose(history)).plot(ax, words=words)

    @classmethod
    def from_diagnosis(
        cls, diagnosis: Any, *, ax: Any = None, loss_name: str = "loss", words: bool = True
    ) -> DiagnosisDisplay:
        """Draw an existing diagnosis.

        Parameters
        ----------
        diagnosis : Diagnosis
            Result of `fastlr.diagnose`.
        ax, words
            As for `plot`.
        loss_name : str, default="loss"
            Name and unit of the losses.

        Returns
        -------
        DiagnosisDisplay
            Drawn.
        """
        return cls(diagnosis, loss_name=loss_name).plot(ax, words=words)

    def plot(self, ax: Any = None, *, words: bool = True) -> DiagnosisDisplay:
        """Draw the losses and the verdict. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.
        words : bool, default=True
            Write the verdict above and the summary and next step below the picture.

        Returns
        -------
        DiagnosisDisplay
            Itself.
        """
        found = self.diagnosis
        self.ax_ = ax = axes_for(ax)
        self.figure_ = ax.figure
        self.history_display_, self.mark_, self.constant_line_ = None, None, None
        if self._has_losses():
            self.history_display_ = HistoryDisplay.from_history(
                found.history, ax=ax, loss_name=self.loss_name
            )
            self.mark_ = self._mark(ax, self.history_display_)
            self.constant_line_ = self._constant(ax)
        else:  # diverged in the first epoch
            finish(ax, "epoch", self.loss_name)
            ax.text(0.5, 0.5, "no epoch with a finite loss", ha="center", transform=ax.transAxes)
        legend(ax)
        if words:
            ax.set_title(found.verdict, loc="left", fontsize=13, fontweight="bold")
            text = wrapped(f"{found.summary}\nNext: {found.next_step}", _WORDS)
            # Offset in points, below ticks and label; layouts reserve the space.
            ax.annotate(
                text,
                (0, 0),
                (0, -42),
                xycoords="axes fraction",
                textcoords="offset points",
                va="top",
                fontsize=9,
            )
        return self

    def _has_losses(self) -> bool:
        columns = (self.diagnosis.history.get(name) for name in ("loss", "validation_loss"))
        return any(c is not None and np.isfinite(np.asarray(c, float)).any() for c in columns)

    def _constant(self, ax: Any) -> Any:
        column = np.asarray(self.diagnosis.history.get("constant_loss", ()), float)
        if not (len(column) and np.isfinite(column[-1])):
            return None
        label = "best constant prediction"
        return ax.axhline(float(column[-1]), color=MUTED, linestyle=":", linewidth=1.2, label=label)

    def _mark(self, ax: Any, display: HistoryDisplay) -> Any:
        verdict = self.diagnosis.verdict
        if display.line_ is None:
            return None
        epochs, loss = (np.asarray(column, float) for column in display.line_.get_data())
        if verdict == "overfitting" and display.validation_line_ is not None:
            validated = np.asarray(display.validation_line_.get_ydata())
            best = epochs[int(np.nanargmin(validated))]
            label = "validation loss rises"
            return ax.axvspan(best, epochs[-1], color=COLORS[1], alpha=0.12, lw=0, label=label)
        if verdict in ("oscillating", "diverging"):
            rises = np.flatnonzero(np.diff(loss) > 0)
            if not len(rises):
                return None
            pairs = np.stack([rises, rises + 1, rises], axis=1).ravel()
            height = loss[pairs]
            height[2::3] = np.nan  # gap between two rises
            return ax.plot(
                epochs[pairs], height, color=COLORS[1], linewidth=3, label="the loss rises"
            )[0]
        if verdict in ("stuck", "too slow", "no signal"):
            return ax.axhline(
                loss[0], color=MUTED, linestyle="--", linewidth=1.2, label="loss of the first epoch"
            )
        return None


def plot_diagnosis(source: Any, *, ax: Any = None, **kwargs: Any) -> DiagnosisDisplay:
    """Draw a training run with its diagnosis and the next step.

    Parameters
    ----------
    source : estimator, Pipeline, mapping or Diagnosis
        Fitted estimator, columns of a ``history_``, or result of `fastlr.diagnose`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    **kwargs : object
        ``words`` and, for a `Diagnosis`, ``loss_name``; see `DiagnosisDisplay`.

    Returns
    -------
    DiagnosisDisplay
        Drawn.
    """
    if hasattr(source, "verdict"):
        return DiagnosisDisplay.from_diagnosis(source, ax=ax, **kwargs)
    if isinstance(source, Mapping):
        return DiagnosisDisplay.from_history(source, ax=ax, **kwargs)
    return DiagnosisDisplay.from_estimator(source, ax=ax, **kwargs)
