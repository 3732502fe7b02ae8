"""Estimators: scikit-learn's face of fastlr."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .linear import LinearClassifier
    from .linear_regressor import LinearRegressor
    from .mlp import MLPClassifier
    from .mlp_regressor import MLPRegressor
    from .model_files import load_model, save_model

    SKOPS_TRUSTED: list[str]
    """Types that files of `save_model` hold, for ``skops.io.load(file, trusted=SKOPS_TRUSTED)``."""

# Imported on first use: those who train linear models need not wait for networks.
_HOMES = {
    "LinearClassifier": "linear",
    "LinearRegressor": "linear_regressor",
    "MLPClassifier": "mlp",
    "MLPRegressor": "mlp_regressor",
}
_FILES = {"load_model": "model_files", "save_model": "model_files"}

_COMPAT = (  # by name, for to import it would bring all of scikit-learn's perceptrons
    "_mlp.MLPClassifier",
    "_mlp.MLPRegressor",
    "_rates.Observed",
    "_sgd.SGDClassifier",
    "_sgd.SGDRegressor",
    "_solver.Solver",
)

__all__ = [
    "SKOPS_TRUSTED",
    "LinearClassifier",
    "LinearRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "load_model",
    "save_model",
]


def __getattr__(name: str) -> Any:
    if name == "SKOPS_TRUSTED":
        value: Any = _trusted()
    elif name in _HOMES or name in _FILES:
        module = _HOMES.get(name) or _FILES[name]
        value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _trusted() -> list[str]:
    """Return the names of all types that a saved model may hold."""
    from .. import losses, optimizers, schedules
    from .data.date_parts import DateParts

    public = [
        DateParts,
        *(getattr(importlib.import_module(f"{__name__}.{m}"), n) for n, m in _HOMES.items()),
        *losses.LOSSES.values(),
        *optimizers.OPTIMIZERS.values(),
        *(getattr(schedules, name) for name in schedules.__all__ if name != "get_schedule"),
    ]
    own = {f"{cls.__module__}.{cls.__qualname__}" for cls in public if isinstance(cls, type)}
    own |= {"numpy.dtype"}  # of scikit-learn's imputers and encoders; it runs nothing
    return sorted(own | {f"fastlr.compat.{name}" for name in _COMPAT})
