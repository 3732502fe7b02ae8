"""Every schedule, one file each. A file dropped in here is found by itself."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any

from .._discover import discover
from .base import Schedule
from .lengths import Epochs, Run, epochs
from .simulation import Simulation

_FOUND: dict[str, type[Schedule]] = discover(__name__, __path__, Schedule)

SCHEDULES: dict[str, type[Schedule]] = {
    name.lower(): cls
    for name, cls in _FOUND.items()
    if not any(default is Parameter.empty for default in cls._fields.values())
}
"""Registry of the schedules that can be built from a name alone: lower-case class name to class."""

_BY_NAME = SCHEDULES | {
    alias: cls for cls in SCHEDULES.values() for alias in cls.__dict__.get("aliases", ())
}

globals().update(_FOUND)

__all__ = ["SCHEDULES", "Epochs", "Run", "Schedule", "Simulation", "epochs", "get_schedule"]
__all__ += list(_FOUND)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Tell type checkers that there are classes here which only the folder knows."""


def get_schedule(schedule: Any, name: str = "schedule") -> Schedule:
    """Return a schedule object for a name, an object or a function.

    Parameters
    ----------
    schedule : str, Schedule, callable or None
        A class name such as ``"onecycle"`` or one of its aliases such as ``"cosine"``, in any
        case and with or without ``_`` and ``-``; an object, which is returned as it is; a
        function from the step to a factor, see `Function`; or None for a constant rate.
    name : str, default="schedule"
        What to call the argument in messages.

    Returns
    -------
    Schedule
        With its default hyper-parameters if it was named.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or no schedule has that name.

    Examples
    --------
    >>> from fastlr.schedules import get_schedule
    >>> get_schedule("cosine")
    CosineAnnealing()
    >>> get_schedule(None)
    Constant()
    """
    if schedule is None:
        return SCHEDULES["constant"]()
    if isinstance(schedule, Schedule):
        return schedule
    if callable(schedule) and not isinstance(schedule, type):
        return _FOUND["Function"](schedule)
    if not isinstance(schedule, str):
        raise TypeError(
            f"{name} must be a name, a Schedule object, a function of the step or None, "
            f"got {schedule!r}"
        )
    try:
        return _BY_NAME[schedule.lower().replace("_", "").replace("-", "")]()
    except KeyError:
        raise ValueError(
            f"{name} must be one of {', '.join(sorted(_BY_NAME))}, got {schedule!r}"
        ) from None
