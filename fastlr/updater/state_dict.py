"""Checks of what `Updater.load_state_dict` is given, all of them before anything is changed."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

STATE_FORMAT = 1
_MOST_STEPS = 2**53  # above, schedules could not tell one step from the next


def check_state_dict(
    given: Any,
    owner: str,
    names: Sequence[str],
    state: Mapping[str, Sequence[Any]],
    metric_state: Mapping[str, float],
    scalars: bool,
) -> dict[str, list[Any]]:
    """Return the state arrays of a state dict that fits.

    Parameters
    ----------
    given : object
        What the user gave.
    owner : str
        Name of the optimizer's class.
    names : sequence of str
        Those of the parameters.
    state : mapping of str to sequence of arrays
        The state that is to be replaced.
    metric_state : mapping of str to float
        What the schedule has seen so far.
    scalars : bool
        Whether the rule keeps scalars; their values are not checked here.

    Returns
    -------
    dict of str to list of ndarray
        Arrays by state name, in the order of the parameters.

    Raises
    ------
    TypeError, ValueError
        If something does not fit; the message names it.
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"state_dict must be a dict, got {type(given).__name__}")
    expected = {"format", "optimizer", "t", "skipped", "last_skipped", "schedule", "state"}
    if scalars:
        expected.add("scalars")
    if set(given) != expected:
        raise ValueError(f"state_dict must have keys {sorted(expected)}, got {sorted(given)}")
    if given["format"] != STATE_FORMAT:
        raise ValueError(f"state_dict: format must be {STATE_FORMAT}, got {given['format']!r}")
    if given["optimizer"] != owner:
        raise ValueError(f"state_dict is of {given['optimizer']}, and this updater of {owner}")
    for name in ("t", "skipped"):
        check_count(f"state_dict[{name!r}]", given[name], low=0)
    if given["last_skipped"] not in (None, *names):
        raise ValueError(
            f"state_dict['last_skipped'] must be None or a parameter's name, "
            f"got {given['last_skipped']!r}"
        )
    if not isinstance(given["schedule"], Mapping):
        raise TypeError(
            f"state_dict['schedule'] must be a dict, got {type(given['schedule']).__name__}"
        )
    seen = set(metric_state)
    if set(given["schedule"]) != seen:
        raise ValueError(
            f"state_dict['schedule'] must have keys {sorted(seen)}, got {sorted(given['schedule'])}"
        )
    for key, value in given["schedule"].items():
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError(f"state_dict['schedule'][{key!r}] must be a number, got {value!r}")
        try:
            known = not math.isnan(value)
        except OverflowError:
            known = False
        if not known:
            raise ValueError(f"state_dict['schedule'][{key!r}] must be a float other than NaN")
    return _check_arrays(given["state"], names, state)


def _check_arrays(
    state: Any, names: Sequence[str], state_here: Mapping[str, Sequence[Any]]
) -> dict[str, list[Any]]:
    if not isinstance(state, Mapping):
        raise TypeError(f"state_dict['state'] must be a dict, got {type(state).__name__}")
    if set(state) != set(state_here):
        raise ValueError(
            f"state_dict['state'] must have keys {sorted(state_here)}, got {sorted(state)}"
        )
    loaded = {}
    for name, arrays in state.items():
        if not isinstance(arrays, Mapping):
            raise TypeError(
                f"state_dict['state'][{name!r}] must be a dict, got {type(arrays).__name__}"
            )
        if set(arrays) != set(names):
            raise ValueError(
                f"state_dict['state'][{name!r}] must have the parameters' names "
                f"{sorted(names)}, got {sorted(arrays)}"
            )
        loaded[name] = [arrays[p] for p in names]
        for p, target, source in zip(names, state_here[name], loaded[name], strict=True):
            if not isinstance(source, np.ndarray):
                raise TypeError(
                    f"state_dict['state'][{name!r}][{p!r}] must be a NumPy array, "
                    f"got {type(source).__name__}"
                )
            if source.shape != target.shape or source.dtype != target.dtype:
                raise ValueError(
                    f"state_dict['state'][{name!r}][{p!r}] must be {target.dtype} of shape "
                    f"{target.shape}, got {source.dtype} of shape {source.shape}"
                )
    return loaded


def check_count(name: str, value: Any, optional: bool = False, low: int = 1) -> None:
    """Raise unless `value` is a whole number of at least `low`, or None where it may be missing."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, got {value}")
    most = 2**31 - 1 if name == "n_threads" else _MOST_STEPS
    if value > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
