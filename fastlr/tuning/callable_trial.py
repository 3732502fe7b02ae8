"""A range test of anything that has parameters, a loss and its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..optimizers.optimizer import Optimizer
from ..updater.arrays import check_parameters


class CallableTrial:
    """Trains copies of parameters by a function that returns loss and gradients."""

    def __init__(
        self, loss_and_grads: Callable[..., tuple[Any, Any]], params: Any, optimizer: Optimizer
    ) -> None:
        self._function = loss_and_grads
        self._start = check_parameters(params)
        if self._start.on_device:
            raise TypeError("params must be NumPy arrays; find_lr runs on the CPU")
        self._values = [array.copy(order="K") for array in self._start.arrays]
        self.optimizer = optimizer
        self.label = getattr(loss_and_grads, "__name__", type(loss_and_grads).__name__)

    def start(self, optimizer: Optimizer, n_steps: int, seed: int) -> Callable[[], float]:
        """Return what makes a step; see `Trial`."""
        params = self._start.like_given([value.copy(order="K") for value in self._values])
        updater = optimizer.replace(nonfinite="skip").bind(params, total_steps=n_steps)
        rng = np.random.default_rng(seed)

        def step() -> float:
            with np.errstate(all="ignore"):  # divergence is expected here
                loss, grads = self._function(params, rng)
            loss = float(loss)
            if math.isfinite(loss):
                updater.step(grads)
                if updater.skipped:
                    return math.nan
            return loss

        return step
