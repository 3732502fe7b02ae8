"""What an updater tells of itself: rates, norms, averaged parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Parameters
from .rule import UpdateRule
from .timetable import Timetable

AVERAGE = "average"  # how the averaged parameters are called in a state dict


class Figures:
    """Base of `Updater`, which sets the attributes."""

    optimizer: UpdateRule
    backend: str
    _bound: Parameters
    _timetable: Timetable
    _stepper: Any
    _state: dict[str, list[Any]]
    _last: tuple[int, float, float | None] | None

    @property
    def lr(self) -> float:
        """Learning rate of the next step."""
        return self._rates(self._stepper.t)[0]

    @property
    def momentum(self) -> float | None:
        """Momentum of the next step."""
        return self._rates(self._stepper.t)[1]

    @property
    def averaged(self) -> Any:
        """Copies of the averaged parameters."""
        optimizer = self.optimizer
        if not optimizer.averages:
            raise AttributeError("averaged: the optimizer was made without average=")
        if optimizer.average is None:
            return self._bound.like_given(self._evaluated())
        if self.backend == "cuda":
            return self._bound.like_given(self._stepper.averaged(self._state[AVERAGE]))
        source = self._state[AVERAGE] if self._stepper.t else self._bound.arrays
        return self._bound.like_given([a.copy() for a in source])

    def stats(self) -> dict[str, Any]:
        """Return figures of the last step; asking for them costs nothing.

        Returns
        -------
        dict
            ``t``, steps made; ``lr`` and ``momentum`` of the last step made, group factors
            apart (None before the first, and where there is no momentum); ``grad_norm``, the norm
            of all gradients that `step` was last given, before clipping, None where nothing
            asked for norms (``clip_norm`` and ``nonfinite`` do) or nothing was given yet;
            ``param_norm``, the norm of all parameters before the last step that was measured,
            ``update_norm``, that of what it changed in them, decay and all else included, and
            ``update_ratio``, the second over the first: None where no step was measured
            (``measure_updates`` of `bind` asks for it; CUDA cannot), the ratio also where all
            parameters were zero; ``skipped``, steps not made because a gradient was not finite;
            ``last_skipped``, the name of the first parameter whose gradient was not finite at the
            last of these, None if none was skipped.

        Examples
        --------
        >>> import numpy as np
        >>> from fastlr import SGD
        >>> w = np.zeros(2)
        >>> updater = SGD(lr=0.5, clip_norm=9.0).bind({"w": w}, measure_updates=True)
        >>> for _ in range(2):
        ...     updater.step({"w": np.array([3.0, 4.0])})
        >>> updater.stats()  # doctest: +NORMALIZE_WHITESPACE
        {'t': 2, 'lr': 0.5, 'momentum': None, 'grad_norm': 5.0, 'param_norm': 2.5,
         'update_norm': 2.5, 'update_ratio': 1.0, 'skipped': 0, 'last_skipped': None}
        """
        _, lr, momentum = self._last_rates() or (0, None, None)
        stepper = self._stepper
        norm, before, moved = stepper.norm, stepper.param_norm, stepper.update_norm
        return {
            "t": self._stepper.t,
            "lr": lr,
            "momentum": momentum,
            "grad_norm": None if norm < 0 else norm,
            "param_norm": None if before < 0 else before,
            "update_norm": None if moved < 0 else moved,
            "update_ratio": moved / before if before > 0 else None,
            "skipped": self._stepper.skipped,
            "last_skipped": self._last_skipped,
        }

    @property
    def _last_skipped(self) -> str | None:
        culprit = self._stepper.culprit
        return self._bound.names[culprit] if culprit >= 0 else None

    def _last_rates(self) -> tuple[int, float, float | None] | None:
        """Return the number, rate and momentum of the last step, as they were at that step."""
        if self._stepper.t == 0:
            return None
        if self._last is not None and self._last[0] == self._stepper.t:
            return self._last  # what a metric has changed since acts on the next step
        return (self._stepper.t, *self._rates(self._stepper.t - 1))

    def _rates(self, t: int) -> tuple[float, float | None]:
        """Return learning rate and momentum of the step after `t` others."""
        factor, momentum = self._timetable.rates(t)
        optimizer: Any = self.optimizer
        lr, name = float(optimizer.lr * factor), optimizer.momentum_field()
        if name is None:
            return lr, None
        return lr, float(getattr(optimizer, name) if momentum is None else momentum)

    def _evaluated(self) -> list[Any]:
        """Return new arrays with what a rule predicts with, where that is not what it steps."""
        on_device = self.backend == "cuda"
        params = self._stepper.parameters() if on_device else self._bound.arrays
        found = []
        for i, p in enumerate(params):
            state = {name: arrays[i] for name, arrays in self._state.items()}
            if on_device:
                state = {name: self._stepper.to_host(a) for name, a in state.items()}
            found.append(np.array(self.optimizer.evaluate(p, state), dtype=p.dtype))
        return self._stepper.to_device(found) if on_device else found
