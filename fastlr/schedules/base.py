"""The base of every schedule, and schedules made of schedules: one after another, or a product."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from .rule import Length, Run, ScheduleRule
from .simulation import Simulation, simulate

_SHOWN = 200  # steps in a picture


class Schedule(ScheduleRule):
    """Base of every schedule: ``lr(t) = lr * factor(t)``, with `t` counted from 0.

    A subclass annotates its hyper-parameters, computes the constants of its rule in
    `coefficients` and states the rule for one step in a static method ``factor(t, ...)``, in
    the language of the compilers: assignments, arithmetic, comparisons, if/else and ``sqrt abs
    sign min max exp log cos floor pow cbrt``, without literals. It holds no state and is never
    changed by use.

    Attributes
    ----------
    lengths : dict of str to int
        Hyper-parameters that are lengths of time, and the fewest steps each may be. They are
        checked here and become steps through `steps_of`.
    aliases : tuple of str
        Further names under which `get_schedule` finds the class.

    Examples
    --------
    >>> from fastlr.schedules import Schedule
    >>> class Hyperbola(Schedule):
    ...     steps: int | None = None
    ...     depth: float = 1.0
    ...     lengths = {"steps": 1}
    ...     ranges = {"depth": "[0, inf)"}
    ...     def coefficients(self, run):
    ...         return {"steps": self.steps_of("steps", run), "depth": self.depth, "one": 1.0}
    ...     @staticmethod
    ...     def factor(t, steps, depth, one):
    ...         return one / (one + depth * min(t, steps) / steps)
    >>> Hyperbola(depth=3.0).steps_of("steps", Run(total_steps=4))
    4
    """

    def then(self, other: Schedule | str, after: Length | None = None) -> Then:
        """Follow this schedule with another, which starts at its own step 0.

        Parameters
        ----------
        other : Schedule or str
            What comes next; the rest of the run is all it sees.
        after : int, float or Epochs, optional
            When the change takes place; by default at the end of this schedule.

        Returns
        -------
        Then
            A schedule.

        Examples
        --------
        >>> from fastlr.schedules import Constant, StepDecay
        >>> Constant().then(StepDecay(2, gamma=0.5), after=3).simulate(8).lr.tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25]
        """
        return Then(self, other, after)

    def __mul__(self, other: Schedule | float) -> Product:
        if not isinstance(other, Schedule | numbers.Real):
            return NotImplemented
        return Product(self, other)

    __rmul__ = __mul__

    def simulate(
        self,
        n: int,
        lr: float = 1.0,
        steps_per_epoch: int | None = None,
        metrics: Sequence[float] | None = None,
    ) -> Simulation:
        """Return the learning rates and momenta that a run of `n` steps would see.

        Parameters
        ----------
        n : int
            Length of the run in steps, 1 or more.
        lr : float, default=1.0
            Learning rate that the schedule multiplies.
        steps_per_epoch : int, optional
            Steps in an epoch, needed by lengths in epochs and by `metrics`.
        metrics : sequence of float, optional
            Validation metric at the end of each epoch, for plateau schedules. Without it they
            do as if the metric improved all the time.

        Returns
        -------
        Simulation
            ``lr`` and ``momentum``, arrays of shape (n,); the momentum is None where it is not
            driven.

        Raises
        ------
        ValueError
            If an argument is out of range or missing.

        Examples
        --------
        >>> from fastlr.schedules import Warmup
        >>> Warmup(3).simulate(5, lr=0.1).lr.tolist()
        [0.025, 0.05, 0.07500000000000001, 0.1, 0.1]
        """
        return simulate(self, n, lr, steps_per_epoch, metrics)

    def _repr_html_(self) -> str:
        from ..core.markup import polyline, tag  # in notebooks alone

        name, label = tag("code", repr(self)), f"factor on the rate over {_SHOWN} steps"
        try:
            rates = self.simulate(_SHOWN, steps_per_epoch=_SHOWN // 10).lr
        except Exception:  # a user's function may be for other steps
            return name
        return tag("div", name, tag("br"), polyline(rates.tolist(), label), tag("br"), label)

    def plot(
        self,
        ax: Any = None,
        n: int | None = None,
        lr: float = 1.0,
        steps_per_epoch: int | None = None,
    ) -> Any:
        """Draw the learning rate, and the momentum where it is driven. Needs matplotlib.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default on a new figure.
        n : int, optional
            Length of the run in steps; by default the schedule's own if it has one in steps,
            else 1,000.
        lr : float, default=1.0
            Learning rate that the schedule multiplies.
        steps_per_epoch : int, optional
            Steps in an epoch, where lengths are given in epochs.

        Returns
        -------
        ScheduleDisplay
            Has the axes with the learning rate as ``ax_``, their figure as ``figure_``.
        """
        from ._display import ScheduleDisplay

        return ScheduleDisplay.from_schedule(self, n, lr, steps_per_epoch=steps_per_epoch, ax=ax)


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


class _Number(Schedule):
    """The same factor at every step, of a number in a product."""

    value: float

    ranges = {"value": "[0, inf)"}

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        return np.full(np.shape(t), float(self.value)), None


class _Pair(Schedule):
    """Two schedules whose metric states live side by side in one flat dict."""

    first: Any
    second: Any

    def validate(self) -> None:
        self.parts()

    def parts(self) -> tuple[Schedule, Schedule]:
        owner = type(self).__name__
        return resolved(self.first, f"{owner}: first"), resolved(self.second, f"{owner}: second")

    @property
    def needs_metric(self) -> bool:
        return any(part.needs_metric for part in self.parts())

    def initial_metric_state(self) -> dict[str, float]:
        first, second = self.parts()
        return _joined(first.initial_metric_state(), second.initial_metric_state())

    def observe(
        self,
        metric_state: Mapping[str, float],
        metric: float,
        t: int | None = None,
        run: Run | None = None,
    ) -> dict[str, float]:
        first, second = self.parts()
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

    lengths: ClassVar[dict[str, int]] = {"after": 1}

    def length(self, run: Run) -> int | None:
        steps = self._change(run)
        rest = self.parts()[1].length(run.rest(steps))
        return None if rest is None else steps + rest

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        t = np.asarray(t, dtype=np.float64)
        first, second = self.parts()
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
        first, second = self.parts()
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
        first = self.parts()[0]
        steps = first.length(run)
        if steps is None:
            raise ValueError(f"Then: after is needed, since {first!r} has no end of its own")
        return steps


class Product(_Pair):
    r"""The product of two schedules, which is what ``a * b`` gives.

    .. math:: f(t) = a(t) \, b(t)

    Parameters
    ----------
    first : Schedule or str
        :math:`a`, which sees the whole run.
    second : Schedule, str or float
        :math:`b`, which sees the whole run too; a number is the same factor at every step. At
        most one of the two may drive the momentum.

    Examples
    --------
    >>> from fastlr.schedules import StepDecay, Warmup
    >>> schedule = Warmup(3) * StepDecay(4, gamma=0.5)
    >>> schedule.simulate(6).lr.tolist()
    [0.25, 0.5, 0.75, 1.0, 0.5, 0.5]
    """

    def parts(self) -> tuple[Schedule, Schedule]:
        if isinstance(self.second, numbers.Real) and not isinstance(self.second, bool):
            return resolved(self.first, "Product: first"), _Number(self.second)
        return super().parts()

    def length(self, run: Run) -> int | None:
        first, second = (part.length(run) for part in self.parts())
        return None if first is None or second is None else max(first, second)

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        first, second = self.parts()
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
