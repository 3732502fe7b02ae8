"""Learning in several threads: one call at a time for each model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from ...core.locks import LOCK, lock_of
from ..models.model import Model

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
