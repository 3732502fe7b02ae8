"""Boundaries: sequences of lengths at which a schedule changes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .rule import Epochs, Run, check_length, to_steps


def check_boundaries(values: Any, name: str) -> None:
    """Raise unless `values` is an increasing sequence of lengths.

    Neighbours of different kinds can only be compared in a run: see `boundary_steps`.
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
    """Return checked boundaries in steps; a short run may make neighbours equal."""
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
