"""Data in and out: validation of arguments, weights, and the rows that are held out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ...core.sklearn_versions import check_is_fitted, check_weights, validate_data
from ..data.labels import is_plain, need_no_validation
from ..data.sparse_rows import check_sparse
from ..data.targets import ClassTargets
from .hooks import Hooks

FLOATS = [np.float64, np.float32]
_COLUMNS = ("n_features_in_", "feature_names_in_")  # which scikit-learn sets while it validates


@dataclass(eq=False, repr=False)
class Rows:
    """Rows as an engine takes them.

    Attributes
    ----------
    X : ndarray or sparse array of shape (n_samples, n_features)
        Features.
    y : ndarray
        Encoded targets.
    weights : ndarray of shape (n_samples,) or None
        Class weights included.
    sample_weight : ndarray of shape (n_samples,) or None
        Without them, for scores.
    chosen : ndarray of shape (n_used,), int64, or None
        Which rows to use; None for all.
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    chosen: np.ndarray | None = None

    @property
    def used(self) -> int:
        """How many rows are used."""
        return int(self.X.shape[0]) if self.chosen is None else len(self.chosen)

    def weights_of_chosen(self) -> np.ndarray | None:
        """Return weights of all rows, zero for those that are not used; None if all are one."""
        if self.chosen is None:
            return self.weights
        weights = np.zeros(self.X.shape[0])
        weights[self.chosen] = 1.0 if self.weights is None else self.weights[self.chosen]
        return weights

    def weigh_one_on_average(self) -> None:
        """Scale the weights, so that those of the rows used have a mean of 1."""
        if self.weights is not None:
            used = self.weights if self.chosen is None else self.weights[self.chosen]
            self.weights[:] /= used.mean()

    def taken(self, index: np.ndarray | slice) -> Rows:
        """Return some rows: a copy, or views where a slice of dense ones is asked for."""
        w, s = self.weights, self.sample_weight
        return Rows(
            self.X[index],
            np.ascontiguousarray(self.y[index]),
            None if w is None else w[index],
            None if s is None else s[index],
        )


def unchanged_if_refused(method: Callable[..., Any]) -> Callable[..., Any]:
    """Have a method that raises before training begins leave the model with its columns."""

    @functools.wraps(method)
    def careful(self: Any, *args: Any, **kwargs: Any) -> Any:
        known = self.__dict__
        session, before = known.get("_session"), {n: known[n] for n in _COLUMNS if n in known}
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            if known.get("_session") is session:
                for name in _COLUMNS:
                    known.pop(name, None)
                known.update(before)
            raise

    return careful


class Validated(Hooks):
    """An estimator that takes data."""

    early_stopping: bool
    validation_fraction: float

    def _held_out_of(
        self, rows: Rows, given: tuple[Any, Any, Any], targets: Any, factors: np.ndarray | None
    ) -> tuple[Rows, Rows | None]:
        """Return the rows to train on, and those to validate on after each epoch."""
        held_out = self._given_validation(*given, targets, factors, rows.X.dtype)
        if held_out is None and self.early_stopping:
            rows, held_out = self._split(rows)
        if held_out is not None and held_out.used < self._fewest_to_score:
            raise ValueError(
                f"{type(self).__name__}: validation needs at least {self._fewest_to_score} rows, "
                f"got {held_out.used}"
            )
        return rows, held_out

    def _validated(self, X: Any, y: Any, reset: bool, dtype: Any) -> tuple[Any, Any]:
        if reset and dtype is FLOATS and need_no_validation(X, y):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)
            return X, y
        check_sparse(X)
        check_sparse(y, "y")
        options = {**self._X_options, **self._y_options(y)}
        X, y = validate_data(self, X, y, reset=reset, dtype=dtype, **options)
        return self._ready(X), y

    def _rows_to_learn(
        self, X: Any, y: Any, sample_weight: Any, warm: bool = False
    ) -> tuple[Rows, Any, np.ndarray | None]:
        """Return the rows that `fit` was given, their targets, and the weights of the classes."""
        X, y = self._validated(X, y, reset=True, dtype=FLOATS)
        sample_weight = check_weights(sample_weight, X)
        targets, encoded = self._learn_targets(y, sample_weight, X.dtype)
        factors = self._class_factors(encoded, targets)
        if warm:
            known = targets.going_on_from(self._known_targets())
            if known is not targets:
                targets, encoded = known, known.encode(self._checked_y(y), X.dtype)
        return self._rows(X, encoded, sample_weight, targets, factors), targets, factors

    def _raw_scores(self, X: Any) -> np.ndarray:
        """Validate X and return the outputs of the model, for all that predicts."""
        check_is_fitted(self)
        if not self._knows(X):
            check_sparse(X)
            X = validate_data(self, X, reset=False, dtype=FLOATS, **self._X_options)
        return self._outputs(X)

    def _knows(self, X: Any) -> bool:
        """Return whether rows are as they must be, which takes long to find out otherwise."""
        return "feature_names_in_" not in self.__dict__ and is_plain(X, self.n_features_in_)

    def _rows(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None,
        targets: Any,
        factors: np.ndarray | None,
    ) -> Rows:
        """Put class weights on rows; arrays of the user's are not written to."""
        weights = sample_weight
        if factors is not None:
            weights = factors[y] if weights is None else weights * factors[y]
            if not weights.any():
                raise ValueError("class_weight leaves no row with a weight above zero")
        elif weights is not None:
            weights = weights.copy()
        return Rows(X, y, weights, sample_weight)

    def _given_validation(
        self,
        X_val: Any,
        y_val: Any,
        sample_weight_val: Any,
        targets: Any,
        factors: np.ndarray | None,
        dtype: np.dtype,
    ) -> Rows | None:
        """Return the validation set that `fit` was given."""
        if X_val is None or y_val is None:
            if not (X_val is None and y_val is None and sample_weight_val is None):
                raise ValueError("X_val and y_val must be given together")
            return None
        try:
            plain = targets.is_plain(y_val, len(X_val)) if type(X_val) is np.ndarray else False
            if not (plain and self._knows(X_val) and X_val.dtype == dtype):
                X_val, y_val = self._validated(X_val, y_val, reset=False, dtype=dtype)
            weights = check_weights(sample_weight_val, X_val)
            known = plain and isinstance(targets, ClassTargets)  # or `encode` says which are not
            encoded = targets.encode(y_val if known else self._checked_y(y_val), dtype)
        except (TypeError, ValueError) as error:
            raise type(error)(f"X_val, y_val: {error}") from error
        return self._rows(X_val, encoded, weights, targets, factors)

    def _split(self, rows: Rows) -> tuple[Rows, Rows]:
        """Split rows into those to train on, which stay where they lie, and a copy of the rest."""
        from sklearn.model_selection import train_test_split

        every = np.arange(rows.X.shape[0], dtype=np.int64)
        # A score of rows that weigh nothing would say nothing.
        used = every if rows.weights is None else every[rows.weights > 0]
        codes = rows.y[used] if rows.y.ndim == 1 else None
        try:
            _, rest = train_test_split(
                used,
                test_size=self.validation_fraction,
                stratify=codes,
                random_state=check_random_state(self.random_state).randint(2**31 - 1),
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping: validation_fraction={self.validation_fraction!r} cannot be held "
                f"out of {len(used)} rows ({error}); give X_val and y_val"
            ) from error
        rest.sort()
        index = np.delete(every, rest)
        return replace(rows, chosen=index), rows.taken(rest)
