"""Make a task of a file: the target column, and what the other columns are.

Everything that would make training fail, or succeed and mislead, is reported here: a target that
is a quantity, a class with a single row, a column that only counts the rows.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from ...estimators.data.date_parts import PARTS, holds_dates
from ..errors import InputError
from .raw import Raw, Reading
from .read import check_size, read
from .target import CLASSES, read_target

if TYPE_CHECKING:
    import pandas as pd

MIN_FREQUENCY = 5  # rows a category needs for a column of its own; rarer ones share one
MAX_CATEGORIES = 100


@dataclass
class Task:
    """Features, target and notes about them.

    `numeric`, `categorical` and `dates` name the columns of a frame that are used; all are empty
    if `X` is a matrix, dense or sparse, which is used whole.
    """

    X: Any
    y: np.ndarray
    numeric: list[str] = field(default_factory=list)
    categorical: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    kind: str = CLASSES


def read_task(
    path: Path, target: str | None, drop: Sequence[str], reading: Reading, kind: str = CLASSES
) -> Task:
    """Read a file and return its task."""
    return task(read(path, target, reading), target, drop, reading, kind)


def task(
    raw: Raw, target: str | None, drop: Sequence[str], reading: Reading, kind: str = CLASSES
) -> Task:
    """Return the task in a file, without the rows that lack a target.

    `target` and the columns to `drop` are names or positions; `kind` is as in `read_target`.
    One-hot columns count towards the memory limit of `reading` too.
    """
    if raw.frame is None:
        assert raw.X is not None
        assert raw.y is not None
        if drop:
            raise InputError("--drop", "only CSV and Parquet files have columns to leave out")
        X, y = _with_target(raw.X, raw.y, raw.notes)
        if np.isinf(getattr(X, "data", X) if sparse.issparse(X) else X).any():
            raise InputError("FILE", "the features hold infinite values")
        y, kind = read_target(y, "the target", kind)
        return Task(X, y, notes=raw.notes, kind=kind)
    frame = raw.frame
    if target is None:
        raise InputError("--target", f"name the column to predict; {_there(frame)}")
    name = find_column(frame, target, "--target")
    unused = {find_column(frame, column, "--drop") for column in drop}
    if name in unused:
        raise InputError("--drop", f"column '{name}' is the target")
    frame, y = _with_target(frame, frame[name], raw.notes)
    y, kind = read_target(y.to_numpy(), f"column '{name}'", kind)
    result = Task(frame.drop(columns=name), y, notes=raw.notes, kind=kind)
    for column in result.X.columns:
        if column not in unused:
            _sort_column(result, column)
    if not result.numeric and not result.categorical and not result.dates:
        raise InputError("FILE", f"no column is left to learn from; {_there(frame)}")
    columns = (
        len(result.numeric)
        + len(PARTS) * len(result.dates)
        + sum(min(result.X[column].nunique() + 1, MAX_CATEGORIES) for column in result.categorical)
    )
    check_size(len(result.X), columns, "with a column for each category, the file has", reading)
    return result


def find_column(frame: pd.DataFrame, wanted: str, option: str) -> str:
    """Return a column's name, given that name or else its position; `option` is for errors."""
    names = list(frame.columns)
    if wanted in names:
        return wanted
    try:
        position = int(wanted)
    except ValueError:
        lowered = {name.lower(): name for name in reversed(names)}
        close = difflib.get_close_matches(wanted.lower(), lowered, n=3, cutoff=0.6)
        hint = " or ".join(f"'{lowered[c]}'" for c in close)
        said = f"did you mean {hint}?" if close else _there(frame)
        raise InputError(option, f"no column '{wanted}'; {said}") from None
    if not -len(names) <= position < len(names):
        raise InputError(
            option, f"no column '{wanted}', and no position {position} among {len(names)} columns"
        )
    return names[position]


def _there(frame: pd.DataFrame) -> str:
    """Return the names of the columns, for errors."""
    names = list(frame.columns)
    shown = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"columns: {shown}"


def _with_target(X: Any, y: Any, notes: list[str]) -> tuple[Any, Any]:
    """Return the rows that have a target."""
    import pandas as pd

    missing = np.asarray(pd.isna(y))
    if missing.all():
        raise InputError("--target", "the target is missing in every row")
    if missing.any():
        notes.append(f"{missing.sum():,} rows without a target left out")
        X, y = X[~missing], y[~missing]
    return X, y


def _sort_column(task: Task, column: str) -> None:
    """Append a column to the numeric or categorical ones, or say why it is left out."""
    from pandas.api import types

    values = task.X[column]
    if values.dtype == object and {type(v) for v in values.dropna()} == {int}:
        values = task.X[column] = values.astype(np.float64)  # integers of more than 64 bits
    if values.isna().all():
        task.notes.append(f"column '{column}' is empty: left out")
    elif holds_dates(values):
        parts = "year, month, day, day of the week and hour"
        task.notes.append(f"column '{column}' holds dates: taken apart into {parts}")
        task.dates.append(column)
    elif types.is_timedelta64_dtype(values):
        task.notes.append(f"column '{column}' holds durations: left out")
    elif types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isinf(numbers).any():
            raise InputError("FILE", f"column '{column}' holds infinite values")
        if column.startswith("Unnamed: ") and np.array_equal(numbers, np.arange(len(numbers))):
            task.notes.append(f"column '{column}' counts the rows: left out")
        else:
            task.numeric.append(column)
    else:
        _sort_texts(task, column)


def _sort_texts(task: Task, column: str) -> None:
    """Append a column of text to the categorical ones, or say why it is left out."""
    import pandas as pd

    values = task.X[column]
    kinds = {type(v).__name__ for v in values.dropna().head(1000)}
    allowed = {"str", "bool"} | (
        {"int"} if isinstance(values.dtype, pd.CategoricalDtype) else set()
    )
    if not kinds <= allowed or len(kinds) > 1:
        raise InputError(
            "FILE",
            f"column '{column}' holds values of type {', '.join(sorted(kinds))}, expected "
            f"numbers or text; leave it out with --drop {column}",
        )
    if len(values) > 20 and values.nunique() == len(values):
        task.notes.append(f"column '{column}' has a different text in every row: left out")
        return
    if getattr(values.dtype, "na_value", None) is pd.NA and values.isna().any():
        # scikit-learn's encoder takes None and NaN, not NA.
        task.X[column] = values.astype(object).where(values.notna(), None)
        task.notes.append(f"column '{column}': NA became None; replace it in rows to predict too")
    task.categorical.append(column)
