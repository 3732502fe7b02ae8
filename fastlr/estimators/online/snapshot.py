"""A model as it was at one moment, which nothing changes any more."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.rows import Features
from .rows import fill

# What a model keeps for training alone.
_LEFT_OUT = frozenset(
    {"_session", "_history", "_lock", "_checkpoint", "_stale", "_facts", "_clock"}
)


class Snapshot:
    """An immutable predictor: a copy of a model between two steps. Made by `OnlineModel.snapshot`.

    Any number of threads may use one; its predictions are to the bit those of the model at that
    moment. It pickles.

    Attributes
    ----------
    version : int
        Times that the model had learned when the snapshot was taken; it only grows.
    n_features_in_ : int
        Columns of a row.
    """

    __slots__ = ("_dtype", "_model", "_version")

    _dtype: np.dtype
    _model: Any
    _version: int

    def __init__(self, model: Any, version: int, dtype: np.dtype) -> None:
        object.__setattr__(self, "_version", version)
        object.__setattr__(self, "_model", _frozen(model))
        object.__setattr__(self, "_dtype", dtype)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a snapshot does not change: {name} cannot be set")

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name in self.__slots__:
            object.__setattr__(self, name, state[name])

    @property
    def version(self) -> int:
        """Times that the model had learned."""
        return self._version

    @property
    def n_features_in_(self) -> int:
        """Columns of a row."""
        return int(self._model.n_features_in_)

    @property
    def model(self) -> Any:
        """A copy of the estimator with these parameters, to save or to go on with."""
        return _frozen(self._model)

    def predict(self, X: Features) -> np.ndarray:
        """Return labels or numbers for rows, as the estimator does."""
        found: np.ndarray = self._model.predict(X)
        return found

    def predict_proba(self, X: Features) -> np.ndarray:
        """Return the probability of each class for rows, as the estimator does."""
        found: np.ndarray = self._model.predict_proba(X)
        return found

    def decision_function(self, X: Features) -> np.ndarray:
        """Return the raw scores of rows, as the estimator does."""
        found: np.ndarray = self._model.decision_function(X)
        return found

    def predict_one(self, x: Any) -> Any:
        """Return the label or the number for one row.

        Parameters
        ----------
        x : ndarray of shape (n_features,), sequence, or tuple of (indices, values)
            The row.

        Returns
        -------
        object
            An element of `predict`.

        Raises
        ------
        TypeError, ValueError
            If `x` is no row of the model.
        """
        return self.predict(self._row(x))[0]

    def predict_proba_one(self, x: Any) -> np.ndarray:
        """Return the probability of each class for one row; `predict_one` describes `x`."""
        found: np.ndarray = self.predict_proba(self._row(x))[0]
        return found

    def decision_one(self, x: Any) -> Any:
        """Return the raw score, or the scores, of one row; `predict_one` describes `x`."""
        return self.decision_function(self._row(x))[0]

    def _row(self, x: Any) -> np.ndarray:
        row: np.ndarray = np.empty((1, self.n_features_in_), self._dtype)
        return fill(row, x)


def _frozen(model: Any) -> Any:
    """Return a copy of an estimator that shares no parameter with it."""
    frozen = object.__new__(type(model))
    frozen.__dict__.update({k: v for k, v in model.__dict__.items() if k not in _LEFT_OUT})
    frozen._set_fitted_params({name: p.copy() for name, p in model._fitted_params().items()})
    return frozen
