"""What a sweep found: a table of candidates, their learning curves, and the best one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import clone

from ..core.markup import table


class SweepResult:
    """Rates, and weight decays, by how well they did in cross-validation.

    Parameters
    ----------
    estimator : estimator
        What was trained; kept as it is.
    label : str
        Names of estimator and optimizer.
    settings : list of dict
        Constructor parameters of each candidate.
    candidates, table : mapping of str to ndarray
        See Attributes.
    scores : ndarray of shape (n_candidates, n_folds)
        See Attributes.

    Attributes
    ----------
    candidates : dict of str to ndarray
        One entry for each candidate: ``lr``, ``weight_decay``; ``mean_score`` and ``std_score``
        over the folds it was trained on, and ``mean_loss`` of the held-out rows, NaN if it
        diverged; ``epochs``, the length of its longest run, and ``folds``, on how many folds it
        was trained so long; ``dropped``, whether it was given up before all of it was done;
        ``diverged``; ``rank``, from 1.
    table : dict of str to ndarray
        One entry for each candidate, fold and epoch of its longest run: ``candidate``, ``lr``,
        ``weight_decay``, ``fold``, ``epoch``, ``loss`` of the rows trained on,
        ``validation_loss`` of those held out, and ``validation_score``, which is taken after the
        last epoch, and NaN before.
    scores : ndarray of shape (n_candidates, n_folds)
        Score of each fold after the longest run, NaN where there was none.
    label : str
        As given.
    best_params : dict
        For ``estimator.set_params(**best_params)``.
    best_lr, best_score : float
        Rate and mean score of the candidate of rank 1.
    """

    def __init__(
        self,
        estimator: Any,
        label: str,
        settings: list[dict[str, Any]],
        candidates: Mapping[str, np.ndarray],
        table: Mapping[str, np.ndarray],
        scores: np.ndarray,
    ) -> None:
        self._estimator, self.label = estimator, label
        self.candidates, self.table, self.scores = dict(candidates), dict(table), scores
        best = int(self.candidates["rank"].argmin())
        self.best_params: dict[str, Any] = dict(settings[best])
        self.best_lr = float(self.candidates["lr"][best])
        self.best_score = float(self.candidates["mean_score"][best])

    def refit(self, X: Any, y: Any, **fit_params: Any) -> Any:
        """Return a copy of the estimator, fitted on all rows at the best rate.

        Parameters
        ----------
        X, y
            Rows and what belongs to them.
        **fit_params
            Passed on to `fit`.

        Returns
        -------
        estimator
            Fitted.
        """
        return clone(self._estimator).set_params(**self.best_params).fit(X, y, **fit_params)

    def plot(self, ax: Any = None, *, kind: str = "score") -> Any:
        """Draw the scores over the rates, or the losses over the epochs. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default on a new figure.
        kind : {"score", "curves"}, default="score"
            Which.

        Returns
        -------
        SweepDisplay
            Has the axes as ``ax_`` and their figure as ``figure_``.
        """
        from ._sweep_display import SweepDisplay

        return SweepDisplay.from_sweep(self, ax=ax, kind=kind)

    def __repr__(self) -> str:
        c = self.candidates
        of_decay = len(np.unique(c["weight_decay"])) > 1
        n_dropped, n_diverged = int(c["dropped"].sum()), int(c["diverged"].sum())
        lines = [
            f"<SweepResult of {self.label}: best lr {self.best_lr:.3g}, "
            f"score {self.best_score:.4f}",
            f"  {len(c['lr'])} candidates over {self.scores.shape[1]} folds, {n_dropped} dropped"
            + (f", {n_diverged} of them diverged" if n_diverged else ""),
        ]
        for k in np.argsort(c["rank"])[:5]:
            decay = f"  weight_decay {c['weight_decay'][k]:<8.3g}" if of_decay else ""
            lines.append(
                f"  {c['rank'][k]}.  lr {c['lr'][k]:<9.3g}{decay}"
                f"  score {c['mean_score'][k]:.4f} +- {c['std_score'][k]:.4f}"
                f"  loss {c['mean_loss'][k]:.4g}{self._mark(k)}"
            )
        return "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        c = self.candidates
        rows = [
            (
                int(c["rank"][k]),
                f"{c['lr'][k]:.3g}",
                f"{c['weight_decay'][k]:.3g}",
                f"{c['mean_score'][k]:.4f} ± {c['std_score'][k]:.4f}",
                f"{c['mean_loss'][k]:.4g}",
                self._mark(k).strip(" ()"),
            )
            for k in np.argsort(c["rank"])[:10]
        ]
        title = f"Sweep of {self.label}: {len(c['lr'])} candidates, {self.scores.shape[1]} folds"
        return table(title, ("rank", "lr", "weight decay", "score", "loss", ""), rows)

    def _mark(self, k: int) -> str:
        """Return what makes the figures of a candidate hard to compare with others."""
        c, n = self.candidates, int(self.candidates["folds"][k])
        if c["diverged"][k]:
            return "  (diverged)"
        return f"  (dropped after {n} fold{'s' * (n != 1)})" if c["dropped"][k] else ""
