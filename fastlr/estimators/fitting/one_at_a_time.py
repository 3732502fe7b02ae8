"""Learning in several threads: one call at a time for each model."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from ..models.model import Model

LOCK = "_lock"  # the attribute, which pickles leave out

M = TypeVar("M", bound=Model)
P = ParamSpec("P")
R = TypeVar("R")


def one_at_a_time(learn: Callable[Concatenate[M, P], R]) -> Callable[Concatenate[M, P], R]:
    """Have calls with the same model wait for each other; others run side by side."""

    @functools.wraps(learn)
    def alone(model: M, /, *args: P.args, **kwargs: P.kwargs) -> R:
        lock = model.__dict__.get(LOCK)
        if lock is None:
            lock = model.__dict__.setdefault(LOCK, threading.RLock())
        with lock:
            return learn(model, *args, **kwargs)

    return alone
