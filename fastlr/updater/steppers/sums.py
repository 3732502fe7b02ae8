"""What a stepper needs of a rule that sums over elements first, and how its scalars are saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...kernels.find.update import SummingKernels
from ..rule import UpdateRule


class BoundSums:
    """Kernels and scalars of one updater."""

    def __init__(self, kernels: SummingKernels, shared: bool, scalars: np.ndarray) -> None:
        self.kernels, self.shared, self.scalars = kernels, shared, scalars

    @property
    def tail(self) -> int:
        """How many values stand behind the host's coefficients in a row."""
        return len(self.kernels.scalars) + self.kernels.n_derived

    def save(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the scalars by name: numbers if shared, else dicts by parameter name."""
        return {
            scalar: float(column[0])
            if self.shared
            else dict(zip(names, map(float, column), strict=True))
            for scalar, column in zip(self.kernels.scalars, self.scalars.T, strict=True)
        }

    def read(self, saved: Any, names: Sequence[str]) -> np.ndarray:
        """Check what `save` returned and return it as an array like `scalars`."""
        label = "state_dict['scalars']"
        _check_keys(saved, self.kernels.scalars, label)
        found = np.empty_like(self.scalars)
        for k, scalar in enumerate(self.kernels.scalars):
            if self.shared:
                found[0, k] = _number(saved[scalar], f"{label}[{scalar!r}]")
                continue
            _check_keys(saved[scalar], names, f"{label}[{scalar!r}]")
            for i, name in enumerate(names):
                found[i, k] = _number(saved[scalar][name], f"{label}[{scalar!r}][{name!r}]")
        return found


def start_sums(optimizer: UpdateRule, kernels: SummingKernels, count: int) -> BoundSums:
    """Start the scalars of a rule over `count` arrays."""
    shared = optimizer.scope == "all"
    start = optimizer.initial_scalars()
    row = [float(start.get(name, 0.0)) for name in kernels.scalars]
    return BoundSums(kernels, shared, np.tile(np.array(row), (1 if shared else count, 1)))


def _check_keys(given: Any, names: Sequence[str], label: str) -> None:
    if not isinstance(given, Mapping):
        raise TypeError(f"{label} must be a dict, got {type(given).__name__}")
    if set(given) != set(names):
        raise ValueError(f"{label} must have keys {sorted(names)}, got {sorted(given)}")


def _number(value: Any, label: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{label} must be a number, got {value!r}")
    return float(value)
