"""The table of epochs that every estimator keeps.

A plain array that doubles when it is full: `partial_fit` may be called millions of times, and a
list of tuples would then cost hundreds of bytes a call, or copying the table at each.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...core.sklearn_versions import check_is_fitted

FACTS = (
    "start_loss",
    "end_loss",
    "constant_loss",
    "smallest_feature",
    "largest_feature",
    "dead_units",
    "diverged",
)
COLUMNS = (
    "epoch",
    "loss",
    "validation_loss",
    "validation_score",
    "lr",
    "momentum",
    "gradient_norm",
    "seconds",
    "movement",
    "alignment",
)


def append_row(table: np.ndarray, n: int, row: tuple[float, ...]) -> np.ndarray:
    """Write a row behind the first `n`, in place while there is room.

    Parameters
    ----------
    table : ndarray of shape (capacity, columns)
        Of which `n` rows are in use.
    n : int
        Rows in use.
    row : tuple of float
        A value for each of `COLUMNS`.

    Returns
    -------
    ndarray
        `table`, or a larger copy.
    """
    if n == len(table):
        table = np.concatenate([table, np.empty((max(n, 8), len(COLUMNS)))])
    table[n] = row
    return table


def columns(table: np.ndarray, n: int, facts: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return the first `n` rows as one array for each column, then one for each fact."""
    found = {name: table[:n, k].copy() for k, name in enumerate(COLUMNS)}
    found["epoch"] = found["epoch"].astype(np.int64)
    return found | {name: np.full(n, facts.get(name, np.nan)) for name in FACTS}


class Recorded:
    """An estimator that records its epochs."""

    n_iter_: int
    verbose: int
    _history: np.ndarray
    _facts: dict[str, float]  # of the fit, not of an epoch

    def _start_history(self) -> None:
        self.n_iter_ = 0
        self._facts = {}
        self._history = np.empty((0, len(COLUMNS)))

    def _record(
        self,
        loss: float,
        step: tuple[float, float, float],
        seconds: float,
        validation: tuple[float, float] = (np.nan, np.nan),
        motion: tuple[float, float] = (np.nan, np.nan),
    ) -> None:
        """Add an epoch: loss; rate, momentum and gradient norm; time; what else is known."""
        row = (self.n_iter_ + 1, loss, *validation, *step, seconds, *motion)
        self._history = append_row(self._history, self.n_iter_, row)
        self.n_iter_ += 1
        if self.verbose:
            held_out = ""
            if validation[0] == validation[0]:
                held_out = f"validation loss {validation[0]:.6g}, score {validation[1]:.4g}, "
            print(
                f"{type(self).__name__} epoch {self.n_iter_}: loss {loss:.6g}, {held_out}"
                f"lr {step[0]:.4g}, {seconds:.3g} s"
            )

    def _last_row(self) -> dict[str, float]:
        """Return the row of the last epoch."""
        row = dict(zip(COLUMNS, self._history[self.n_iter_ - 1].tolist(), strict=True))
        return row | {"epoch": self.n_iter_}

    def _column(self, name: str) -> np.ndarray:
        check_is_fitted(self)
        return self._history[: self.n_iter_, COLUMNS.index(name)].copy()

    def _validated_column(self, name: str) -> np.ndarray | None:
        column = self._column(name)
        return None if np.isnan(column).all() else column

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Table of the epochs, one array for each column.

        ``epoch``, from 1; ``loss``, of the training rows; ``validation_loss`` and
        ``validation_score``, NaN without validation; ``lr``, ``momentum`` and ``gradient_norm``
        of the last step, NaN where there is none; ``seconds``. Of `fit` also ``movement``, how
        far the epoch moved the parameters as a part of their norm, and ``alignment``, the cosine
        of the angle between that and the epoch before. And, the same in each row, what
        `diagnose` holds them against: ``start_loss`` before the first step and ``end_loss`` after
        the last, both of some of the rows; ``constant_loss`` of the best model that ignores the
        features; ``smallest_feature`` and ``largest_feature``, the least and the most that the
        largest value of a feature comes to, where ``standardize=False``; ``dead_units``, the
        share of hidden units that no row gets through to; ``diverged``, 1 where training ended so.
        """
        check_is_fitted(self)
        return columns(self._history, self.n_iter_, self._facts)

    @property
    def loss_curve_(self) -> np.ndarray:
        """Mean training loss of each epoch."""
        return self._column("loss")

    @property
    def validation_loss_curve_(self) -> np.ndarray | None:
        """Mean loss on the validation rows after each epoch, None without validation."""
        return self._validated_column("validation_loss")

    @property
    def validation_scores_(self) -> np.ndarray | None:
        """Accuracy or R2 on the validation rows after each epoch, None without validation."""
        return self._validated_column("validation_score")

    @property
    def best_loss_(self) -> float | None:
        """Lowest training loss of an epoch, None if none has finished."""
        losses = self._column("loss")
        return float(losses.min()) if len(losses) else None

    @property
    def best_validation_score_(self) -> float | None:
        """Highest validation score, None without validation."""
        scores = self.validation_scores_
        return None if scores is None else float(np.nanmax(scores))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_iter_")  # not n_features_in_, which data set before they are used
