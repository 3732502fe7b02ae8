"""Constructor parameters that all estimators share, and what may be set through `set_params`."""

from __future__ import annotations

import sys
from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.base import BaseEstimator

from ...core.hyper import HyperParameters
from ...core.sklearn_versions import Interval, StrOptions
from ...optimizers import get_optimizer
from ...optimizers.optimizer import Optimizer
from ...schedules import Schedule
from ..settings.settings import resolve_optimizer, rule_of_thumb

# Plain values that have passed all checks: a search fits many models that differ in few of them,
# and the checks take as long as an epoch of some hundred rows.
_PASSED: set[tuple[Any, ...]] = set()
_MOST = 4096
_VALUES = frozenset({bool, int, float, str, type(None)})


_LARGEST = int(sys.float_info.max)


class OptimizerParams(BaseEstimator):
    """An estimator with an optimizer, a rate and a schedule."""

    _parameter_constraints: dict[str, list[Any]] = {
        "optimizer": [str, Optimizer],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "schedule": [str, Schedule, None],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, 2**53, closed="both")],
        "reference_batch_size": [None, Interval(Integral, 1, 2**53, closed="both")],
        "max_epochs": [Interval(Integral, 1, 2**53, closed="both")],
        "tol": [None, Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "clip_norm": [None, Interval(Real, 0, None, closed="neither")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "n_threads": [Interval(Integral, 1, 2**31 - 1, closed="both")],
    }

    _own_names: ClassVar[tuple[str, ...]]

    # What lr="auto" multiplies the default rate of an optimizer given by name with.
    _auto_lr_factor = 1.0

    optimizer: Any
    lr: Any
    schedule: Any
    batch_size: Any
    reference_batch_size: int | None = None
    max_epochs: int
    tol: float | None
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    shuffle: bool
    clip_norm: float | None
    warm_start: bool
    random_state: Any
    verbose: int
    n_threads: int

    @classmethod
    def _get_param_names(cls) -> list[str]:
        if "_own_names" not in cls.__dict__:  # to read them off the signature takes 60 us
            cls._own_names = tuple(super()._get_param_names())
        return list(cls._own_names)

    def _validate_params(self) -> None:
        params = self.get_params(deep=False).values()
        values = tuple((type(value), value) for value in params if type(value) in _VALUES)
        key = (type(self), *values) if len(values) == len(params) else None
        if key in _PASSED:
            return
        super()._validate_params()
        for name, value in self.get_params(deep=False).items():
            if type(value) is int and abs(value) > _LARGEST:
                raise ValueError(f"{name} must be a number that a float can hold, got {value!r}")
        if key is not None:
            if len(_PASSED) == _MOST:
                _PASSED.clear()
            _PASSED.add(key)

    def set_params(self, **params: Any) -> OptimizerParams:
        """Set parameters; ``optimizer__weight_decay`` reaches into an optimizer object.

        Parameters
        ----------
        **params : dict
            Names and values. A nested object is replaced by a changed copy, so that estimators
            that were given the same object stay independent.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        ValueError
            If a name is unknown, or reaches into something that is given by its name.
        """
        plain = {name: value for name, value in params.items() if "__" not in name}
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            outer, _, inner = name.partition("__")
            if inner:
                nested.setdefault(outer, {})[inner] = value
        for outer, changes in nested.items():
            target = plain.get(outer, getattr(self, outer, None))
            if isinstance(target, HyperParameters):
                plain[outer] = target.replace(**changes)
            elif outer in self._get_param_names():
                name, value = next(iter(changes.items()))
                raise ValueError(
                    f"{outer}__{name}: {outer}={target!r} has no parameters to set; give an "
                    f"object in its place, such as {outer}={_example(outer, name, value)}"
                )
            else:  # scikit-learn's own message says which names there are
                plain |= {f"{outer}__{name}": value for name, value in changes.items()}
        super().set_params(**plain)
        return self

    def _resolve_optimizer(self) -> Optimizer:
        if self.reference_batch_size is not None and self._seeks_rate():
            raise ValueError(
                f"reference_batch_size={self.reference_batch_size!r} says which batch size lr is "
                "for, so lr must be given: lr='auto' finds a rate for the batch size in use"
            )
        return resolve_optimizer(
            self.optimizer, self._top_rate(), self.schedule, self.clip_norm, self._auto_lr_factor
        )

    def _at_batch_size(self, optimizer: Any, rows: int) -> Optimizer:
        """Return the optimizer at the rate for mini-batches of `rows`.

        That is the one given, but where it is said to be for another batch size.
        """
        if self.reference_batch_size is None:
            return optimizer  # type: ignore[no-any-return]
        from ...rates.recommendations import scale_lr  # few ask for it

        lr = scale_lr(optimizer.lr, self.reference_batch_size, rows, optimizer=optimizer)
        scaled: Optimizer = optimizer.replace(lr=lr)
        return scaled

    def _top_rate(self) -> Any:
        """Return the constructor's rate as one number, or "auto"."""
        if isinstance(self.lr, slice):  # set after the checks of `fit`
            raise TypeError(
                f"lr must be a number or 'auto', got {self.lr!r}: {type(self).__name__} has one "
                "layer, and no others to spread rates over"
            )
        return self.lr

    def _seeks_rate(self) -> bool:
        """Return whether `fit` looks for a rate: nobody has given one, to an optimizer either."""
        if self.lr != "auto":
            return False
        return isinstance(self.optimizer, str) or not self.optimizer.is_given("lr")

    def _at_rule_of_thumb(self, optimizer: Any) -> Optimizer:
        """Return the optimizer at the rate around which to look for a better one."""
        default = get_optimizer(self.optimizer).lr  # type: ignore[attr-defined]
        found: Optimizer = optimizer.replace(lr=rule_of_thumb(default, self._auto_lr_factor))
        return found

    def _settings(self) -> tuple[Any, ...]:
        """Return the parameters that a session depends on."""
        return (
            self.optimizer,
            self.lr,
            self.schedule,
            self.clip_norm,
            self.n_threads,
            self.reference_batch_size,
        )


def _example(outer: str, inner: str, value: Any) -> str:
    made = {"optimizer": "AdamW", "schedule": "OneCycle"}.get(outer, "...")
    return f"{made}({inner}={value!r})"
