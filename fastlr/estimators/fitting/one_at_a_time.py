"""Calls that learn: one at a time for each model, which a refusal leaves as it was."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from ...core.locks import LOCK, lock_of
from ..models.model import Model

# What is set before training begins: by scikit-learn while it validates, and by searches.
_EARLY = "n_features_in_", "feature_names_in_", "optimizer_", "alpha_", "n_epochs_"

M = TypeVar("M", bound=Model)
P = ParamSpec("P")
R = TypeVar("R")


def one_at_a_time(learn: Callable[Concatenate[M, P], R]) -> Callable[Concatenate[M, P], R]:
    """Have calls with the same model wait for each other; others run side by side."""

    @functools.wraps(learn)
    def alone(model: M, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with model.__dict__.get(LOCK) or lock_of(model):
            return learn(model, *args, **kwargs)

    return alone


def unchanged_if_refused(learn: Callable[Concatenate[M, P], R]) -> Callable[Concatenate[M, P], R]:
    """Have calls that raise before training begins leave the model with its columns."""

    @functools.wraps(learn)
    def careful(model: M, /, *args: P.args, **kwargs: P.kwargs) -> R:
        known = model.__dict__
        session, before = known.get("_session"), {n: known[n] for n in _EARLY if n in known}
        try:
            return learn(model, *args, **kwargs)
        except BaseException:
            if known.get("_session") is session:
                for name in _EARLY:
                    known.pop(name, None)
                known.update(before)
            raise

    return careful
