"""Constructor parameters that all estimators share, and those of objects within them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator

from ...core.hyper import HyperParameters
from ...core.sklearn_versions import Interval, StrOptions
from ...optimizers.optimizer import Optimizer
from ...schedules import Schedule

CONSTRAINTS: dict[str, list[Any]] = {
    "optimizer": [str, Optimizer],
    "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
    "schedule": [str, Schedule, callable, None],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, 2**53, closed="both")],
    "reference_batch_size": [None, Interval(Integral, 1, 2**53, closed="both")],
    "max_epochs": [StrOptions({"auto"}), Interval(Integral, 1, 2**53, closed="both")],
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


def flat_params(model: BaseEstimator, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of the estimator alone: objects within it are changed copies.

    Raises
    ------
    ValueError
        If a name reaches into something that is given by its name.
    """
    names = model.get_params(deep=False)
    plain = {name: value for name, value in params.items() if "__" not in name}
    nested: dict[str, dict[str, Any]] = {}
    for name, value in params.items():
        outer, _, inner = name.partition("__")
        if inner:
            nested.setdefault(outer, {})[inner] = value
    for outer, changes in nested.items():
        target = plain.get(outer, getattr(model, outer, None))
        if isinstance(target, HyperParameters):
            plain[outer] = target.replace(**changes)
        elif outer in names:
            name, value = next(iter(changes.items()))
            made = {"optimizer": "AdamW", "schedule": "OneCycle"}.get(outer, "...")
            raise ValueError(
                f"{outer}__{name}: {outer}={target!r} has no parameters to set; give an "
                f"object in its place, such as {outer}={made}({name}={value!r})"
            )
        else:  # scikit-learn's own message says which names there are
            plain |= {f"{outer}__{name}": value for name, value in changes.items()}
    return plain
