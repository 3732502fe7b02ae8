"""What every optimizer is: hyper-parameters, a scalar rule, and the common modifiers."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..core.hyper import HyperParameters
from ..kernels.language.terms import (
    AVERAGE,
    DECAY_SHARE,
    LOOKAHEAD_STATE,
    REST,
    Finish,
    update_owner,
)
from ..schedules import Schedule, get_schedule

Scalar = Any  # a float, or an array with one value per step: rules of arithmetic are the same


class UpdateRule(HyperParameters):
    """An optimizer before it is bound; `Optimizer` describes its parameters."""

    state: ClassVar[tuple[str, ...]] = ()
    flags: ClassVar[tuple[str, ...]] = ()
    sums: ClassVar[tuple[str, ...]] = ()
    scope: ClassVar[str] = "array"
    scalars: ClassVar[tuple[str, ...]] = ()
    derived: ClassVar[tuple[str, ...]] = ()
    own_decay: ClassVar[str | None] = None
    decays: ClassVar[tuple[str, ...]] = ()
    squares: ClassVar[bool] = True  # gradients: those whose square is not finite are unfit
    batch_rule: ClassVar[str] = "sqrt"
    can_wait: ClassVar[bool] = True
    rebuilds: ClassVar[bool] = False
    by_arrays: ClassVar[bool] = False  # array code, not a rule for one element

    schedule: Schedule | str | Callable[[Any], Any] | None = None
    schedules: Mapping[str, Any] | None = None
    weight_decay: float = 0.0
    decay: str = "l2"
    clip_norm: float | None = None
    clip_scope: str = "global"
    clip_value: float | None = None
    maximize: bool = False
    nonfinite: str = "ignore"
    average: str | None = None
    average_decay: float = 0.999
    l1: float = 0.0
    l2: float = 0.0
    cautious: bool = False
    lookahead: int | None = None
    lookahead_alpha: float = 0.5

    ranges: ClassVar[dict[str, str]] = {
        "weight_decay": "[0, inf)",
        "clip_norm": "(0, inf]",
        "clip_value": "(0, inf]",
        "average_decay": "[0, 1)",
        "l1": "[0, inf)",
        "l2": "[0, inf)",
        "lookahead": "[1, inf)",
        "lookahead_alpha": "(0, 1]",
    }
    choices: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": ("l2", "decoupled", "independent"),
        "clip_scope": ("global", "group", "parameter"),
        "maximize": (False, True),
        "nonfinite": ("ignore", "raise", "skip"),
        "average": (None, "ema", "polyak"),
        "cautious": (False, True),
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        unknown = [f for f in cls.flags if f not in cls.parameter_defaults]
        if unknown:
            raise TypeError(
                f"{cls.__name__}: flags names {unknown[0]!r}, which is none of its "
                f"hyper-parameters ({', '.join(cls.parameter_defaults)})"
            )
        if "lr" in cls.parameter_defaults:
            cls.ranges = {"lr": "[0, inf)", **cls.ranges}

    def coefficients(self, t: Scalar, lr: Scalar) -> Mapping[str, Scalar]:
        """Return the scalars that `update` takes at step `t`, in double precision.

        Parameters
        ----------
        t : float or ndarray of shape (steps,)
            Step number, counted from 1.
        lr : float or ndarray of shape (steps,)
            Learning rate of the step.

        Returns
        -------
        mapping of str to float or ndarray
            A value for each parameter of `update` after ``p``, ``g`` and the state, except
            flags. Hyper-parameters that a schedule drives are arrays here, so write plain
            arithmetic.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `coefficients`")

    def initial_state(self) -> Mapping[str, float | str]:
        """Return what state arrays start from: a value, or ``"p"`` for a copy of the parameter.

        Those that are not named start from zero.
        """
        return {}

    def initial_scalars(self) -> Mapping[str, float]:
        """Return what scalars start from, zero where not named."""
        return {}

    @property
    def first_lr(self) -> float:
        """Rate that the updater was bound with; `lr` is what it was set to since."""
        return self.__dict__.get("_first_lr", self.__dict__["lr"])

    @property
    def is_linear(self) -> bool:
        """Whether a step moves p by a weighted sum of its gradients so far.

        The weights of past ones must fall by the same factor from step to step. What a penalty in
        the gradient does to a feature that has no other gradient is then known in closed form,
        which training on sparse data makes use of.
        """
        return False

    @property
    def averages(self) -> bool:
        """Whether predictions are made with other parameters than those that are stepped."""
        return self.average is not None or self.predicts_elsewhere

    @property
    def predicts_elsewhere(self) -> bool:
        """Whether the rule itself steps other parameters than those to predict with."""
        return type(self).evaluate is not UpdateRule.evaluate

    def evaluate(self, p: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the parameter to predict with, for rules that step another one.

        Parameters
        ----------
        p : ndarray
            The parameter that gradients are taken at; not changed.
        state : mapping of str to ndarray
            Its state arrays.

        Returns
        -------
        ndarray
            A new array, or `p` itself.
        """
        return p

    def decays_itself(self) -> bool:
        """Return whether the rule applies the chosen decay itself."""
        return self.decay == self.own_decay

    def switches(self) -> dict[str, bool]:
        """Return which flags are on."""
        return {name: bool(getattr(self, name)) for name in self.flags}

    def momentum_field(self) -> str | None:
        """Return the parameter that a schedule's momentum drives: beta1 or momentum, if used."""
        if "beta1" in self.parameter_defaults:
            return "beta1"
        return "momentum" if getattr(self, "momentum", 0) else None

    def scheduled(self) -> dict[str, Schedule]:
        """Return the schedules by the name they drive: ``"lr"``, then the rest."""
        given = {"lr": self.schedule, **(self.schedules or {})}
        return {
            name: value if isinstance(value, Schedule) else get_schedule(value)
            for name, value in given.items()
        }

    def with_scheduled(self, values: Mapping[str, Scalar]) -> UpdateRule:
        """Return a copy with arrays over steps as hyper-parameters, for `coefficients` alone.

        It skips the checks, which are for single numbers; without `values` it is the object itself.
        """
        if not values:
            return self
        scheduled: UpdateRule = object.__new__(type(self))  # a tenth of the time of copy.copy
        scheduled.__dict__ = {**self.__dict__, **values}
        return scheduled

    def check_family(self) -> None:
        """Check the common modifiers."""
        owner = type(self).__name__
        if self.lookahead is not None and not isinstance(self.lookahead, numbers.Integral):
            raise TypeError(f"{owner}: lookahead must be a whole number, got {self.lookahead!r}")
        if self.schedules is None:
            return
        if not isinstance(self.schedules, Mapping):
            raise TypeError(
                f"{owner}: schedules must be a dict from hyper-parameters to schedules, "
                f"got {self.schedules!r}"
            )
        for name, schedule in self.schedules.items():
            label = f"{owner}: schedules[{name!r}]"
            get_schedule(schedule, label)
            if name not in self.parameter_defaults:
                known = ", ".join(self.parameter_defaults)
                raise ValueError(f"{label} is none of its hyper-parameters ({known})")
            if name == "lr":
                raise ValueError(f"{label}: the schedule of the learning rate goes into schedule=")
            if name in {"clip_norm", "lookahead"}:
                raise ValueError(f"{label}: {name} is one number for the whole run")
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise ValueError(f"{label}: {name}={value!r} is no number that can be scaled")


def keeps_rest(optimizer: UpdateRule, dtype: np.dtype) -> bool:
    """Return whether the average is too precise for `dtype`: its late weights are tiny."""
    return optimizer.average == "polyak" and dtype == np.float32


def choose_finish(optimizer: UpdateRule, groups: Sequence[Any], dtype: np.dtype) -> Finish | None:
    """Return which modifiers follow the rule, None if its own loop does all there is to do."""
    owner = type(optimizer).__name__
    penalties = [group.l1 for group in groups if group.l1 is not None]
    if "l1" not in optimizer.own_fields:
        penalties.append(optimizer.l1)
    rest = keeps_rest(optimizer, dtype)
    if not any(penalties) and not optimizer.cautious and optimizer.lookahead is None:
        return Finish(average=True, rest=True) if rest and not optimizer.by_arrays else None
    if optimizer.predicts_elsewhere:
        raise ValueError(
            f"{owner} predicts with other parameters than it steps, and l1, cautious and lookahead "
            "would change only the latter"
        )
    if not hasattr(type(optimizer), "update"):
        raise ValueError(f"{owner} is array code, which l1, cautious and lookahead cannot follow")
    rule: Any = update_owner(type(optimizer))
    if optimizer.cautious and DECAY_SHARE in inspect.signature(rule.update).parameters:
        raise ValueError(f"{owner} applies the decay itself, and cautious=True cannot see its move")
    return Finish(
        optimizer.cautious, optimizer.lookahead is not None, optimizer.average is not None, rest
    )


def state_starts(
    optimizer: UpdateRule, of_rule: Sequence[str], dtype: np.dtype
) -> dict[str, float | str]:
    """Return names of state arrays and what they start from: a value, or ``"p"`` for a copy.

    Those of the rule come first, in the order of its kernel, then those of the modifiers.
    """
    initial = {**optimizer.initial_state(), LOOKAHEAD_STATE: "p"}
    last = [LOOKAHEAD_STATE] if optimizer.lookahead else []
    last += [AVERAGE] if optimizer.average else []
    last += [REST] if keeps_rest(optimizer, dtype) else []
    return {name: initial.get(name, 0.0) for name in (*of_rule, *last)}


def modifier_options(optimizer: UpdateRule) -> dict[str, Any]:
    """Return steppers' options for clipping, non-finite gradients and the direction."""
    return {
        "clip_norm": optimizer.clip_norm or 0.0,
        "squares": optimizer.squares
        and optimizer.clip_norm is None
        and optimizer.clip_value is None,
        "clip_scope": optimizer.clip_scope,
        "check": optimizer.nonfinite != "ignore",
        "raises": optimizer.nonfinite == "raise",
        "sign": -1.0 if optimizer.maximize else 1.0,
    }


def check_coefficients(optimizer: UpdateRule, names: Sequence[str]) -> None:
    """Raise unless an optimizer's `coefficients` returns what its kernel takes, by `names`."""
    owner = type(optimizer).__name__
    if "lr" not in optimizer.parameter_defaults:
        raise ValueError(f"{owner} has no learning rate; annotate it, as in `lr: float = 1e-3`")
    values = optimizer.coefficients(np.array([1.0, 2.0]), np.ones(2))
    if not isinstance(values, Mapping):
        raise TypeError(f"{owner}.coefficients must return a dict, got {type(values).__name__}")
    if optimizer.own_decay is not None:
        values = {"weight_decay": 0.0, **values}
    missing = [n for n in names if n not in values]
    if missing:
        raise ValueError(
            f"{owner}.coefficients must return {', '.join(missing)}, "
            f"which `update` takes; it returns {', '.join(values)}"
        )
    for name in names:
        value = values[name]
        if isinstance(value, float) and value == value:  # the usual case, without NumPy
            continue
        try:
            found = np.broadcast_to(np.asarray(value, np.float64), 2)
        except (TypeError, ValueError):
            found = np.full(2, np.nan)
        if np.isnan(found).any():  # None becomes NaN
            raise ValueError(
                f"{owner}.coefficients: {name} must be a number or an array with one value "
                f"for each step, got {value!r} for two steps"
            )
