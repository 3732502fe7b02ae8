"""How an updater gives out its state and takes it back, to the bit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.language.terms import LOOKAHEAD_STATE
from .state_dict import STATE_FORMAT, check_state_dict
from .statistics import AVERAGE, Figures

if TYPE_CHECKING:
    from .steppers.sums import BoundSums


class Saving(Figures):
    """Base of `Updater`, which sets the attributes."""

    _summing: BoundSums | None

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a later run needs to go on, parameters apart.

        Returns
        -------
        dict
            Copies of state arrays by state and parameter name, the step count, the number of
            skipped steps and the parameter at fault, and what a plateau schedule has seen; for
            rules that keep scalars, those too. Holds only arrays, numbers, strings and dicts.
        """
        scalars = self._scalars.save(self._bound.names) if self._scalars else {}
        return {
            "format": STATE_FORMAT,
            "optimizer": type(self.optimizer).__name__,
            "t": self._stepper.t,
            "skipped": self._stepper.skipped,
            "last_skipped": self._last_skipped,
            "schedule": self._timetable.metric_state,
            "state": {
                name: {p: self._copy_out(a) for p, a in zip(self._bound.names, arrays, strict=True)}
                for name, arrays in self._state.items()
            },
            **({"scalars": scalars} if scalars else {}),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; nothing changes unless all of it fits.

        Parameters
        ----------
        state_dict : mapping
            From an updater of the same optimizer class over parameters of the same names and
            shapes.

        Raises
        ------
        TypeError, ValueError
            If something does not fit; the message names it.
        """
        loaded = check_state_dict(
            state_dict,
            type(self.optimizer).__name__,
            self._bound.names,
            self._state,
            self._timetable.metric_state,
            scalars=self._scalars is not None,
        )
        scalars = (
            self._scalars.read(state_dict["scalars"], self._bound.names) if self._scalars else None
        )
        for name, arrays in loaded.items():
            for target, source in zip(self._state[name], arrays, strict=True):
                self._copy_into(target, source)
        if scalars is not None and self._summing is not None:
            self._summing.scalars[...] = scalars
        self._timetable.metric_state = state_dict["schedule"]
        self._last = None
        last = state_dict["last_skipped"]
        culprit = -1 if last is None else self._bound.names.index(last)
        self._stepper.restart(int(state_dict["t"]), int(state_dict["skipped"]), culprit)

    def _begin(self, names: Sequence[str]) -> None:
        """Let the state of parameters that have waited start afresh.

        Gradients of zero leave most of it at rest, but what starts from a number may decay.
        """
        first = self.optimizer.initial_state()
        at = [self._bound.names.index(name) for name in names]
        for state, arrays in self._state.items():
            value = first.get(state, 0.0)
            if value != "p" and state not in (AVERAGE, LOOKAHEAD_STATE):  # of the parameter as is
                for i in at:
                    arrays[i][...] = value

    @property
    def _scalars(self) -> BoundSums | None:
        """What keeps scalars, None if the rule has none."""
        return self._summing if self._summing and self._summing.kernels.scalars else None

    def _copy_into(self, target: Any, source: Any) -> None:
        if isinstance(target, np.ndarray):
            target[...] = source
        else:
            self._stepper.from_host(target, source)

    def _copy_out(self, array: Any) -> np.ndarray:
        if isinstance(array, np.ndarray):
            return array.copy()
        copy: np.ndarray = self._stepper.to_host(array)
        return copy
