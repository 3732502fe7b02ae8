"""The result of a learning-rate range test: rates to choose from, a table, a picture."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.markup import table
from ..rates.range_curve import METHODS as READINGS
from ..rates.range_curve import ceiling, noise, smooth, suggest
from .range_sweep import RangeSweep

METHODS = ("race", *READINGS)


class RangeTest:
    """What `find_lr` found.

    Parameters
    ----------
    sweeps : sequence of RangeSweep
        One or more runs over the same rates.
    label : str
        What was trained, and with what.
    method : str
        Which of the suggestions is `suggestion`.
    beta : float
        Weight of neighbours in smoothing, in [0, 1).
    stop_factor : float
        By how many times its fall a loss was let rise; higher losses are smoothed as if they were
        there, so that a jump does not spread backwards.
    raced : float, optional
        Rate that has won a race of short runs.

    Attributes
    ----------
    suggestion : float
        Learning rate to start from: ``suggestions[method]``. NaN if the loss fell at no rate.
    suggestions : dict of str to float
        Learning rates by method: ``"race"``, if there was one, and read off the curve, each the
        median over runs, ``"valley"``, ``"steepest"``, ``"minimum / 10"`` and ``"edge"``; see
        `find_lr`.
    spread : dict of str to tuple of float
        Lowest and highest over runs, by method.
    table : dict of str to ndarray of shape (steps of all runs,)
        Columns ``run``, ``step``, ``lr``, ``loss`` (of the mini-batch, before its step) and
        ``smoothed``; `pandas.DataFrame` takes it as it is.
    ended : list of str
        Why each run ended: ``"all steps"``, ``"diverged"`` or ``"not finite"``.
    method, label : str
        As given.
    """

    def __init__(
        self,
        sweeps: Sequence[RangeSweep],
        label: str,
        method: str = "valley",
        beta: float = 0.9,
        stop_factor: float = 3.0,
        raced: float | None = None,
    ) -> None:
        self.label, self.method = label, method
        self.ended = [each.ended for each in sweeps]
        columns: dict[str, list[np.ndarray]] = {
            name: [] for name in ("run", "step", "lr", "loss", "smoothed")
        }
        found = []
        for run, (lr, loss, steps, _) in enumerate(sweeps):
            smoothed, spread = loss, 0.0
            if len(lr):
                clipped = np.minimum(loss, ceiling(loss, smooth(loss, beta), stop_factor))
                smoothed = smooth(clipped, beta)
                before = int(smoothed.argmin()) + 1
                # The mean over 2 / (1 - beta) neighbours is as much less noisy.
                spread = noise(loss[:before]) * np.sqrt((1 - beta) / (1 + beta))
            for name, column in zip(
                columns, (np.full(len(lr), run), steps, lr, loss, smoothed), strict=True
            ):
                columns[name].append(column)
            if len(lr) > 2:
                found.append(suggest(lr, smoothed, float(spread)))
        self.table = {name: np.concatenate(parts) for name, parts in columns.items()}
        of_runs = {} if raced is None else {"race": np.array([raced])}
        of_runs |= {name: np.array([each[name] for each in found]) for name in READINGS}
        self.suggestions = {name: _median(values) for name, values in of_runs.items()}
        self.spread = {name: _extremes(values) for name, values in of_runs.items()}
        self.suggestion = self.suggestions[method]

    def plot(self, ax: Any = None) -> Any:
        """Draw the losses over the rates, and the suggestions. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default on a new figure.

        Returns
        -------
        LRFinderDisplay
            Has the axes as ``ax_`` and their figure as ``figure_``.
        """
        from ._range_display import LRFinderDisplay

        return LRFinderDisplay.from_range_test(self, ax=ax)

    def __repr__(self) -> str:
        n_runs, lr = len(self.ended), self.table["lr"]
        tried = f"{lr.min():.3g} to {lr.max():.3g}" if len(lr) else "none"
        lines = [
            f"<RangeTest of {self.label}: suggestion {self.suggestion:.3g} ({self.method})",
            f"  rates tried   {tried}, {n_runs} run{'s' * (n_runs > 1)} of up to "
            f"{int(np.max(self.table['step'], initial=-1)) + 1} steps",
        ]
        for name, rate in self.suggestions.items():
            low, high = self.spread[name]
            over = f"  ({low:.3g} to {high:.3g})" if n_runs > 1 else ""
            lines.append(f"  {name:<13} {rate:.3g}{over}")
        ends = [f"{self.ended.count(end)} {end}" for end in dict.fromkeys(self.ended)]
        lines.append(f"  runs ended    {', '.join(ends)}>")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (name, f"{rate:.3g}", "{:.3g} to {:.3g}".format(*self.spread[name]))
            for name, rate in self.suggestions.items()
        ]
        title = f"Range test of {self.label}: suggestion {self.suggestion:.3g} ({self.method})"
        return table(title, ("method", "learning rate", "over runs"), rows)


def warn_if_unclear(test: RangeTest, low: float, high: float) -> None:
    """Warn if the loss fell nowhere, or was falling still at the highest rate."""
    strays = int(np.sum(np.diff(test.table["step"]) > 1))
    if strays:
        warnings.warn(
            f"find_lr: the loss of {test.label} was not finite at some steps, {strays} in all, and "
            "finite after them; these steps are left out. Look for rows that are not finite",
            UserWarning,
            stacklevel=3,
        )
    if not np.isfinite(test.suggestion):
        warnings.warn(
            f"find_lr: the loss of {test.label} fell at no rate between {low:g} and {high:g}. "
            "Lower `low` if it ended early (its runs ended so: "
            f"{', '.join(test.ended)}), take more steps if it is noisy, and bring features to "
            "similar scale (StandardScaler)",
            UserWarning,
            stacklevel=3,
        )
    elif all(end == "all steps" for end in test.ended) and test.suggestions["edge"] >= high:
        warnings.warn(
            f"find_lr: the loss of {test.label} had not risen at the highest rate, {high:g}; "
            "raise `high`, for the rate to look for may lie above it",
            UserWarning,
            stacklevel=3,
        )


def _median(rates: np.ndarray) -> float:
    known = np.sort(rates[np.isfinite(rates)])
    if len(known) % 2:
        return float(known[len(known) // 2])
    return float(np.exp(np.median(np.log(known)))) if len(known) else float("nan")


def _extremes(rates: np.ndarray) -> tuple[float, float]:
    known = rates[np.isfinite(rates)]
    return (float(known.min()), float(known.max())) if len(known) else (float("nan"),) * 2
