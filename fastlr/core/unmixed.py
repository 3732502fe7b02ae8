"""Reading an object while another thread changes it, without waiting for long and without mixtures.

The writer makes a counter odd while it writes. A reader that finds the counter even, and the same
before and after, has seen one state; else it reads again (a sequence lock).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .locks import lock_of

CLOCK = "_clock"  # the attribute; twice the number of changes, and one more during a change

T = TypeVar("T")
_TRIES = 3
_PATIENCE = 1e-3  # seconds to wait for the writer before the next look


class changing:  # noqa: N801  (used like a function; a generator would take a microsecond)
    """Have readers know that an object is being changed; the caller holds its lock."""

    __slots__ = ("_state",)

    def __init__(self, owner: Any) -> None:
        self._state = owner.__dict__

    def __enter__(self) -> None:
        self._state[CLOCK] = self._state.get(CLOCK, 0) | 1

    def __exit__(self, *_: object) -> None:
        self._state[CLOCK] += 1


def version(owner: Any) -> int:
    """Return how many changes an object has seen."""
    return int(owner.__dict__.get(CLOCK, 0)) // 2


def unmixed(owner: Any, read: Callable[[], T]) -> T:
    """Return what `read` finds in one state of an object, which other threads may be changing."""
    state = owner.__dict__
    while True:
        for _ in range(_TRIES):
            before = state.get(CLOCK, 0)
            if not before & 1:
                found = read()
                if state.get(CLOCK, 0) == before:
                    return found
        lock = lock_of(owner)
        if lock.acquire(timeout=_PATIENCE):
            try:
                return read()
            finally:
                lock.release()
