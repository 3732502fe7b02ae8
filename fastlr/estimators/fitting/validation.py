"""Validation of what users give: rows and targets to learn, rows held out, chunks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from sklearn.utils import check_random_state

from ...core.check_sparse import check_sparse
from ...core.sklearn_versions import check_is_fitted, check_weights, validate_data
from ..data.rows import (
    FLOATS,
    Features,
    Matrix,
    Rows,
    is_plain,
    is_plain_chunk,
    need_no_validation,
    ready_rows,
)
from ..data.targets import ClassTargets, Targets
from ..models.model import Model
from ..models.spec import ModelSpec
from .begin import known_dtype

ORDER = {"order": "C", "accept_sparse": "csr"}  # for scikit-learn's `validate_data`


class Learned(NamedTuple):
    """What `fit` was given, validated.

    Attributes
    ----------
    rows : Rows
        To train on.
    targets : ClassTargets or RealTargets
        What was learned of y.
    factors : ndarray of shape (n_classes,) or None
        Weights of the classes.
    """

    rows: Rows
    targets: Targets
    factors: np.ndarray | None


def learn_rows(
    model: Model, X: Features, y: ArrayLike, sample_weight: ArrayLike | None, warm: bool = False
) -> Learned:
    """Validate X and y, and learn their targets; a warm start keeps those of the last fit."""
    data, values = _validated(model, X, y, reset=True, dtype=FLOATS)
    weights = None if sample_weight is None else check_weights(sample_weight, data)
    targets, encoded = model._learn_targets(values, weights, data.dtype)
    factors = None if model.class_weight is None else model._class_factors(encoded, targets)
    if warm:
        before: Any = model._known_targets()
        known = targets.going_on_from(before)
        if known is not targets:
            targets, encoded = known, known.encode(model._checked_y(values), data.dtype)
    return Learned(_weighted(data, encoded, weights, factors), targets, factors)


def hold_out(
    model: Model,
    learned: Learned,
    X_val: Features | None = None,
    y_val: ArrayLike | None = None,
    sample_weight_val: ArrayLike | None = None,
) -> tuple[Rows, Rows | None]:
    """Return the rows to train on, and those to validate on after each epoch."""
    rows = learned.rows
    held_out = None
    if X_val is not None and y_val is not None:
        held_out = validation_rows(model, learned, X_val, y_val, sample_weight_val)
    elif not (X_val is None and y_val is None and sample_weight_val is None):
        raise ValueError("X_val and y_val must be given together")
    elif model.early_stopping:
        rows, held_out = _split(model, rows)
    if held_out is not None and held_out.used < model._fewest_to_score:
        raise ValueError(
            f"{type(model).__name__}: validation needs at least {model._fewest_to_score} rows, "
            f"got {held_out.used}"
        )
    return rows, held_out


def validation_rows(
    model: Model,
    learned: Learned,
    X: Any,
    y: Any,
    sample_weight: ArrayLike | None,
) -> Rows:
    """Return rows held out as an engine takes them, with the targets of those to train on."""
    targets, dtype = learned.targets, learned.rows.X.dtype
    try:
        plain = type(X) is np.ndarray and targets.is_plain(y, len(X))
        if not (plain and _knows(model, X) and X.dtype == dtype):
            X, y = _validated(model, X, y, reset=False, dtype=dtype)
        weights = check_weights(sample_weight, X)
        known = plain and isinstance(targets, ClassTargets)  # or `encode` says which are not
        encoded = targets.encode(y if known else model._checked_y(y), dtype)
    except (TypeError, ValueError) as error:
        raise type(error)(f"X_val, y_val: {error}") from error
    return _weighted(X, encoded, weights, learned.factors)


def chunk_rows(
    model: Model,
    X: Features,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    classes: ArrayLike | None,
    first: bool,
) -> tuple[Rows, Targets, np.ndarray]:
    """Validate a chunk, of which the first tells the targets; return y as it is, too."""
    dtype = FLOATS if first else known_dtype(model)
    data, values = _validated(model, X, y, reset=first, dtype=dtype)
    weights = check_weights(sample_weight, data)
    targets = model._targets_of_chunk(values, weights, first, classes)
    values = model._checked_y(values)
    encoded = targets.encode(values, data.dtype)
    rows = _weighted(data, encoded, weights, model._class_factors(encoded, targets))
    return rows, targets, values


def plain_chunk(model: Model, X: Any, y: Any, spec: ModelSpec) -> Rows | None:
    """Return rows that need no validation, which costs more than a step; None for others."""
    if (
        model.class_weight is None
        and "feature_names_in_" not in model.__dict__
        and is_plain_chunk(X, spec.dtype, model.n_features_in_)
        and spec.targets.is_plain(y, X.shape[0])
    ):
        check_sparse(X)  # engines look, too, but after an order is drawn and scales have moved
        return Rows(X, spec.targets.encode(y, spec.dtype))
    return None


def rows_to_predict(model: Model, X: Features) -> Matrix:
    """Validate the rows of a prediction."""
    check_is_fitted(model)
    if _knows(model, X):
        return X
    check_sparse(X)
    return validate_data(model, X, reset=False, dtype=FLOATS, **ORDER)


def _knows(model: Model, X: Features) -> bool:
    """Return whether rows are as they must be, which takes long to find out otherwise."""
    return "feature_names_in_" not in model.__dict__ and is_plain(X, model.n_features_in_)


def _validated(
    model: Model, X: Any, y: Any, reset: bool, dtype: DTypeLike | list[type]
) -> tuple[Matrix, np.ndarray]:
    if reset and dtype is FLOATS and need_no_validation(X, y):
        model.n_features_in_ = X.shape[1]
        model.__dict__.pop("feature_names_in_", None)
        return X, y
    check_sparse(X)
    check_sparse(y, "y")
    options = model._y_options(y)
    X, y = validate_data(model, X, y, reset=reset, dtype=dtype, **ORDER, **options)
    return ready_rows(X), y


def _weighted(
    X: Matrix, y: np.ndarray, sample_weight: np.ndarray | None, factors: np.ndarray | None
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


def _split(model: Model, rows: Rows) -> tuple[Rows, Rows]:
    """Split rows into those to train on, which stay where they lie, and a copy of the rest."""
    from sklearn.model_selection import train_test_split

    every = np.arange(rows.X.shape[0], dtype=np.int64)
    # A score of rows that weigh nothing would say nothing.
    used = every if rows.weights is None else every[rows.weights > 0]
    try:
        _, rest = train_test_split(
            used,
            test_size=model.validation_fraction,
            stratify=rows.y[used] if rows.y.ndim == 1 else None,
            random_state=check_random_state(model.random_state).randint(2**31 - 1),
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping: validation_fraction={model.validation_fraction!r} cannot be held "
            f"out of {len(used)} rows ({error}); give X_val and y_val"
        ) from error
    rest.sort()
    index = np.delete(every, rest)
    return replace(rows, chosen=index), rows.taken(rest)
