"""The linear model: one row of coefficients for each output, and an intercept."""

from __future__ import annotations

from numbers import Real
from typing import Any, Self

import numpy as np
from scipy import sparse

from ... import training
from ...core.check_sparse import check_sparse
from ...core.sklearn_versions import Interval, StrOptions, check_is_fitted
from ...losses.base import Loss
from ...optimizers.optimizer import Optimizer
from ...training import Arena, FeatureScaling, LinearEpoch
from ...updater.updater import Updater
from ..data.rows import Matrix, is_sparse
from ..data.scaling import learn_scaling
from ..data.targets import ClassTargets
from ..settings.penalty import penalised, penalty_parts, scale_powers
from .fitted import FittedParameter
from .model import Model
from .spec import ModelSpec, Shapes
from .units import Arrays, ByFeature, LinearUnits, Units

_BLOCK = 8192  # features; BLAS splits longer dot products among threads, which costs far more

BY_FEATURE = "by_feature"  # among what was learned of X: coefficients lie as sparse rows want them

PENALTIES = ("l2", "l1", "elasticnet")


class LinearModel(Model):
    """Hooks of a linear model; stands before the targets' base class."""

    _constraints = {
        "loss": [str, Loss],
        "penalty": [StrOptions(set(PENALTIES)), None],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "standardize": [StrOptions({"auto"}), "boolean"],
        "average": [StrOptions({"ema", "polyak"}), "boolean", None],
    }

    _auto_epochs = 10
    _depends: tuple[str, ...] = ("fit_intercept", "loss", "penalty", "alpha", "l1_ratio", "average")

    coef_ = FittedParameter()
    intercept_ = FittedParameter()

    loss: str | Loss
    fit_intercept: bool
    penalty: str | None = None
    alpha: float | str = 0.0
    l1_ratio: float = 0.0
    standardize: bool | str = False
    average: bool | str | None = None

    @property
    def _has_shift(self) -> bool:  # type: ignore[override]
        return self.fit_intercept

    # Rows

    def _layout(self, X: Matrix) -> dict[str, np.ndarray]:
        return {BY_FEATURE: np.array(True)} if sparse.issparse(X) else {}

    def _scaling_of(
        self, X: Matrix, weights: np.ndarray | None, surely: bool = False
    ) -> dict[str, np.ndarray]:
        wanted = bool(self.standardize) if surely else self.standardize
        return learn_scaling(X, weights, wanted, self.fit_intercept)

    def _shapes(self, n_features: int, outputs: int, inputs: Arrays) -> Shapes:
        coef = (n_features, outputs) if BY_FEATURE in inputs else (outputs, n_features)
        return {"coef": coef, "intercept": (outputs,)} if self.fit_intercept else {"coef": coef}

    def _initialise(self, params: Arrays, spec: ModelSpec, rng: np.random.RandomState) -> None:
        if spec.targets.start is not None and "intercept" in params:
            params["intercept"][:] = spec.targets.start

    def _make_epoch(self, arena: Arena, updater: Updater, spec: ModelSpec) -> Any:
        scaling = None
        if "scale" in spec.inputs:
            scaling = FeatureScaling(spec.inputs.get("shift"), 1 / spec.inputs["scale"])
        l1, _ = self._strengths(spec)
        engine: Any = training.SparseEpoch if BY_FEATURE in spec.inputs else LinearEpoch
        return engine(arena, updater, spec.loss, spec.reduction, scaling=scaling, l1=l1)

    def _units(self, spec: ModelSpec) -> Units | None:
        targets, inputs = spec.targets, spec.inputs
        layout = ByFeature() if BY_FEATURE in inputs else None
        if not ("scale" in inputs or targets.scaled):
            return layout
        shift = getattr(targets, "raw_shift", np.zeros(targets.outputs))
        scale = getattr(targets, "raw_scale", np.ones(targets.outputs))
        return LinearUnits(shift, scale, inputs.get("shift"), inputs.get("scale"), layout)

    # The optimizer, with what belongs to a linear model

    def _optimizer_changes(self) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        if self.average:
            changes["average"] = "polyak" if self.average is True else self.average
        if self.penalty is not None and isinstance(self._rule, str):
            changes["weight_decay"] = 0.0
        return changes

    @property
    def _strength(self) -> float:
        return 0.0 if self.penalty is None else super()._strength

    def _seeks_strength(self) -> bool:
        if self.alpha == "auto" and self.penalty is None:
            raise ValueError("alpha='auto' finds the strength of a penalty: set penalty='l2'")
        return super()._seeks_strength()

    def _parts(self) -> tuple[float, float]:
        return penalty_parts(self.penalty, self._strength, float(self.l1_ratio))

    def _shares_scale(self, degree: float, log: bool) -> bool:
        powers = scale_powers(degree, log)
        return any(part and power for part, power in zip(self._parts(), powers, strict=True))

    def _strengths(self, spec: ModelSpec) -> tuple[float, float]:
        """Return the strengths of the L1 and the L2 part in units of training."""
        if self.penalty is None:
            return 0.0, 0.0
        l1, l2 = self._parts()
        targets, loss = spec.targets, spec.loss
        if isinstance(targets, ClassTargets) or isinstance(loss, str) or not targets.scaled:
            return l1, l2
        scaled = loss.scaled(1.0)
        if scaled is not None:
            powers = scale_powers(scaled[1], targets.log)
            scale = float(targets.scale[0])
            l1, l2 = l1 * scale ** powers[0], l2 * scale ** powers[1]
        return l1, l2

    def _in_units(self, optimizer: Optimizer, spec: ModelSpec) -> Optimizer:
        if self.penalty is None:
            return optimizer
        return penalised(optimizer, self._strengths(spec)[1])  # engines minimise the L1 part

    # Fitted attributes

    def _fitted_params(self) -> dict[str, np.ndarray]:
        coef = self._rows_of_coef()
        coef = coef.toarray() if is_sparse(coef) else coef
        return {"coef": coef, "intercept": self.intercept_}

    def _set_fitted_params(self, params: Arrays) -> None:
        self.coef_ = params["coef"]
        if self.fit_intercept:
            self.intercept_ = params["intercept"]
        else:
            coef = params["coef"]
            self.intercept_ = np.zeros(len(coef), coef.dtype)

    def _rows_of_coef(self) -> Matrix:
        """Return `coef_` with a row for each output, whatever shape it is handed out in."""
        coef = self.coef_
        return coef[None] if coef.ndim == 1 else coef

    def _outputs(self, X: Matrix) -> np.ndarray:
        coef = self._rows_of_coef()
        if is_sparse(X) or is_sparse(coef):
            check_sparse(coef, "coef_")
            products = X @ coef.T
            # A sparse one plus the intercept would be a np.matrix.
            return (products.toarray() if is_sparse(products) else products) + self.intercept_
        return _products(X, coef) + self.intercept_

    def sparsify(self) -> Self:
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

    def densify(self) -> Self:
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


def _products(X: np.ndarray, coef: np.ndarray) -> np.ndarray:
    """Return ``X @ coef.T``, to the bit the same for a row alone and among others.

    A matrix product rounds a row differently in a batch of another size.
    """
    scores = np.vecdot(X[:, None, :_BLOCK], coef[:, :_BLOCK])
    for start in range(_BLOCK, X.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        scores += np.vecdot(X[:, None, block], coef[:, block])
    return scores
