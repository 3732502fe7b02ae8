"""How an updater gives out its state and takes it back, to the bit."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.hyper import check_count, plain
from ..kernels.language.terms import AVERAGE
from .binding import Binding
from .statistics import last_skipped

if TYPE_CHECKING:
    from .steppers.sums import BoundSums

STATE_FORMAT = 1


def save(binding: Binding) -> dict[str, Any]:
    """Return the state of a binding; `Updater.state_dict` describes it."""
    names, stepper, sums = binding.bound.names, binding.stepper, _scalars(binding)
    return {
        "format": STATE_FORMAT,
        "optimizer": type(binding.optimizer).__name__,
        "t": stepper.t,
        "skipped": stepper.skipped,
        "last_skipped": last_skipped(binding),
        "schedule": binding.timetable.metric_state,
        "state": {
            name: {
                p: a.copy() if isinstance(a, np.ndarray) else stepper.to_host(a)
                for p, a in zip(names, arrays, strict=True)
            }
            for name, arrays in binding.state.items()
        },
        **({} if sums is None else {"scalars": sums.save(names)}),
    }


def load(binding: Binding, given: Mapping[str, Any], allow_new: bool = False) -> None:
    """Take over what `save` returned; nothing changes unless all of it fits."""
    if isinstance(given, Mapping):
        given = {k: v if k == "state" else _plain_numbers(v) for k, v in given.items()}
        given = _completed(given, _fresh(binding)) if allow_new else given
    names, stepper, sums = binding.bound.names, binding.stepper, _scalars(binding)
    loaded = _check_state_dict(
        given,
        type(binding.optimizer).__name__,
        names,
        binding.state,
        binding.timetable.metric_state,
        scalars=sums is not None,
    )
    scalars = None if sums is None else sums.read(given["scalars"], names)
    for name, arrays in loaded.items():
        for target, source in zip(binding.state[name], arrays, strict=True):
            if isinstance(target, np.ndarray):
                target[...] = source
            else:
                stepper.from_host(target, source)
    if sums is not None:
        sums.scalars[...] = scalars
    binding.timetable.metric_state = given["schedule"]
    binding.last = None
    last = given["last_skipped"]
    culprit = -1 if last is None else names.index(last)
    stepper.restart(int(given["t"]), int(given["skipped"]), culprit)


def _plain_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain_numbers(each) for name, each in value.items()}
    return plain(value)


def _fresh(binding: Binding) -> dict[str, Any]:
    """Return the state of a binding, with averages that begin where the parameters are."""
    own = save(binding)
    if AVERAGE in own["state"]:
        on_device: Any = binding.stepper
        arrays = on_device.parameters() if binding.backend == "cuda" else binding.bound.arrays
        own["state"][AVERAGE] = dict(zip(binding.bound.names, arrays, strict=True))
    return own


def _completed(given: Any, own: Any) -> Any:
    """Return nested dicts with what only `own` has."""
    if not isinstance(given, Mapping) or not isinstance(own, Mapping):
        return given
    return {**own, **{name: _completed(each, own.get(name)) for name, each in given.items()}}


def _scalars(binding: Binding) -> BoundSums | None:
    """Return what keeps scalars, None if the rule has none."""
    sums = binding.summing
    return sums if sums is not None and sums.kernels.scalars else None


def _check_state_dict(
    given: Any,
    owner: str,
    names: Sequence[str],
    state: Mapping[str, Sequence[Any]],
    metric_state: Mapping[str, float],
    scalars: bool,
) -> dict[str, list[Any]]:
    """Return the state arrays of a state dict that fits; raise, naming what does not."""
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
        label = f"state_dict['schedule'][{key!r}]"
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError(f"{label} must be a number, got {value!r}")
        try:
            known = not math.isnan(value)
        except OverflowError:
            known = False
        if not known:
            raise ValueError(f"{label} must be a float other than NaN")
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
