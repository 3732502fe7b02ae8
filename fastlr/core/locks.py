"""Locks that belong to objects, and that a forked child never finds held by a thread it lacks."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

LOCK = "_lock"  # the attribute, which pickles leave out

_OWNERS: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_REPAIRS: list[Callable[[Any], None]] = []


class Owner:
    """Something to have a lock where there is no other object."""


def lock_of(owner: Any) -> threading.RLock:  # type: ignore[valid-type]  # a function before 3.13
    """Return the lock of an object, the same for all threads."""
    lock = owner.__dict__.get(LOCK)
    if lock is None:
        lock = owner.__dict__.setdefault(LOCK, threading.RLock())
        _OWNERS[id(owner)] = owner
    return lock


def in_forked_child(repair: Callable[[Any], None]) -> Callable[[Any], None]:
    """Have a forked child call a function on all objects that have a lock."""
    _REPAIRS.append(repair)
    return repair


def _free_locks() -> None:
    """Renew locks of threads that were left behind; those of the forking thread stay held."""
    for owner in list(_OWNERS.values()):
        lock = owner.__dict__.get(LOCK)
        if lock is not None and lock.acquire(blocking=False):
            lock.release()
        elif lock is not None:
            owner.__dict__[LOCK] = threading.RLock()
        for repair in _REPAIRS:
            repair(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_locks)
