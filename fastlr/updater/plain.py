"""Hyper-parameters as values that JSON can hold, and back, without a name that could be imported.

A class is written by its name and found again among fastlr's own, so that a file runs no code.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.discover import find_class
from ..core.hyper import HyperParameters
from ..schedules import Epochs, Schedule, epochs
from .rule import UpdateRule

_FAMILIES: dict[str, type[HyperParameters]] = {"optimizer": UpdateRule, "schedule": Schedule}


class NotPlainError(TypeError):
    """A value that a file cannot hold, such as a function."""


def to_plain(value: Any) -> Any:
    """Return a value as numbers, strings, lists and dicts; raise `NotPlainError` if there is none.

    Dicts of one key stand for what JSON has not: ``{"tuple": [...]}``, ``{"float": "inf"}``.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        return number if math.isfinite(number) else {"float": repr(number)}
    if isinstance(value, list | np.ndarray):
        return [to_plain(each) for each in value]
    if isinstance(value, tuple):
        return {"tuple": [to_plain(each) for each in value]}
    if isinstance(value, Mapping):
        return {"dict": [[to_plain(k), to_plain(v)] for k, v in value.items()]}
    if isinstance(value, Epochs):
        return {"epochs": to_plain(value.n)}
    if isinstance(value, HyperParameters):
        return _of_object(value)
    raise NotPlainError(f"{value!r} is no number, text or object of fastlr")


def from_plain(given: Any) -> Any:
    """Return what `to_plain` was given; raise ``TypeError`` or ``ValueError`` if it cannot be."""
    if isinstance(given, list):
        return [from_plain(each) for each in given]
    if not isinstance(given, dict):
        return given
    if len(given) != 1:
        raise ValueError(f"expected one key that tells the type, got {sorted(given)}")
    kind, content = next(iter(given.items()))
    if kind == "float":
        return float(content)
    if kind == "epochs":
        return epochs(from_plain(content))
    if kind == "tuple":
        return tuple(from_plain(content))
    if kind == "dict":
        return {from_plain(k): from_plain(v) for k, v in content}
    return _to_object(kind, content)


def _of_object(value: HyperParameters) -> dict[str, Any]:
    cls = type(value)
    for kind, family in _FAMILIES.items():
        if isinstance(value, family):
            if find_class(cls.__name__, family) is not cls:
                raise NotPlainError(f"{cls.__name__} is a class of your own")
            params = {name: to_plain(v) for name, v in value.get_params(deep=False).items()}
            given = [name for name in params if value.is_given(name)]
            return {kind: {"class": cls.__name__, "params": params, "given": given}}
    raise NotPlainError(f"{value!r} is no optimizer or schedule")


def _to_object(kind: Any, content: Any) -> HyperParameters:
    """Make an object, checked like any, that remembers which parameters it was given."""
    if kind not in _FAMILIES or not isinstance(content, dict):
        raise ValueError(f"unknown type {kind!r}")
    name, params = content["class"], content["params"]
    cls = find_class(name, _FAMILIES[kind]) if isinstance(name, str) else None
    if cls is None:
        raise ValueError(f"fastlr has no {kind} {name!r}")
    values = {n: from_plain(v) for n, v in params.items()}
    made = cls(**{n: values[n] for n in content["given"]})
    # Defaults may have changed since.
    return made.replace(**{n: v for n, v in values.items() if _differs(getattr(made, n), v)})


def _differs(a: Any, b: Any) -> bool:
    return type(a) is not type(b) or bool(a != b)
