"""Sequences of lengths: the points in time at which a schedule changes course."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .lengths import Epochs, Run, check_length, to_steps


def check_boundaries(values: Any, name: str) -> None:
    """Raise unless `values` is a sequence of lengths in order of time.

    Parameters
    ----------
    values : object
        What the user gave. Neighbours of different kinds can only be compared in a run.
    name : str
        What to call it in the message.

    Raises
    ------
    TypeError
        If it is no sequence, or something in it is no length.
    ValueError
        If it is empty, a length is out of range, or one is not after the one before.
    """
    if not isinstance(values, (list, tuple, np.ndarray)):
        raise TypeError(f"{name} must be a list or tuple of lengths, got {values!r}")
    if not len(values):
        raise ValueError(f"{name} must have at least one length, got {values!r}")
    for k, value in enumerate(values):
        check_length(value, f"{name}[{k}]", 1)
    for a, b in itertools.pairwise(values):
        if _kind(a) == _kind(b) and not _size(a) < _size(b):
            raise ValueError(f"{name} must increase, got {b!r} after {a!r}")


def boundary_steps(values: Any, name: str, run: Run) -> np.ndarray:
    """Return the boundaries in steps.

    Parameters
    ----------
    values : sequence of int, float or Epochs
        Boundaries that have been checked.
    name : str
        What to call them in messages.
    run : Run
        The run they are a part of.

    Returns
    -------
    ndarray of float64
        Steps in order; equal ones where a short run leaves nothing between them.

    Raises
    ------
    ValueError
        If the run's length or that of an epoch is needed and not known, or boundaries of
        different kinds come out of order.
    """
    steps = [to_steps(value, f"{name}[{k}]", run) for k, value in enumerate(values)]
    for k, (a, b) in enumerate(itertools.pairwise(steps)):
        if b < a:
            raise ValueError(
                f"{name} must increase; in this run {values[k]!r} is step {a} and "
                f"{values[k + 1]!r} is step {b}"
            )
    return np.array(steps, dtype=np.float64)


def _kind(value: Any) -> str:
    if isinstance(value, Epochs):
        return "epochs"
    return "fraction" if value < 1 else "steps"


def _size(value: Any) -> float:
    return value.n if isinstance(value, Epochs) else value
