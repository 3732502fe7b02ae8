"""Split off a test set, and prepare features for linear models and networks."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ...estimators.data.date_parts import DateParts
from ..errors import InputError
from .target import CLASSES
from .task import MAX_CATEGORIES, MIN_FREQUENCY, Task


class Split(NamedTuple):
    """Prepared rows to train on and to test on; `prepare` was fitted on the training rows."""

    prepare: Any
    X_train: Any
    X_test: Any
    y_train: np.ndarray
    y_test: np.ndarray
    kind: str


def split(task: Task, test_size: float, seed: int) -> Split:
    """Split a task, every class in proportion, and prepare its features.

    Numbers are standardised and come first, then the parts of dates, then a column for each
    category.
    """
    from sklearn.model_selection import train_test_split

    rows, strata = len(task.y), task.y if task.kind == CLASSES else None
    least = 2 if strata is None else len(np.unique(strata))
    tested = math.ceil(test_size * rows)
    if min(tested, rows - tested) < least:
        reason = "" if strata is None else ", one for every class"
        raise InputError(
            "--test-size",
            f"{test_size:g} of {rows:,} rows leaves {rows - tested:,} to train on and {tested:,} "
            f"to test on; each part needs {least:,} at least{reason}",
        )
    train, test = train_test_split(
        np.arange(rows), test_size=tested, stratify=strata, random_state=seed
    )
    X = task.X.iloc if hasattr(task.X, "iloc") else task.X
    prepare = transformer(task)
    X_train = in_rows(prepare.fit_transform(X[train]))
    X_test = in_rows(prepare.transform(X[test]))
    return Split(prepare, X_train, X_test, task.y[train], task.y[test], task.kind)


def in_rows(X: Any) -> Any:
    """Return features row by row in memory."""
    return X.tocsr() if sparse.issparse(X) else np.ascontiguousarray(X)


def transformer(task: Task) -> Any:
    """Return the unfitted transformer from a task's features to a matrix of numbers.

    It is dense but for sparse features, which are divided by the largest size in their column.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

    if sparse.issparse(task.X):
        return MaxAbsScaler()
    if not hasattr(task.X, "columns"):
        if task.X.dtype.kind == "f" and np.isnan(task.X).any():
            return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
        return StandardScaler()
    # New rows may lack what these never do, so the imputer is always there.
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=MIN_FREQUENCY,
        max_categories=MAX_CATEGORIES,
        sparse_output=False,
    )
    parts = [("numbers", numbers, task.numeric)]
    if task.dates:
        of_dates = make_pipeline(
            DateParts(), SimpleImputer(keep_empty_features=True), StandardScaler()
        )
        parts.append(("dates", of_dates, task.dates))
    return ColumnTransformer([*parts, ("categories", categories, task.categorical)])


def describe(parts: Split) -> str:
    """Return how many rows and features a split has, and what is to be predicted."""
    rows, features = parts.X_train.shape
    y = parts.y_train
    goal = f"{len(np.unique(y)):,} classes"
    if parts.kind != CLASSES:
        goal = f"a quantity from {y.min():.4g} to {y.max():.4g}"
    return (
        f"{rows:,} rows to train on and {parts.X_test.shape[0]:,} to test on, "
        f"{features:,} features, {goal}"
    )
