"""Estimators: scikit-learn's face of fastlr."""

from .. import losses, optimizers, schedules
from .linear import LinearClassifier
from .linear_regressor import LinearRegressor
from .mlp import MLPClassifier
from .mlp_regressor import MLPRegressor

_TRUSTED = (
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    *losses.LOSSES.values(),
    *optimizers.OPTIMIZERS.values(),
    *(getattr(schedules, name) for name in schedules.__all__ if name != "get_schedule"),
)

SKOPS_TRUSTED = sorted(
    {f"{cls.__module__}.{cls.__qualname__}" for cls in _TRUSTED if isinstance(cls, type)}
)
"""Names of fastlr's own types, for ``skops.io.load(file, trusted=SKOPS_TRUSTED)``."""

__all__ = [
    "SKOPS_TRUSTED",
    "LinearClassifier",
    "LinearRegressor",
    "MLPClassifier",
    "MLPRegressor",
]
