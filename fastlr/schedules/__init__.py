"""Every schedule, one file each; a new file here is found automatically."""

from __future__ import annotations

from inspect import Parameter
from typing import Any

from ..core.discover import Folder, Registry
from ..core.suggest import did_you_mean
from .base import Schedule
from .rule import Epochs as Epochs
from .rule import Run as Run
from .rule import epochs as epochs
from .simulation import Simulation as Simulation

_OWN = ("SCHEDULES", "Epochs", "Run", "Schedule", "Simulation", "epochs", "get_schedule")
_FOLDER = Folder(__name__, __path__, Schedule)


def _needs_nothing(cls: type[Schedule]) -> bool:
    return not any(default is Parameter.empty for default in cls.parameter_defaults.values())


SCHEDULES = Registry(_FOLDER, _needs_nothing)
"""Registry of schedules without required parameters: lower-case class name to class, imported on
first access."""


__getattr__, __dir__ = _FOLDER.attributes(globals(), _OWN)


def get_schedule(schedule: Any, name: str = "schedule") -> Schedule:
    """Return the schedule that a name, an object or a function stands for.

    Parameters
    ----------
    schedule : str, Schedule, callable or None
        A class name such as ``"onecycle"`` or one of its aliases such as ``"cosine"``, in any case
        and with or without ``_`` and ``-``; an object, which is returned unchanged; a function from
        the step to a factor, see `Function`; or None for a constant rate.
    name : str, default="schedule"
        Name of the argument in messages.

    Returns
    -------
    Schedule
        With default hyper-parameters if given by name.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or no schedule has the name.

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
        from .function import Function

        return Function(schedule)
    if not isinstance(schedule, str):
        raise TypeError(
            f"{name} must be a name, a Schedule object, a function of the step or None, "
            f"got {schedule!r}"
        )
    plain = schedule.lower().replace("_", "").replace("-", "")
    cls = SCHEDULES.get(plain) or SCHEDULES.aliases().get(plain)
    if cls is None:
        known = sorted([*SCHEDULES, *SCHEDULES.aliases()])
        hint = did_you_mean(schedule, known)
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {schedule!r}{hint}")
    return cls()
