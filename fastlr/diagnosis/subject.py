"""Subject of a diagnosis: a history, and the settings of its estimator if known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.sklearn_versions import check_is_fitted


@dataclass(frozen=True)
class Subject:
    """A history, and the settings of its estimator if known."""

    history: dict[str, np.ndarray]  # columns of shape (n_epochs,)
    params: dict[str, Any] = field(default_factory=dict)  # of the estimator's constructor
    lr: float = float("nan")  # multiplied by the schedule; NaN if unknown
    chunks: int = 0  # of the calls of `partial_fit` that are judged; 0: it is the epochs of `fit`


def subject_of(given: Any) -> Subject:
    """Return the subject for an estimator or a mapping; raise if it has no usable losses."""
    if isinstance(given, Mapping):
        history = _checked(given)
        rates = history.get("lr", np.empty(0))
        rates = rates[np.isfinite(rates)]
        return Subject(history, {}, float(rates.max()) if len(rates) else float("nan"))
    model = _innermost(given)
    if not hasattr(type(model), "history_"):
        raise TypeError(
            "estimator_or_history must be a fitted estimator of fastlr, a pipeline or search that "
            f"ends in one, or a dict with 'loss', got {type(given).__name__}"
        )
    check_is_fitted(model)
    params = model.get_params(deep=False)
    for name, found in (
        ("optimizer", "optimizer_"),
        ("alpha", "alpha_"),
        ("max_epochs", "n_epochs_"),
    ):
        if params.get(name) == "auto":
            params[name] = getattr(model, found)
    lr = float(getattr(model, "lr_", np.nan))
    return Subject(_checked(model.history_), params, lr)


def _innermost(given: Any) -> Any:
    """Return the estimator inside searches and pipelines."""
    while True:
        if hasattr(given, "best_estimator_"):
            given = given.best_estimator_
        elif hasattr(given, "steps") and given.steps:
            given = given.steps[-1][1]
        else:
            return given


def _checked(given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    if "loss" not in given:
        raise ValueError(f"history must have 'loss', got {', '.join(map(str, given)) or 'nothing'}")
    history: dict[str, np.ndarray] = {}
    for name, values in given.items():
        if name in _COLUMNS or name == "loss":
            history[name] = _column(name, values)
    length = len(history["loss"])
    for name, column in history.items():
        if len(column) != length:
            raise ValueError(
                f"history[{name!r}] must have as many values as history['loss'], {length}, "
                f"got {len(column)}"
            )
    return {**given, **history}


def _column(name: str, values: Any) -> np.ndarray:
    if isinstance(values, (list, tuple)):  # null in JSON means NaN
        values = [np.nan if value is None else value for value in values]
    try:
        column = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"history[{name!r}] must hold numbers, got {values!r}") from None
    if column.ndim != 1:
        raise ValueError(f"history[{name!r}] must have one dimension, got shape {column.shape}")
    return column


_COLUMNS = (
    "validation_loss",
    "lr",
    "gradient_norm",
    "movement",
    "alignment",
    "start_loss",
    "end_loss",
    "constant_loss",
    "smallest_feature",
    "largest_feature",
    "dead_units",
    "diverged",
    "straightness",
)
