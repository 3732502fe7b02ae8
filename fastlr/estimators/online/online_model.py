"""A handle on a fitted model that learns and predicts one row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.locks import LOCK, lock_of
from ...core.unmixed import unmixed, version
from ..data.rows import Features
from ..fitting.begin import known_dtype, live_session
from ..fitting.chunks import fit_chunk
from ..models.model import Model
from .compiled import RowLoop, row_scores
from .rows import fill
from .snapshot import Snapshot


class OnlineModel:
    """Learns from single rows and predicts them. Made by the estimators' `online`.

    Parameters
    ----------
    model : estimator
        Fitted; it is not copied, so that it learns what the handle learns.

    Attributes
    ----------
    model : estimator
        The same.
    version : int
        Times that the model has learned; that of the next snapshot.

    Notes
    -----
    Results are to the bit those of `partial_fit` and `predict` of one row. Threads may share a
    handle: calls that learn wait for each other, and calls that predict see the model before or
    after a call that learns, never in between. A thread that predicts often takes a `snapshot`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from fastlr import LinearClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> online = LinearClassifier(random_state=0).fit(X, y).online()
    >>> online.learn_one([5.1, 3.5, 1.4, 0.2], 0)
    >>> int(online.predict_one([5.1, 3.5, 1.4, 0.2])), online.version
    (0, 1)
    >>> before = online.snapshot()
    >>> online.learn_many(X[:32], y[:32])
    >>> before.version, online.version
    (1, 2)
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._start = version(model)
        self._row = np.empty((1, model.n_features_in_), known_dtype(model))
        self._latest: Snapshot | None = None
        self._loop: RowLoop | None = None
        self._scores: Any = None

    def __repr__(self) -> str:
        return f"<OnlineModel of {self.model!r}, version={self.version}>"

    @property
    def version(self) -> int:
        """Times that the model has learned since the handle was made."""
        return version(self.model) - self._start

    def learn_one(self, x: Any, y: Any, weight: float = 1.0) -> None:
        """Train on one row.

        Parameters
        ----------
        x : ndarray of shape (n_features,), sequence, or tuple of (indices, values)
            The row.
        y : object
            Its label or number; for targets with several columns a row of them.
        weight : float, default=1.0
            Weight of the row, not negative.

        Raises
        ------
        TypeError, ValueError
            If an argument is unfit. Nothing was changed then.
        """
        with self.model.__dict__.get(LOCK) or lock_of(self.model):
            loop = self._loop
            if loop is not None and weight == 1.0 and loop.learn(x, y):
                return
            row = fill(self._buffer(), x)
            weights = None if weight == 1.0 else _checked(weight)
            fit_chunk(self.model, row, np.asarray(y)[None], weights)
            session = live_session(self.model)
            if session is not None and (loop is None or loop.session is not session):
                self._loop = loop = RowLoop(self.model, session)
            if loop is not None:
                loop.load()

    def learn_many(self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Train for one epoch over rows, as `partial_fit` does."""
        fit_chunk(self.model, X, y, sample_weight)

    def predict_one(self, x: Any) -> Any:
        """Return the label or the number for one row; `learn_one` describes `x`."""
        if self._scores is not None:
            found = self._scores.predict(x)
            if found is not None:
                return found
        return self._predict_anew(x)

    def predict_proba_one(self, x: Any) -> np.ndarray:
        """Return the probability of each class for one row; `learn_one` describes `x`."""
        return self._now().predict_proba_one(x)

    def decision_one(self, x: Any) -> Any:
        """Return the raw score, or the scores, of one row; `learn_one` describes `x`."""
        if self._scores is not None and hasattr(self.model, "classes_"):
            scores = self._scores.decide(x)
            if scores is not None:
                return scores[0, 0] if scores.shape[1] == 1 else scores[0]
        found = self._now().decision_one(x)
        self._bind_scores()
        return found

    def snapshot(self) -> Snapshot:
        """Return an immutable predictor with the parameters of this moment.

        Returns
        -------
        Snapshot
            That of the last call if nothing was learned since.
        """
        return self._now()

    def _predict_anew(self, x: Any) -> Any:
        """Predict in Python, and find the coefficients for the rows that follow."""
        found = self._now().predict_one(x)
        self._bind_scores()
        return found

    def _bind_scores(self) -> None:
        lock = lock_of(self.model)
        if lock.acquire(blocking=False):  # a thread that fits holds it for long
            try:
                self._scores = row_scores(self.model, self._buffer().dtype)
            finally:
                lock.release()

    def _now(self) -> Snapshot:
        latest = self._latest
        if latest is None or latest.version != self.version:
            latest = self._latest = unmixed(
                self.model, lambda: Snapshot(self.model, self.version, known_dtype(self.model))
            )
        return latest

    def _buffer(self) -> np.ndarray:
        """Return room for a row of the model, which may have been fitted anew to other columns."""
        shape, dtype = (1, self.model.n_features_in_), known_dtype(self.model)
        if self._row.shape != shape or self._row.dtype != dtype:
            self._row = np.empty(shape, dtype)
        return self._row


def _checked(weight: float) -> np.ndarray:
    try:
        found = np.array([weight], dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"weight must be a number, got {weight!r}") from None
    except OverflowError:
        raise ValueError(f"weight must be a number in [0, inf), got {weight!r}") from None
    if found.shape != (1,) or not 0 <= found[0] < np.inf:
        raise ValueError(f"weight must be a number in [0, inf), got {weight!r}")
    return found
