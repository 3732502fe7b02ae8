"""Turns of threads at steppers in Python, as the compiled stepper has them itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ...core.locks import lock_of


class Turns:
    """Something that one thread uses at a time: ``with`` waits for the others."""

    def __enter__(self) -> Any:
        lock_of(self).acquire()
        return self

    def __exit__(self, *_: object) -> None:
        lock_of(self).release()


def in_turn(method: Callable[..., int]) -> Callable[..., int]:
    """Return a method that other threads wait for."""

    @functools.wraps(method)
    def call(self: Turns, *arguments: Any) -> int:
        with self:
            return method(self, *arguments)

    return call
