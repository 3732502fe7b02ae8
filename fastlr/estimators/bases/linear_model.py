"""The linear model: one row of coefficients for each output, and an intercept."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse

from ... import training
from ...core.sklearn_versions import Interval, StrOptions, check_is_fitted
from ...losses.base import Loss
from ...optimizers.optimizer import Optimizer
from ...training import Arena, FeatureScaling, LinearEpoch
from ..data.sparse_rows import AnyRows, check_sparse, sparse_scaling
from ..data.standardize import learn_scaling
from ..fitting.fit import GradientEstimator
from ..session.session import ModelSpec
from ..session.units import ByFeature, FittedParameter, Fold, LinearFold
from ..settings.penalty import penalised, penalty_parts, scale_powers

_BLOCK = 8192  # features; BLAS splits longer dot products among threads, which costs far more

BY_FEATURE = "by_feature"  # among what was learned of X: coefficients lie as sparse rows want them

PENALTIES = ("l2", "l1", "elasticnet")


class LinearModel(GradientEstimator):
    """Hooks of a linear model; stands before the targets' base class."""

    _model_constraints: Mapping[str, list[Any]] = {
        "loss": [str, Loss],
        "penalty": [StrOptions(set(PENALTIES)), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "standardize": [StrOptions({"auto"}), "boolean"],
        "average": [StrOptions({"ema", "polyak"}), "boolean", None],
    }

    coef_ = FittedParameter()
    intercept_ = FittedParameter()

    _learns_from_chunk = False  # a chunk may be a single row

    loss: Any
    fit_intercept: bool
    penalty: str | None = None
    alpha: float = 0.0
    l1_ratio: float = 0.0
    standardize: bool | str = False
    average: bool | str | None = None

    @property
    def _has_shift(self) -> bool:  # type: ignore[override]
        return self.fit_intercept

    # Rows

    def _layout(self, X: Any) -> dict[str, np.ndarray]:
        return {BY_FEATURE: np.array(True)} if sparse.issparse(X) else {}

    def _learn_inputs(self, X: Any, weights: np.ndarray | None) -> dict[str, np.ndarray]:
        learn = sparse_scaling if sparse.issparse(X) else learn_scaling
        return self._layout(X) | learn(X, weights, self.standardize, self.fit_intercept)

    def _shapes(self, n_features: int, outputs: int) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {"coef": (outputs, n_features)}
        return shapes | ({"intercept": (outputs,)} if self.fit_intercept else {})

    def _spec(self, *args: Any) -> ModelSpec:
        spec = super()._spec(*args)
        if BY_FEATURE not in spec.inputs:
            return spec
        return spec._replace(shapes=_turned(spec.shapes))

    def _fitted_shapes(self, spec: ModelSpec) -> Mapping[str, tuple[int, ...]]:
        return _turned(spec.shapes) if BY_FEATURE in spec.inputs else spec.shapes

    def _initialise(
        self, params: Mapping[str, np.ndarray], spec: ModelSpec, rng: np.random.RandomState
    ) -> None:
        if spec.targets.start is not None and "intercept" in params:
            params["intercept"][:] = spec.targets.start

    def _make_epoch(self, arena: Arena, updater: Any, spec: ModelSpec) -> AnyRows:
        scaling = None
        if "scale" in spec.inputs:
            scaling = FeatureScaling(spec.inputs.get("shift"), 1 / spec.inputs["scale"])
        if BY_FEATURE in spec.inputs:
            return AnyRows(
                training.SparseEpoch(arena, updater, spec.loss, spec.reduction, scaling=scaling)
            )
        l1, _ = self._strengths(spec)
        return AnyRows(
            LinearEpoch(arena, updater, spec.loss, spec.reduction, scaling=scaling, l1=l1)
        )

    def _fold(self, spec: ModelSpec) -> Fold:
        targets, inputs = spec.targets, spec.inputs
        layout = ByFeature() if BY_FEATURE in inputs else Fold()
        if not ("scale" in inputs or getattr(targets, "scaled", False)):
            return layout
        shift = getattr(targets, "raw_shift", np.zeros(targets.outputs))
        scale = getattr(targets, "raw_scale", np.ones(targets.outputs))
        return LinearFold(shift, scale, inputs.get("shift"), inputs.get("scale"), layout)

    # The optimizer, with what belongs to a linear model

    def _resolve_optimizer(self) -> Optimizer:
        optimizer = super()._resolve_optimizer()
        changes: dict[str, Any] = {}
        if self.average:
            changes["average"] = "polyak" if self.average is True else self.average
        if self.penalty is not None and isinstance(self.optimizer, str):
            changes["weight_decay"] = 0.0
        merged: Optimizer = optimizer.replace(**changes)
        return merged

    def _parts(self) -> tuple[float, float]:
        return penalty_parts(self.penalty, float(self.alpha), float(self.l1_ratio))

    def _shares_scale(self, degree: float, log: bool) -> bool:
        powers = scale_powers(degree, log)
        return any(part and power for part, power in zip(self._parts(), powers, strict=True))

    def _strengths(self, spec: ModelSpec) -> tuple[float, float]:
        """Return the strengths of the L1 and the L2 part in units of training."""
        l1, l2 = self._parts()
        scaled = spec.loss.scaled(1.0) if getattr(spec.targets, "scaled", False) else None
        if scaled is not None:
            powers = scale_powers(scaled[1], spec.targets.log)
            scale = float(spec.targets.scale[0])
            l1, l2 = l1 * scale ** powers[0], l2 * scale ** powers[1]
        return l1, l2

    def _in_units(self, optimizer: Optimizer, spec: ModelSpec) -> Optimizer:
        l1, l2 = self._strengths(spec)
        return penalised(optimizer, 0.0 if self._engine_takes_l1(spec) else l1, l2)

    def _engine_takes_l1(self, spec: ModelSpec) -> bool:
        """Whether the engine minimises the L1 part, rather than the optimizer's proximal step.

        That of sparse rows would have to visit all features in every step.
        """
        return BY_FEATURE not in spec.inputs

    def _settings(self) -> tuple[Any, ...]:
        own = (self.fit_intercept, self.loss, self.penalty, self.alpha, self.l1_ratio, self.average)
        return (*super()._settings(), *own)

    # Fitted attributes

    def _fitted_params(self) -> dict[str, np.ndarray]:
        coef = self._rows_of_coef()
        coef = coef.toarray() if sparse.issparse(coef) else coef
        return {"coef": coef, "intercept": self.intercept_}

    def _set_fitted_params(self, params: Mapping[str, np.ndarray]) -> None:
        self.coef_ = params["coef"]
        if self.fit_intercept:
            self.intercept_ = params["intercept"]
        else:
            coef = params["coef"]
            self.intercept_ = np.zeros(len(coef), coef.dtype)

    def _rows_of_coef(self) -> Any:
        """Return `coef_` with a row for each output, whatever shape it is handed out in."""
        coef = self.coef_
        return coef[None] if coef.ndim == 1 else coef

    def _outputs(self, X: Any) -> np.ndarray:
        coef = self._rows_of_coef()
        if sparse.issparse(X) or sparse.issparse(coef):
            check_sparse(coef, "coef_")
            products = X @ coef.T
            # A sparse one plus the intercept would be a np.matrix.
            return (products.toarray() if sparse.issparse(products) else products) + self.intercept_
        return _products(X, coef) + self.intercept_

    def sparsify(self) -> LinearModel:
        """Keep `coef_` as a sparse matrix, which takes less memory where most of it is zero.

        Training goes on from there as before, and makes it dense again.

        Returns
        -------
        self
            Fitted estimator.
        """
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> LinearModel:
        """Keep `coef_` as an ndarray again.

        Returns
        -------
        self
            Fitted estimator.
        """
        check_is_fitted(self)
        if sparse.issparse(self.coef_):
            self.coef_ = self.coef_.toarray()
        return self


def _turned(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {name: s[::-1] if name == "coef" else s for name, s in shapes.items()}


def _products(X: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """Return ``X @ coef.T``, to the bit the same for a row alone and among others.

    A matrix product rounds a row differently in a batch of another size.
    """
    scores = np.vecdot(X[:, None, :_BLOCK], coef[:, :_BLOCK])
    for start in range(_BLOCK, X.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        scores += np.vecdot(X[:, None, block], coef[:, block])
    return scores
