"""Display of the epochs of a training run: losses, scores, rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .silent import Silent
from .sources import history_of, last_of, loss_label, score_label
from .style import COLORS, DASHES, axes_for, finish, legend, log_if_wide, whole_numbers

_LABELS = {
    "lr": "learning rate, last step",
    "momentum": "momentum, last step",
    "gradient_norm": "gradient norm",
    "seconds": "time of an epoch (s)",
}
QUANTITIES = ("loss", "score", *_LABELS)


class HistoryDisplay(Silent):
    """Picture of the epochs of a training run.

    Create it by `from_estimator` or `from_history`. Parameters are kept as attributes.

    Parameters
    ----------
    history : mapping of str to array-like of shape (epochs,)
        Columns as in ``history_`` of the estimators: ``loss`` at least, and any of ``epoch``,
        ``validation_loss``, ``validation_score``, ``lr``, ``momentum``, ``gradient_norm`` and
        ``seconds``.
    estimator_name : str, optional
        Title.
    loss_name, score_name : str, default="loss", "score"
        Names and units of loss and score.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Axes of the picture.
    figure_ : matplotlib.figure.Figure
        Figure of the axes.
    line_ : matplotlib.lines.Line2D or None
        The quantity over the epochs; None for the score, which exists only for validation rows.
    validation_line_ : matplotlib.lines.Line2D or None
        The quantity on the validation rows; None without validation.
    best_line_ : matplotlib.lines.Line2D or None
        Marks the epoch with the lowest validation loss or the highest score.

    See Also
    --------
    plot_history : The same as a function.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastlr import LinearClassifier
    >>> from fastlr.plots import HistoryDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = LinearClassifier(early_stopping=True, lr=0.01, random_state=0).fit(X / 16, y)
    >>> display = HistoryDisplay.from_estimator(model)
    >>> display.ax_.get_ylabel()
    'log-loss (nats)'
    >>> display.validation_line_.get_ydata().shape == model.loss_curve_.shape
    True
    """

    ax_: Any
    figure_: Any
    line_: Any
    validation_line_: Any
    best_line_: Any

    def __init__(
        self,
        history: Mapping[str, Any],
        *,
        estimator_name: str | None = None,
        loss_name: str = "loss",
        score_name: str = "score",
    ) -> None:
        self.history = history
        self.estimator_name = estimator_name
        self.loss_name, self.score_name = loss_name, score_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Any = None,
        quantity: str = "loss",
        line_kw: Mapping[str, Any] | None = None,
        validation_line_kw: Mapping[str, Any] | None = None,
    ) -> HistoryDisplay:
        """Draw the epochs of a fitted estimator.

        Parameters
        ----------
        estimator : estimator or Pipeline
            Fitted, with a ``history_`` or a ``loss_curve_``.
        ax, quantity, line_kw, validation_line_kw
            As for `plot`.

        Returns
        -------
        HistoryDisplay
            Drawn.

        Raises
        ------
        NotFittedError, TypeError
            If it is not fitted, or has no losses.
        """
        display = cls(
            history_of(estimator),
            estimator_name=type(last_of(estimator)).__name__,
            loss_name=loss_label(estimator),
            score_name=score_label(estimator),
        )
        return display.plot(
            ax, quantity=quantity, line_kw=line_kw, validation_line_kw=validation_line_kw
        )

    @classmethod
    def from_history(
        cls,
        history: Mapping[str, Any],
        *,
        ax: Any = None,
        quantity: str = "loss",
        estimator_name: str | None = None,
        loss_name: str = "loss",
        score_name: str = "score",
        line_kw: Mapping[str, Any] | None = None,
        validation_line_kw: Mapping[str, Any] | None = None,
    ) -> HistoryDisplay:
        """Draw the epochs of a history.

        Parameters
        ----------
        history, estimator_name, loss_name, score_name
            As for `HistoryDisplay`.
        ax, quantity, line_kw, validation_line_kw
            As for `plot`.

        Returns
        -------
        HistoryDisplay
            Drawn.
        """
        display = cls(
            history, estimator_name=estimator_name, loss_name=loss_name, score_name=score_name
        )
        return display.plot(
            ax, quantity=quantity, line_kw=line_kw, validation_line_kw=validation_line_kw
        )

    def plot(
        self,
        ax: Any = None,
        *,
        quantity: str = "loss",
        line_kw: Mapping[str, Any] | None = None,
        validation_line_kw: Mapping[str, Any] | None = None,
    ) -> HistoryDisplay:
        """Draw one quantity over the epochs. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.
        quantity : {"loss", "score", "lr", "momentum", "gradient_norm", "seconds"}, default="loss"
            What to draw. Values that differ by a factor of ten or more get a logarithmic axis.
        line_kw, validation_line_kw : mapping of str to object, optional
            Arguments of ``Axes.plot`` for training rows and validation rows.

        Returns
        -------
        HistoryDisplay
            Itself.

        Raises
        ------
        ValueError
            If the history does not have the quantity.
        """
        if quantity not in QUANTITIES:
            raise ValueError(f"quantity must be one of {', '.join(QUANTITIES)}, got {quantity!r}")
        trained = None if quantity == "score" else self._column(quantity)
        held_out = {"loss": "validation_loss", "score": "validation_score"}.get(quantity)
        validated = None if held_out is None else self._column(held_out)
        if trained is None and validated is None:
            raise ValueError(f"history has no values of the quantity {quantity!r}")
        self.ax_ = ax = axes_for(ax)
        self.figure_ = ax.figure
        self.line_ = self._draw(ax, trained, 0, "training rows", line_kw)
        self.validation_line_ = self._draw(ax, validated, 1, "validation rows", validation_line_kw)
        self.best_line_ = None
        if validated is not None:
            k = int(np.nanargmin(validated) if quantity == "loss" else np.nanargmax(validated))
            best = self._epochs(len(validated))[k]
            word = "lowest validation loss" if quantity == "loss" else "highest score"
            self.best_line_ = ax.axvline(
                best, color=COLORS[1], linestyle=":", linewidth=1.3, label=f"{word}: epoch {best}"
            )
            legend(ax)
        label = {"loss": self.loss_name, "score": self.score_name}.get(quantity)
        finish(ax, "epoch", label or _LABELS[quantity], self.estimator_name or "")
        whole_numbers(ax.xaxis)
        drawn = [column for column in (trained, validated) if column is not None]
        if quantity != "score":
            log_if_wide(ax, np.concatenate(drawn))
        return self

    def _column(self, name: str) -> np.ndarray | None:
        """Return a column with NaN for values that are not finite; None if no value is."""
        if name not in self.history:
            return None
        column = np.asarray(self.history[name], dtype=np.float64)
        known = np.isfinite(column)
        return np.where(known, column, np.nan) if known.any() else None

    def _epochs(self, n: int) -> np.ndarray:
        return np.asarray(self.history.get("epoch", np.arange(1, n + 1)))

    def _draw(
        self,
        ax: Any,
        column: np.ndarray | None,
        k: int,
        label: str,
        given: Mapping[str, Any] | None,
    ) -> Any:
        if column is None:
            return None
        style = {
            "color": COLORS[k],
            "linestyle": DASHES[k],
            "marker": "os"[k] if len(column) <= 40 else None,
            "markersize": 4,
            "label": label,
        }
        return ax.plot(self._epochs(len(column)), column, **(style | dict(given or {})))[0]


def plot_history(
    history: Any, *, ax: Any = None, quantity: str = "loss", **kwargs: Any
) -> HistoryDisplay:
    """Draw the epochs of a training run.

    Parameters
    ----------
    history : estimator, Pipeline or mapping
        A fitted estimator, or the columns of its ``history_``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.
    quantity : {"loss", "score", "lr", "momentum", "gradient_norm", "seconds"}, default="loss"
        What to draw.
    **kwargs : object
        Further arguments of `HistoryDisplay.from_history` or `HistoryDisplay.from_estimator`.

    Returns
    -------
    HistoryDisplay
        Drawn.

    Examples
    --------
    >>> from fastlr.plots import plot_history
    >>> plot_history({"loss": [0.9, 0.5, 0.4]}).ax_.get_xlabel()
    'epoch'
    """
    if isinstance(history, Mapping):
        return HistoryDisplay.from_history(history, ax=ax, quantity=quantity, **kwargs)
    return HistoryDisplay.from_estimator(history, ax=ax, quantity=quantity, **kwargs)
