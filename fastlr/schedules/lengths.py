"""Lengths of time: as steps, as epochs or as a part of the training run.

What a schedule is given is kept as it is; it becomes a number of steps only when the run is
known, so the same object serves runs of any length.
"""

from __future__ import annotations

import numbers
from typing import Any, NamedTuple


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
    """Raise unless `value` is a length.

    Parameters
    ----------
    value : object
        What the user gave.
    name : str
        What to call it in the message.
    minimum : int
        Smallest number of steps that is accepted.

    Raises
    ------
    TypeError
        If it is no length at all.
    ValueError
        If it is out of range.
    """
    wanted = (
        f"{name} must be a length: a whole number of steps >= {minimum}, a fraction of the run in "
        f"(0, 1), or epochs(n); got {value!r}"
    )
    if isinstance(value, Epochs):
        return
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(wanted)
    size = float(value)
    if not (size >= minimum if isinstance(value, numbers.Integral) else 0 < size < 1):
        raise ValueError(wanted)


def to_steps(value: Length | None, name: str, run: Run) -> int:
    """Return a length in steps.

    Parameters
    ----------
    value : int, float, Epochs or None
        A length that has been checked; None is the whole run. Fractions and epochs are rounded
        to the nearest whole step, and to one at least.
    name : str
        What to call it in messages.
    run : Run
        The run it is a part of.

    Returns
    -------
    int
        Number of steps.

    Raises
    ------
    ValueError
        If the run's length, or that of an epoch, is needed and not known.
    """
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, Epochs):
        if run.steps_per_epoch is None:
            raise ValueError(
                f"{name}={value!r} needs steps_per_epoch, which is not known here; pass it along "
                "(to `bind` or `simulate`), or give the length in steps"
            )
        return max(round(value.n * run.steps_per_epoch), 1)
    if run.total_steps is None:
        meaning = "the whole run" if value is None else "a fraction of the run"
        raise ValueError(
            f"{name}={value!r} means {meaning} and needs total_steps, which is not known here; "
            "pass it along (to `bind`), or give the length in steps"
        )
    return max(round((1 if value is None else value) * run.total_steps), 1)
