"""Schedules made of schedules: one after another, or one times another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .base import Schedule
from .lengths import Length, Run


def resolved(value: Any, name: str) -> Schedule:
    """Return the schedule that a hyper-parameter names or is.

    Parameters
    ----------
    value : Schedule, str or None
        What the user gave.
    name : str
        What to call it in messages.

    Returns
    -------
    Schedule
        ``Constant()`` for None.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or no schedule has that name.
    """
    if isinstance(value, Schedule):
        return value
    from . import get_schedule

    return get_schedule(value, name)


class _Pair(Schedule):
    """Two schedules whose metric states live side by side in one flat dict."""

    first: Any
    second: Any

    def validate(self) -> None:
        self._parts()

    def _parts(self) -> tuple[Schedule, Schedule]:
        owner = type(self).__name__
        return resolved(self.first, f"{owner}: first"), resolved(self.second, f"{owner}: second")

    @property
    def needs_metric(self) -> bool:
        return any(part.needs_metric for part in self._parts())

    def initial_metric_state(self) -> dict[str, float]:
        first, second = self._parts()
        return _joined(first.initial_metric_state(), second.initial_metric_state())

    def observe(
        self,
        metric_state: Mapping[str, float],
        metric: float,
        t: int | None = None,
        run: Run | None = None,
    ) -> dict[str, float]:
        first, second = self._parts()
        mine, yours = _split(metric_state)
        return _joined(
            first.observe(mine or {}, metric, t, run), second.observe(yours or {}, metric, t, run)
        )


class Then(_Pair):
    r"""One schedule, then another that starts at its own step 0; see `Schedule.then`.

    .. math::
        f(t) = a(t) \text{ for } t < n, \qquad b(t - n) \text{ from then on}

    Each part takes its share for the whole run: :math:`a` sees a run of :math:`n` steps if
    `after` is given, :math:`b` sees what remains after :math:`n`. A part that leaves the
    momentum alone while the other drives it takes over the momentum at the change.

    Parameters
    ----------
    first, second : Schedule or str
        :math:`a` and :math:`b`.
    after : int, float or Epochs, optional
        :math:`n`: steps, part of the run in (0, 1), or epochs; by default where `first` ends.

    Notes
    -----
    A schedule that a metric drives, in either part, sees the metrics of its own time: those of
    epochs whose last step it made.

    Examples
    --------
    >>> from fastlr.schedules import Constant, CosineAnnealing
    >>> schedule = Constant().then(CosineAnnealing(), after=0.5)
    >>> schedule
    Then(first=Constant(), second=CosineAnnealing(), after=0.5)
    >>> schedule.simulate(8).lr.round(3).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.854, 0.5, 0.146]
    """

    first: Any
    second: Any
    after: Length | None = None

    lengths = {"after": 1}

    def length(self, run: Run) -> int | None:
        steps = self._change(run)
        rest = self._parts()[1].length(run.rest(steps))
        return None if rest is None else steps + rest

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        t = np.asarray(t, dtype=np.float64)
        first, second = self._parts()
        mine, yours = _split(metric_state)
        steps = self._change(run)
        # Each part is evaluated everywhere, held at its edge outside its own time; so both are
        # checked from the first block on, and a momentum that only one drives is held as well.
        before, after = np.minimum(t, max(steps - 1, 0)), np.maximum(t - steps, 0)
        first_run = run if self.after is None else run.first(steps)
        a, a_momentum = first.evaluate(before, first_run, mine)
        b, b_momentum = second.evaluate(after, run.rest(steps), yours)
        factor = np.where(t < steps, a, b)
        if a_momentum is None or b_momentum is None:
            return factor, b_momentum if a_momentum is None else a_momentum
        return factor, np.where(t < steps, a_momentum, b_momentum)

    def observe(
        self,
        metric_state: Mapping[str, float],
        metric: float,
        t: int | None = None,
        run: Run | None = None,
    ) -> dict[str, float]:
        if t is None or run is None:
            return super().observe(metric_state, metric)
        first, second = self._parts()
        a, b = (part or {} for part in _split(metric_state))
        steps = self._change(run)
        if t > steps:
            b = second.observe(b, metric, t - steps, run.rest(steps))
        else:
            a = first.observe(a, metric, t, run if self.after is None else run.first(steps))
        return _joined(a, b)

    def _change(self, run: Run) -> int:
        """Return the step at which the second part begins."""
        if self.after is not None:
            return self.steps_of("after", run)
        first = self._parts()[0]
        steps = first.length(run)
        if steps is None:
            raise ValueError(f"Then: after is needed, since {first!r} has no end of its own")
        return steps


class Product(_Pair):
    r"""The product of two schedules, which is what ``a * b`` gives.

    .. math:: f(t) = a(t) \, b(t)

    Parameters
    ----------
    first, second : Schedule or str
        :math:`a` and :math:`b`; both see the whole run. At most one may drive the momentum.

    Examples
    --------
    >>> from fastlr.schedules import StepDecay, Warmup
    >>> schedule = Warmup(3) * StepDecay(4, gamma=0.5)
    >>> schedule.simulate(6).lr.tolist()
    [0.25, 0.5, 0.75, 1.0, 0.5, 0.5]
    """

    def length(self, run: Run) -> int | None:
        first, second = (part.length(run) for part in self._parts())
        return None if first is None or second is None else max(first, second)

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        first, second = self._parts()
        mine, yours = _split(metric_state)
        a, a_momentum = first.evaluate(t, run, mine)
        b, b_momentum = second.evaluate(t, run, yours)
        if a_momentum is not None and b_momentum is not None:
            raise ValueError(
                f"Product: {first!r} and {second!r} both drive the momentum; "
                "set cycle_momentum=False in one of them"
            )
        return a * b, b_momentum if a_momentum is None else a_momentum


def _joined(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {f"first.{k}": v for k, v in first.items()} | {
        f"second.{k}": v for k, v in second.items()
    }


def _split(
    state: Mapping[str, float] | None,
) -> tuple[dict[str, float] | None, dict[str, float] | None]:
    if state is None:
        return None, None
    mine = {k.removeprefix("first."): v for k, v in state.items() if k.startswith("first.")}
    yours = {k.removeprefix("second."): v for k, v in state.items() if k.startswith("second.")}
    return mine, yours
