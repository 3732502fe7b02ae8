"""Split off a test set, and prepare features for linear models."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from .task import MAX_CATEGORIES, MIN_FREQUENCY, Task


class Split(NamedTuple):
    """Prepared rows to train on and to test on; `prepare` was fitted on the training rows."""

    prepare: Any
    X_train: np.ndarray
    X_test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray


def split(task: Task, test_size: float, seed: int) -> Split:
    """Split a task, every class in proportion, and prepare its features.

    Numbers are standardised and come first, then a column for each category.
    """
    from sklearn.model_selection import train_test_split

    rows, classes = len(task.y), len(np.unique(task.y))
    tested = math.ceil(test_size * rows)
    if min(tested, rows - tested) < classes:
        raise InputError(
            "--test-size",
            f"{test_size:g} of {rows:,} rows leaves {rows - tested:,} to train on and {tested:,} "
            f"to test on; each part needs {classes:,} at least, one for every class",
        )
    train, test = train_test_split(
        np.arange(rows), test_size=tested, stratify=task.y, random_state=seed
    )
    X = task.X.iloc if hasattr(task.X, "iloc") else task.X
    prepare = transformer(task)
    X_train = np.ascontiguousarray(prepare.fit_transform(X[train]))
    X_test = np.ascontiguousarray(prepare.transform(X[test]))
    return Split(prepare, X_train, X_test, task.y[train], task.y[test])


def transformer(task: Task) -> Any:
    """Return the unfitted transformer from a task's features to a dense matrix of numbers."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if not task.numeric and not task.categorical:
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
    return ColumnTransformer(
        [("numbers", numbers, task.numeric), ("categories", categories, task.categorical)]
    )


def describe(parts: Split) -> str:
    """Return how many rows, features and classes a split has."""
    rows, features = parts.X_train.shape
    return (
        f"{rows:,} rows to train on and {len(parts.X_test):,} to test on, {features:,} features, "
        f"{len(np.unique(parts.y_train)):,} classes"
    )
