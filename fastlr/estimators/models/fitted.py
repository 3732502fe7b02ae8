"""Fitted attributes that are computed when they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.locks import in_forked_child, lock_of
from .model import Model


@in_forked_child
def _compute_again(model: Any) -> None:
    """Mark attributes that another thread was writing when the process was forked."""
    if model.__dict__.get("_stale") is False:
        model.__dict__["_stale"] = True


def refresh(model: Model) -> None:
    """Bring the fitted attributes of a model up to date; threads that predict wait for each other.

    ``_stale`` is True in a model whose attributes are behind, and False while they are written.
    """
    state = model.__dict__
    if "_stale" in state:
        with lock_of(model):  # no other thread learns meanwhile
            if state.get("_stale"):
                model._publish(state["_session"])


class FittedParameter:
    """A fitted attribute that is computed when it is asked for, once after each training.

    `partial_fit` on a single row takes microseconds; working out the fitted attributes of a
    large model each time would take longer than training it.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, model: Model | None, owner: type | None = None) -> Any:
        if model is None:
            return self
        refresh(model)
        try:
            return model.__dict__[self._name]
        except KeyError:
            raise AttributeError(
                f"{type(model).__name__!r} object has no attribute {self._name!r}"
            ) from None

    def __set__(self, model: Model, value: Any) -> None:
        refresh(model)  # the others are then known not to be the user's
        model.__dict__[self._name] = value


class CoefOfVector(FittedParameter):
    """``coef_`` of a regressor: one-dimensional where the targets were, as scikit-learn has it.

    It is a view of the row that training and prediction know.
    """

    def __set__(self, model: Model, value: Any) -> None:
        vector = getattr(model, "_vector", False) and isinstance(value, np.ndarray)
        super().__set__(model, value[0] if vector and value.ndim == 2 else value)
