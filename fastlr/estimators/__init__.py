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

_COMPAT = (  # by name, for to import it would bring all of scikit-learn's perceptrons
    "_mlp.MLPClassifier",
    "_mlp.MLPRegressor",
    "_rates.Told",
    "_sgd.SGDClassifier",
    "_sgd.SGDRegressor",
    "_solver.Solver",
)

SKOPS_TRUSTED = sorted(
    {f"{cls.__module__}.{cls.__qualname__}" for cls in _TRUSTED if isinstance(cls, type)}
    | {f"fastlr.compat.{name}" for name in _COMPAT}
)
"""Names of fastlr's own types, for ``skops.io.load(file, trusted=SKOPS_TRUSTED)``."""

__all__ = [
    "SKOPS_TRUSTED",
    "LinearClassifier",
    "LinearRegressor",
    "MLPClassifier",
    "MLPRegressor",
]
