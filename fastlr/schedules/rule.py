"""A schedule as a rule: a pure function of time, its constants and its length.

A length is a number of steps, of epochs, or a part of the run. It becomes a number of steps only
when the run is known, so that the same object serves runs of any length.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..core.hyper import MOST_STEPS, HyperParameters


class Epochs:
    """A length in epochs; build it with `epochs`."""

    def __init__(self, n: float) -> None:
        if isinstance(n, bool) or not isinstance(n, numbers.Real):
            raise TypeError(f"epochs: n must be a number > 0, got {n!r}")
        if not 0 < n < float("inf"):
            raise ValueError(f"epochs: n must be a finite number > 0, got {n!r}")
        self._n: float = n

    @property
    def n(self) -> float:
        """How many."""
        return self._n

    def __eq__(self, other: object) -> bool:
        return self.n == other.n if isinstance(other, Epochs) else NotImplemented

    def __hash__(self) -> int:
        return hash((Epochs, self._n))

    def __repr__(self) -> str:
        return f"epochs({self.n!r})"


def epochs(n: float) -> Epochs:
    """Say a length in epochs, passes over the training data.

    Parameters
    ----------
    n : float
        How many, greater than 0; parts of an epoch are fine.

    Returns
    -------
    Epochs
        Accepted wherever a schedule takes a length.

    Examples
    --------
    >>> from fastlr.schedules import StepDecay, epochs
    >>> StepDecay(every=epochs(2)).simulate(6, steps_per_epoch=2).lr.round(3).tolist()
    [1.0, 1.0, 1.0, 1.0, 0.1, 0.1]
    """
    return Epochs(n)


Length = int | float | Epochs


class Run(NamedTuple):
    """What is known of the training run that a schedule drives, or of a part of it."""

    total_steps: int | None = None
    steps_per_epoch: int | None = None

    def first(self, n: int) -> Run:
        """Return its first `n` steps as a run of their own."""
        return Run(n, self.steps_per_epoch)

    def rest(self, n: int) -> Run:
        """Return what is left after `n` steps as a run of its own."""
        left = None if self.total_steps is None else max(self.total_steps - n, 0)
        return Run(left, self.steps_per_epoch)


def check_length(value: Any, name: str, minimum: int) -> None:
    """Raise unless `value` is a length of at least `minimum` steps; messages call it `name`."""
    wanted = (
        f"{name} must be a length: a whole number of steps >= {minimum}, a fraction of the run in "
        f"(0, 1), or epochs(n); got {value!r}"
    )
    if isinstance(value, Epochs):
        return
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(wanted)
    try:
        size = float(value)
    except OverflowError:  # an int that is larger than any float
        raise ValueError(wanted) from None
    if not (size >= minimum if isinstance(value, numbers.Integral) else 0 < size < 1):
        raise ValueError(wanted)


def to_steps(value: Length | None, name: str, run: Run) -> int:
    """Return a checked length in whole steps, at least one; None is the whole run.

    Raises ValueError, which calls it `name`, if the length of the run or of an epoch is missing.
    """
    if isinstance(value, numbers.Integral):
        return min(int(value), MOST_STEPS)  # longer than any run, and steps are told apart
    if isinstance(value, Epochs):
        if run.steps_per_epoch is None:
            raise ValueError(
                f"{name}={value!r} needs steps_per_epoch, which is not known here; pass it along "
                "(to `bind` or `simulate`), or give the length in steps"
            )
        return max(round(min(value.n * run.steps_per_epoch, MOST_STEPS)), 1)
    if run.total_steps is None:
        meaning = "the whole run" if value is None else "a fraction of the run"
        raise ValueError(
            f"{name}={value!r} means {meaning} and needs total_steps, which is not known here; "
            "pass it along (to `bind`), or give the length in steps"
        )
    return max(round((1 if value is None else value) * run.total_steps), 1)


class ScheduleRule(HyperParameters):
    """What training needs of a schedule; `Schedule` describes what a subclass defines."""

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
        from ..kernels.find.schedule import schedule_kernel

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

    def check_family(self) -> None:
        owner = type(self).__name__
        for name, minimum in self.lengths.items():
            value = getattr(self, name)
            if value is not None or self.parameter_defaults[name] is not None:
                check_length(value, f"{owner}: {name}", minimum)
