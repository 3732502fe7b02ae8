"""What every schedule is: a pure function of time, stated as a scalar rule."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..hyper import HyperParameters
from .lengths import Run, check_length, to_steps
from .simulation import Simulation, simulate

if TYPE_CHECKING:
    from .compose import Product, Then
    from .lengths import Length


class Schedule(HyperParameters):
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

    lengths: ClassVar[dict[str, int]] = {}
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.lengths = {**getattr(cls.__base__, "lengths", {}), **cls.__dict__.get("lengths", {})}

    def coefficients(self, run: Run) -> Mapping[str, Any]:
        """Return the constants of the rule in a given run, in double precision.

        Parameters
        ----------
        run : Run
            ``total_steps`` and ``steps_per_epoch``, None where not known.

        Returns
        -------
        mapping of str to float or sequence of float
            A value for each parameter of ``factor`` after ``t``. A sequence is a table, which a
            rule reads by ``passed(table)``, how many of its entries are not after the time, and
            ``entry(table, k)``, the k-th, held inside of the table.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `coefficients`")

    def momentum_coefficients(self, run: Run) -> Mapping[str, Any] | None:
        """Return constants with which the same rule gives the momentum, None to leave it alone.

        Parameters
        ----------
        run : Run
            As for `coefficients`.

        Returns
        -------
        mapping of str to float or None
            Momentum runs along the curve of the learning rate, between other values.
        """
        return None

    def length(self, run: Run) -> int | None:
        """Return after how many steps the schedule holds its value, None if it never ends.

        Parameters
        ----------
        run : Run
            The run it drives.

        Returns
        -------
        int or None
            Number of steps.
        """
        return None

    def evaluate(
        self, t: Any, run: Run, metric_state: Mapping[str, float] | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Evaluate a block of steps.

        Parameters
        ----------
        t : array-like
            Step numbers, counted from 0, in any order.
        run : Run
            The run, for lengths given in fractions or epochs.
        metric_state : mapping of str to float, optional
            What plateau schedules have seen, from `initial_metric_state` and `observe`.

        Returns
        -------
        factor : ndarray of float64
            What the learning rate is multiplied by, shaped like `t`.
        momentum : ndarray of float64 or None
            Momentum itself (for Adam, beta1), None where the schedule leaves it alone.

        Raises
        ------
        ValueError
            If the length of the run or of an epoch is needed and not known.
        """
        from ..kernels.schedule_cpu import schedule_kernel

        t = np.asarray(t, dtype=np.float64, order="C")
        cls: type = type(self)
        kernel = schedule_kernel(cls)
        momentum = self.momentum_coefficients(run)
        return (
            kernel(t, self.coefficients(run)),
            None if momentum is None else kernel(t, momentum),
        )

    @property
    def needs_metric(self) -> bool:
        """Whether a validation metric drives the schedule, or a part of it."""
        return False

    def initial_metric_state(self) -> dict[str, float]:
        """Return what a plateau schedule has seen before training: plain numbers by name."""
        return {}

    def observe(
        self,
        metric_state: Mapping[str, float],
        metric: float,
        t: int | None = None,
        run: Run | None = None,
    ) -> dict[str, float]:
        """Return the metric state after one more epoch; the one passed in stays as it is.

        Parameters
        ----------
        metric_state : mapping of str to float
            State so far.
        metric : float
            Validation metric of the epoch.
        t : int, optional
            Steps made so far. Parts of a composition that are not in charge of the last one do
            not listen; without it all of them do.
        run : Run, optional
            The run, for lengths given in fractions or epochs; needed with `t`.

        Returns
        -------
        dict of str to float
            New state.
        """
        return dict(metric_state)

    def steps_of(self, name: str, run: Run) -> int:
        """Return a length hyper-parameter in steps.

        Parameters
        ----------
        name : str
            Its name.
        run : Run
            The run; the value None means all of it.

        Returns
        -------
        int
            Number of steps.

        Raises
        ------
        ValueError
            If the length of the run or of an epoch is needed and not known.
        """
        return to_steps(getattr(self, name), f"{type(self).__name__}: {name}", run)

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
        from .compose import Then

        return Then(self, other, after)

    def __mul__(self, other: Schedule | float) -> Product:
        from .compose import Product
        from .constant import Constant

        if isinstance(other, numbers.Real):
            other = Constant(other)
        if not isinstance(other, Schedule):
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
        from ..plots import ScheduleDisplay

        return ScheduleDisplay.from_schedule(self, n, lr, steps_per_epoch=steps_per_epoch, ax=ax)

    def _check(self) -> None:
        owner = type(self).__name__
        for name, minimum in self.lengths.items():
            value = getattr(self, name)
            if value is not None or self._fields[name] is not None:
                check_length(value, f"{owner}: {name}", minimum)
        super()._check()
