"""The linear model: one row of coefficients for each output, and an intercept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..training import Arena, LinearEpoch
from ._fold import FittedParameter, Fold, LinearFold
from ._session import ModelSpec
from .base import GradientEstimator

_BLOCK = 8192  # features; BLAS splits longer dot products among threads, which costs far more


class LinearModel(GradientEstimator):
    """Hooks of a linear model; stands before the targets' base class."""

    coef_ = FittedParameter()
    intercept_ = FittedParameter()

    fit_intercept: bool

    @property
    def _has_shift(self) -> bool:  # type: ignore[override]
        return self.fit_intercept

    def _shapes(self, n_features: int, outputs: int) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {"coef": (outputs, n_features)}
        return shapes | ({"intercept": (outputs,)} if self.fit_intercept else {})

    def _initialise(
        self, params: Mapping[str, np.ndarray], spec: ModelSpec, rng: np.random.RandomState
    ) -> None:
        if spec.targets.start is not None and "intercept" in params:
            params["intercept"][:] = spec.targets.start

    def _make_epoch(self, arena: Arena, updater: Any, spec: ModelSpec) -> LinearEpoch:
        return LinearEpoch(arena, updater, spec.loss, spec.reduction)

    def _fold(self, spec: ModelSpec) -> Fold:
        if not getattr(spec.targets, "scaled", False):
            return Fold()
        return LinearFold(spec.targets.raw_shift, spec.targets.raw_scale)

    def _settings(self) -> tuple[Any, ...]:
        return (*super()._settings(), self.fit_intercept)

    def _fitted_params(self) -> dict[str, np.ndarray]:
        return {"coef": self.coef_, "intercept": self.intercept_}

    def _set_fitted_params(self, params: Mapping[str, np.ndarray]) -> None:
        self.coef_ = params["coef"]
        if self.fit_intercept:
            self.intercept_ = params["intercept"]
        else:
            self.intercept_ = np.zeros(len(self.coef_), self.coef_.dtype)

    def _outputs(self, X: Any) -> np.ndarray:
        return _products(X, self.coef_) + self.intercept_


def _products(X: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """Return ``X @ coef.T``, to the bit the same for a row alone and among others.

    A matrix product rounds a row differently in a batch of another size.
    """
    scores = np.vecdot(X[:, None, :_BLOCK], coef[:, :_BLOCK])
    for start in range(_BLOCK, X.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        scores += np.vecdot(X[:, None, block], coef[:, block])
    return scores
