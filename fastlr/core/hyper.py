"""Objects that hold hyper-parameters and nothing else.

Optimizers and schedules share one contract: annotated class attributes are the
parameters, the object is cloneable by scikit-learn, comparable, printable as the
call that made it, validated as soon as it is built, and never changed by use.
"""

from __future__ import annotations

import copy
import functools
import inspect
import numbers
import sys
from typing import Any, ClassVar

import numpy as np

from .suggest import did_you_mean

if sys.version_info >= (3, 14):
    import annotationlib

    def _annotations(cls: type) -> dict[str, Any]:
        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
else:
    _annotations = inspect.get_annotations

_REQUIRED = inspect.Parameter.empty
_LARGEST = sys.float_info.max
MOST_STEPS = 2**53  # above, schedules could not tell one step from the next
_PLAIN = (float, int)  # not bool, which is no number here


class HyperParameters:
    """Base of every object that is described by its parameters alone.

    A subclass annotates its parameters, with defaults where it has them. Two class
    attributes describe what is accepted: `ranges` maps a parameter to an interval
    such as ``"[0, 1)"`` (``None`` is accepted where it is the default), `choices` maps
    one to the values it may take. Checks across parameters go into `validate`.

    A third, `presets`, maps the name of another library to the values that parameters take
    there, where they differ. A class that has it takes one more parameter, ``preset``: what is
    not given comes from that preset, then from the defaults. All values are kept as they
    are, so `get_params` says everything, and a later change of the preset (by `set_params` or
    `replace`) moves those parameters that still have the old preset's values, and no other.
    """

    ranges: ClassVar[dict[str, str]] = {}
    choices: ClassVar[dict[str, tuple[Any, ...]]] = {}
    own_fields: ClassVar[tuple[str, ...]] = ()  # names that a family shares, with another meaning
    presets: ClassVar[dict[str, dict[str, Any]]] = {}
    parameter_defaults: ClassVar[dict[str, Any]] = {}  # of every parameter, in order; set here
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {
            name: cls.__dict__.get(name, _REQUIRED)
            for name, hint in _annotations(cls).items()
            if "ClassVar" not in str(hint)
        }
        parent: Any = cls.__base__
        inherited = parent.parameter_defaults if issubclass(parent, HyperParameters) else {}
        # What all of a family share comes last, so that arguments by position mean what is
        # particular to the class: `lr` is the first one, in subclasses of subclasses too.
        family: Any = cls.__mro__[cls.__mro__.index(HyperParameters) - 1]
        common = {} if family is cls else family.parameter_defaults
        shared = set(common) - set(cls.own_fields)
        ordered = [n for n in inherited if n not in shared and not (n in common and n in own)]
        ordered += [n for n in own if n not in ordered and n not in shared]
        ordered += [n for n in inherited if n in shared]
        # A default may be overridden by a plain assignment, without repeating the annotation.
        fields = {
            name: own[name] if name in own else cls.__dict__.get(name, inherited.get(name))
            for name in ordered
        }
        fields.pop("preset", None)
        if cls.presets:
            fields["preset"] = None
        # Those without a default come first, as Python has it (sorting keeps the order otherwise).
        cls.parameter_defaults = dict(
            sorted(fields.items(), key=lambda item: item[1] is not _REQUIRED)
        )
        for kind in ("ranges", "choices"):
            merged: dict[str, Any] = {}
            for base in reversed(cls.__mro__):
                merged |= base.__dict__.get(kind, {})
            setattr(cls, kind, merged)
        cls.choices.pop("preset", None)
        if cls.presets:
            cls.choices["preset"] = (*cls.presets, None)
        for library, values in cls.presets.items():
            for name in values.keys() - cls.parameter_defaults:
                raise TypeError(
                    f"{cls.__name__}: presets[{library!r}] sets {name!r}, which is none of its "
                    f"parameters ({', '.join(cls.parameter_defaults)})"
                )
        if cls.__module__.partition(".")[0] != "fastlr":
            from .rule_source import keep_sources

            keep_sources(cls)
        if "__init__" not in cls.__dict__:
            cls.__signature__ = _signature(cls.parameter_defaults)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        cls = type(self)
        fields = list(cls.parameter_defaults)
        if len(args) > len(fields):
            raise TypeError(
                f"{cls.__name__} takes at most {len(fields)} arguments, got {len(args)}"
            )
        given = dict(zip(fields, args, strict=False))
        kwargs = {name: plain(value) for name, value in kwargs.items()}
        given = {name: plain(value) for name, value in given.items()}
        for name, value in kwargs.items():
            if name not in cls.parameter_defaults:
                raise TypeError(
                    f"{cls.__name__} has no parameter {name!r}; it takes {', '.join(fields)}"
                    f"{did_you_mean(name, fields)}"
                )
            if name in given:
                raise TypeError(f"{cls.__name__} got {name!r} twice")
            given[name] = value
        for name, default in cls.defaults_with(given.get("preset")).items():
            value = given.get(name, default)
            if value is _REQUIRED:
                raise TypeError(f"{cls.__name__} needs {name!r}")
            setattr(self, name, value)
        self._given = tuple(given)
        self._check()

    def is_given(self, name: str) -> bool:
        """Return whether a parameter was given, if only its default, by a call or `set_params`.

        Clones, copies and pickles remember; an object made of ``get_params()`` was given all.

        Parameters
        ----------
        name : str
            Of the parameter.

        Returns
        -------
        bool

        Examples
        --------
        >>> from fastlr import AdamW
        >>> AdamW().is_given("lr"), AdamW(lr=1e-3).is_given("lr")
        (False, True)
        """
        return name in self.__dict__.get("_given", ())

    def __sklearn_clone__(self) -> HyperParameters:
        return copy.deepcopy(self)

    @classmethod
    def defaults_with(cls, preset: Any) -> dict[str, Any]:
        """Return the parameters' defaults under a preset; the class's own if it is unknown."""
        return cls.parameter_defaults | (
            cls.presets.get(preset, {}) if isinstance(preset, str) else {}
        )

    def validate(self) -> None:
        """Check what no single range can say; raise ``ValueError`` or ``TypeError``."""

    def check_family(self) -> None:
        """Check what all classes of a family share, before `validate` does the class's own."""

    def _check(self) -> None:
        for name, interval in self.ranges.items():
            value = getattr(self, name)
            if type(value) in _PLAIN and abs(value) <= _LARGEST and _is_within(value, interval):
                continue  # the usual case, at a fraction of the cost: fits make many objects
            if value is None and self._defaults_to_none(name):
                continue
            check_number(value, f"{type(self).__name__}: {name}", interval)
        for name, allowed in self.choices.items():
            value = getattr(self, name)
            for a in allowed:
                if value is a or (type(value) is type(a) and value == a):
                    break
            else:
                said = ", ".join(repr(a) for a in allowed)
                raise ValueError(
                    f"{type(self).__name__}: {name} must be one of {said}, got {value!r}"
                )
        self.check_family()
        self.validate()

    def _defaults_to_none(self, name: str) -> bool:
        return any(
            d.get(name, 0) is None for d in (self.parameter_defaults, *self.presets.values())
        )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Also return those of nested objects, as ``outer__inner``.

        Returns
        -------
        dict
            Parameter names and values.
        """
        params = {name: getattr(self, name) for name in self.parameter_defaults}
        if deep:
            for name, value in list(params.items()):
                if isinstance(value, HyperParameters):
                    nested = value.get_params()
                    params |= {f"{name}__{inner}": v for inner, v in nested.items()}
        return params

    def set_params(self, **params: Any) -> HyperParameters:
        """Set parameters by name; ``outer__inner`` reaches into nested objects.

        With ``preset``, parameters that have the values of the old preset (or the defaults) first
        take those of the new one; what was set otherwise stays.

        Parameters
        ----------
        **params : dict
            Names and new values.

        Returns
        -------
        self
            The object, unchanged if any name or value was refused.
        """
        if self.__dict__.get("_at_work"):
            raise ValueError(
                f"{type(self).__name__}: set_params has no effect on the steps of an updater; set "
                "`updater.lr`, or bind what `updater.optimizer.replace(...)` returns"
            )
        before = dict(self.__dict__)
        nested: dict[str, dict[str, Any]] = {}
        try:
            if "preset" in params and "preset" in self.parameter_defaults:
                was, now = (
                    self.defaults_with(before["preset"]),
                    self.defaults_with(params["preset"]),
                )
                for name in was:
                    if _same(before[name], was[name]):
                        setattr(self, name, now[name])
            for name, value in params.items():
                outer, _, inner = name.partition("__")
                if outer not in self.parameter_defaults:
                    raise ValueError(
                        f"{type(self).__name__} has no parameter {outer!r}; "
                        f"it takes {', '.join(self.parameter_defaults)}"
                    )
                value = plain(value)
                if inner:
                    nested.setdefault(outer, {})[inner] = value
                else:
                    setattr(self, outer, value)
                if not self.is_given(outer):
                    self._given = (*self.__dict__.get("_given", ()), outer)
            for outer, inner_params in nested.items():
                target = getattr(self, outer)
                if not isinstance(target, HyperParameters):
                    raise ValueError(
                        f"{type(self).__name__}: {outer}={target!r} has no parameters to set"
                    )
                # The nested object may be shared with another owner: replace it, never edit it.
                setattr(self, outer, target.replace(**inner_params))
            self._check()
        except (TypeError, ValueError):
            self.__dict__ = before
            raise
        return self

    def replace(self, **params: Any) -> Any:
        """Return a copy with some parameters changed.

        Parameters
        ----------
        **params : dict
            Names and new values, as in `set_params`.

        Returns
        -------
        HyperParameters
            The copy; the original stays as it is.
        """
        made = object.__new__(type(self))
        made.__dict__ = self.__getstate__()
        return made.set_params(**params)

    def put_to_work(self) -> Any:
        """Return a copy whose parameters stay as they are; copies of that are free again."""
        made = self.replace()
        made.__dict__["_at_work"] = True
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_at_work"}

    def __repr__(self) -> str:
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name, default in self.defaults_with(self.__dict__.get("preset")).items()
            if self.is_given(name)
            or default is _REQUIRED
            or not _same(getattr(self, name), default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(_same(getattr(self, n), getattr(other, n)) for n in self.parameter_defaults)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # mutable through set_params


def plain(value: Any) -> Any:
    """Return what a NumPy scalar or an array without dimensions holds, as Python's own type."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value


def check_number(value: Any, name: str, interval: str) -> None:
    """Raise unless `value` is a real number in an interval such as ``"[0, 1)"``."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number in {interval}, got {value!r}")
    try:
        within = _is_within(float(value), interval)
    except OverflowError:  # an int that is larger than any float
        within = False
    if not within:
        raise ValueError(f"{name} must be a number in {interval}, got {value!r}")


def check_count(name: str, value: Any, optional: bool = False, low: int = 1) -> None:
    """Raise unless `value` is a whole number of at least `low`, or None where it may be missing."""
    value = plain(value)
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < low:
        raise ValueError(f"{name} must be at least {low}, got {value}")
    most = 2**31 - 1 if name == "n_threads" else MOST_STEPS
    if int(value) > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")


def _is_within(number: float, interval: str) -> bool:
    """Return whether a number lies in an interval; one that is NaN lies in none."""
    low, high, with_low, with_high = _bounds(interval)
    return low < number < high or (with_low and number == low) or (with_high and number == high)


@functools.cache
def _bounds(interval: str) -> tuple[float, float, bool, bool]:
    """Return the bounds of an interval, and whether they belong to it."""
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    return low, high, interval[0] == "[", interval[-1] == "]"


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if type(a) is not type(b):
        # 0 and 0.0 are the same setting; True and 1 are not.
        both = isinstance(a, numbers.Real) and isinstance(b, numbers.Real)
        if not both or isinstance(a, bool) or isinstance(b, bool):
            return False
    try:
        return bool(a == b)
    except ValueError:  # arrays
        return a.shape == b.shape and bool((a == b).all())


def _signature(fields: dict[str, Any]) -> inspect.Signature:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature([inspect.Parameter(n, kind, default=d) for n, d in fields.items()])
