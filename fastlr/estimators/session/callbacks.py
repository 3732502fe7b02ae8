"""Epochs as the tasks of scikit-learn's callbacks: progress bars, monitors, and the like."""

from __future__ import annotations

import copy
from typing import Any

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ...core.sklearn_versions import callback_context
from ..data.rows import Features


class Tasks:
    """Tells callbacks of the tasks of one fit."""

    def __init__(self, model: BaseEstimator, context: Any, name: str, data: dict[str, Any]) -> None:
        self._model, self._fit, self._name, self._data = model, context, name, data
        self._task: Any = None
        self._begun = self._told = 0
        context.call_on_fit_task_begin(estimator=model, **data)

    def begin(self) -> None:
        """Begin a task; one that was told of before the fit started again is not told twice."""
        self._begun += 1
        if self._begun <= self._told:
            return
        self._told += 1
        self._task = self._fit.subcontext(task_name=self._name)
        self._task.call_on_fit_task_begin(estimator=self._model, **self._data)

    def end(self) -> bool:
        """End a task, the model being up to date, and return whether a callback says stop."""
        task, self._task = self._task, None
        return task is not None and bool(
            task.call_on_fit_task_end(
                estimator=self._model, reconstruction_attributes=self._fitted, **self._data
            )
        )

    def again(self) -> None:
        """Begin from the first task, after one that did not finish perhaps."""
        self._drop()
        self._begun = 0

    def _drop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.call_on_fit_task_end(estimator=self._model)

    def close(self) -> None:
        """End the fit, and first a task that did not finish."""
        self._drop()
        self._fit.call_on_fit_task_end(
            estimator=self._model, reconstruction_attributes=self._fitted, **self._data
        )

    def _fitted(self) -> dict[str, Any]:
        """Return copies of the fitted attributes, which training will not change any more."""
        return {k: copy.deepcopy(v) for k, v in vars(self._model).items() if k.endswith("_")}


def tasks_of(
    model: BaseEstimator,
    name: str,
    most: int | None,
    X: Features | None = None,
    y: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Tasks | None:
    """Return what tells callbacks of the tasks of a fit, `most` at most; None without any."""
    context = callback_context(model, most)
    if context is None:
        return None
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    return Tasks(model, context, name, {"X": X, "y": y, "metadata": metadata})
