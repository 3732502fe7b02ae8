"""The runs of a sweep as they finish, and the result they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .sweep_data import Grid
from .sweep_result import SweepResult
from .sweep_rounds import Standing


class Runs:
    """Longest run of each candidate on each fold."""

    def __init__(self, grid: Grid, n_folds: int) -> None:
        self._grid = grid
        self._outcomes: dict[tuple[int, int], Any] = {}
        self._rows: dict[tuple[int, int], np.ndarray | None] = {}
        shape = len(grid.settings), n_folds
        self._scores, self._losses = np.full(shape, np.nan), np.full(shape, np.nan)
        self._whole = np.zeros(shape, bool)
        self._diverged = np.zeros(len(grid.settings), bool)

    def enter(
        self, pieces: Sequence[tuple[int, Sequence[int]]], outcomes: Sequence[Any], whole: bool
    ) -> None:
        """Enter the results of runs, in place of shorter ones."""
        for (fold, numbers), found in zip(pieces, outcomes, strict=True):
            for k, (outcome, rows) in zip(numbers, found, strict=True):
                self._outcomes[k, fold], self._rows[k, fold] = outcome, rows
                self._scores[k, fold] = outcome.score
                # Losses may be unknown, where all held-out rows are of classes not trained on.
                lost = outcome.held_out_losses
                self._losses[k, fold] = lost[-1] if lost and not outcome.diverged else np.nan
                self._whole[k, fold] = whole
                self._diverged[k] |= outcome.diverged

    def of(self, numbers: Sequence[int]) -> Standing:
        """Return how candidates have done that have run equally long."""
        folds = [f for f in range(self._scores.shape[1]) if (numbers[0], f) in self._outcomes]
        chosen = np.ix_(list(numbers), folds)
        scores = self._scores[chosen]
        scores[self._diverged[list(numbers)]] = np.nan
        rows = [_joined([self._rows[k, f] for f in folds]) for k in numbers]
        return Standing(self._grid.lr[list(numbers)], scores, self._losses[chosen], rows)

    def leave(self, numbers: Sequence[int]) -> None:
        """Forget the scores of single rows, except those of these candidates."""
        self._rows = {key: rows for key, rows in self._rows.items() if key[0] in set(numbers)}

    def result(self, estimator: Any, label: str, prefix: str) -> SweepResult:
        """Return the result."""
        if self._diverged.all():
            raise ValueError(
                "lrs: training diverged at every one of them; try lower rates, clip_norm=1.0, or "
                "features of similar scale (StandardScaler)"
            )
        n_whole = self._whole.sum(axis=1)
        mean, std, loss = np.full((3, len(n_whole)), np.nan)
        epochs, folds = np.zeros((2, len(n_whole)), np.int64)
        for k in range(len(n_whole)):
            ran = [f for f in range(self._scores.shape[1]) if (k, f) in self._outcomes]
            longest = [f for f in ran if self._whole[k, f] or not n_whole[k]]
            lengths = [len(self._outcomes[k, f].losses) for f in longest]
            epochs[k], folds[k] = max(lengths, default=0), len(longest)
            if not self._diverged[k]:
                scores = self._scores[k, longest]
                mean[k], std[k] = scores.mean(), scores.std()
                loss[k] = self._losses[k, longest].mean()
        diverged = self._diverged
        order = np.lexsort((loss, -np.nan_to_num(mean, nan=-np.inf), -n_whole, diverged))
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(1, len(order) + 1)
        candidates = {
            "lr": self._grid.lr,
            "weight_decay": self._grid.weight_decay,
            "mean_score": mean,
            "std_score": std,
            "mean_loss": loss,
            "epochs": epochs,
            "folds": folds,
            "dropped": (n_whole < self._whole.shape[1]) | diverged,
            "diverged": diverged.copy(),
            "rank": rank,
        }
        settings = [{prefix + n: v for n, v in own.items()} for own in self._grid.settings]
        return SweepResult(estimator, label, settings, candidates, self._table(), self._scores)

    def _table(self) -> dict[str, np.ndarray]:
        numbers: list[tuple[int, int, int]] = []
        values: list[tuple[float, float, float]] = []
        for (k, fold), outcome in sorted(self._outcomes.items(), key=lambda item: item[0]):
            last = len(outcome.losses)
            for epoch, (loss, held_out) in enumerate(
                zip(outcome.losses, outcome.held_out_losses, strict=True), 1
            ):
                numbers.append((k, fold, epoch))
                values.append((loss, held_out, outcome.score if epoch == last else np.nan))
        of = np.array(numbers, np.int64).reshape(-1, 3)
        what = np.array(values, np.float64).reshape(-1, 3)
        return {
            "candidate": of[:, 0],
            "lr": self._grid.lr[of[:, 0]],
            "weight_decay": self._grid.weight_decay[of[:, 0]],
            "fold": of[:, 1],
            "epoch": of[:, 2],
            "loss": what[:, 0],
            "validation_loss": what[:, 1],
            "validation_score": what[:, 2],
        }


def _joined(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known and len(known) == len(parts) else None
