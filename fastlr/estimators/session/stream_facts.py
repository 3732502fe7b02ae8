"""What `partial_fit` and `fit_stream` note of their chunks, for a diagnosis.

The loss of one chunk is mostly chance, so it is held against the best constant prediction of the
targets seen. If the loss is no better, the path of the weights tells why: while the rate is too
low, the gradients of all rows add up to a straight line; where the targets do not depend on the
features, it is a random walk at any rate.
"""

from __future__ import annotations

import numpy as np

from ..data.rows import Rows
from .diagnosis_inputs import asks_model, constant_loss
from .session import Session

_FEWEST, _MOST = 4, 17  # weights kept, at equal distances in calls
_WEIGHTS = 1 << 11  # entries that are followed
_TARGETS, _PIECES = 1 << 14, 1 << 8  # that are kept, at equal distances in rows, and arrays of them
_MANY = 512  # rows whose targets stand for all
_ROWS_PER_WEIGHT = 15  # below which even a strong signal does not straighten the path
_CLEAR, _CHANCE = 0.25, 4.0  # cosine of a straight path; standard errors that are no chance


def watch(session: Session, rows: Rows, facts: dict[str, float]) -> None:
    """Note what a diagnosis asks of a chunk that is about to be learned from."""
    if session.stream_facts is None:
        session.stream_facts = StreamFacts(session)
    session.stream_facts.observe(session, rows, facts)


class StreamFacts:
    """Follows targets and weights of one session from chunk to chunk, in bounded memory."""

    def __init__(self, session: Session) -> None:
        arrays = [session.arena.param[name].reshape(-1) for name in session.spec.shapes]
        stride = -(-sum(map(len, arrays)) // _WEIGHTS) | 1
        self._weights = [array[::stride] for array in arrays]
        self._kept: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []
        self._row_weights: list[np.ndarray] = []
        self._n_targets = 0
        self._calls = self._rows = self._next_call = self._next_row = 0
        self._every_call = self._every_row = 1

    def observe(self, session: Session, rows: Rows, facts: dict[str, float]) -> None:
        """Note a chunk before it is learned from; enter what is known into `facts` at times."""
        if self._rows >= self._next_row:
            self._keep_targets(rows)
        if self._calls >= self._next_call:
            self._keep_weights()
            self._enter(session, rows, facts)
        self._calls += 1
        self._rows += rows.used

    @property
    def calls_until_event(self) -> int:
        """Calls that may come before weights are kept."""
        return self._next_call - self._calls

    def skip(self, y: np.ndarray) -> None:
        """Note as many calls of one unweighted row as there are encoded targets, and no event."""
        while self._rows < self._next_row and len(y):
            n = min(self._next_row - self._rows, len(y))
            self._count(n)
            y = y[n:]
        picked = y[:: self._every_row]
        if self._n_targets + len(picked) > _TARGETS:
            for k in range(len(y)):
                if self._rows >= self._next_row:
                    self._keep(y[k : k + 1], np.ones(1))
                self._count(1)
        elif len(y):
            self._keep(picked, np.ones(len(picked)))
            self._next_row = self._rows + len(picked) * self._every_row
            self._count(len(y))

    def _count(self, rows: int) -> None:
        self._calls += rows
        self._rows += rows

    def _enter(self, session: Session, rows: Rows, facts: dict[str, float]) -> None:
        """Enter what is known, in place of what a session before an unpickling has seen."""
        straightness = self._straightness()
        if straightness is not None:
            facts["straightness"] = straightness
        if "end_loss" not in facts and (self._rows >= _MANY or "straightness" not in facts):
            facts["constant_loss"] = self._constant_loss(session, rows)

    def _keep_targets(self, rows: Rows) -> None:
        weights = np.ones(rows.used) if rows.weights is None else rows.weights
        self._keep(rows.y[:: self._every_row], weights[:: self._every_row], rows.used)

    def _keep(self, y: np.ndarray, weights: np.ndarray, n_rows: int = 1) -> None:
        self._targets.append(y.copy())
        self._row_weights.append(weights.copy())
        self._next_row = self._rows + max(self._every_row, n_rows)
        self._n_targets += len(self._targets[-1])
        while self._n_targets > _TARGETS or len(self._targets) > _PIECES:
            thin = 2 if self._n_targets > _TARGETS else 1
            self._targets = [np.concatenate(self._targets)[::thin]]
            self._row_weights = [np.concatenate(self._row_weights)[::thin]]
            self._n_targets = len(self._targets[0])
            self._every_row *= thin

    def _keep_weights(self) -> None:
        self._kept.append(np.concatenate(self._weights))
        if len(self._kept) == _MOST:
            self._kept = self._kept[::2]
            self._every_call *= 2
        self._next_call = self._calls + self._every_call

    def _constant_loss(self, session: Session, rows: Rows) -> float:
        y, weights = np.concatenate(self._targets), np.concatenate(self._row_weights)
        if (session.lags and asks_model(session, rows)) or not weights.sum() > 0:
            return np.nan  # of sparse rows, reading the model would bring it up to date
        with np.errstate(all="ignore"):
            return constant_loss(session, Rows(rows.X, y, weights), rows)

    def _straightness(self) -> float | None:
        """Return the mean cosine between movements; NaN if it is neither clear nor chance.

        None while rows are too few.
        """
        if len(self._kept) < _FEWEST:
            return None
        with np.errstate(all="ignore"):
            moves = np.diff(np.asarray(self._kept, np.float64), axis=0)
            largest = float(np.abs(moves).max(initial=0.0))
            if not 0 < largest < np.inf:
                return None
            moves /= largest
            squares = np.square(moves).sum(axis=0)
            total = float(squares.sum())
            weights = total**2 / float(np.square(squares).sum())  # that take part in it
            ratio = float(np.square(moves.sum(axis=0)).sum()) / total
        cosine, n = (ratio - 1) / (len(moves) - 1), len(moves)
        # A random walk has a cosine of zero, with this standard error.
        faint = 0 < cosine < _CLEAR and cosine > _CHANCE * np.sqrt(2 / (n * (n - 1) * weights))
        if self._rows < _ROWS_PER_WEIGHT * weights:
            return None
        return np.nan if faint else cosine
