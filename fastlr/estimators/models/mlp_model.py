"""The multi-layer perceptron: layers, their start, and transfer from another one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from ...core.sklearn_versions import Interval, StrOptions, check_is_fitted
from ...optimizers.optimizer import Optimizer
from ...training import Arena, MLPEpoch
from ...training.mlp.activations import ACTIVATIONS
from ...training.mlp.core import network_outputs
from ...training.mlp.initialisation import initial_weights
from ...training.scaling import FeatureScaling
from ...updater.layers import spread_rates, unfreezing_epochs
from ...updater.updater import Updater
from ..data.rows import Matrix, is_sparse, ready_rows
from ..data.scaling import learn_scaling
from ..data.targets import RealTargets
from ..settings.mlp_params import (
    INIT_CHOICES,
    activations_of,
    dropout_rates,
    frozen_of,
    init_of,
    layer_factors_of,
    layer_sizes,
    parameter_groups,
)
from ..settings.params import CONSTRAINTS
from ..settings.penalty import penalised
from .fitted import FittedParameter
from .model import Model
from .spec import Groups, ModelSpec, Shapes
from .units import Arrays, MLPUnits, Units

# First weights suit features of about this size: far above, units start saturated or dead.
_LARGEST = 10.0
_FLAT = 1e-3  # slope of an activation under which its unit learns nothing


# Multiplications up to which OpenBLAS does not share a product among its threads.
_UNSHARED = 1 << 17


def _alone(X: Matrix, weights: np.ndarray) -> Any:
    """Return ``X @ weights`` in products that BLAS computes in this thread, where that is cheap.

    A fork of the process while BLAS is at work in several threads can stop it for good.
    """
    rows = _UNSHARED // max(weights.size, 1)
    if is_sparse(X) or not rows or len(X) <= rows:
        return X @ weights
    return np.concatenate([X[k : k + rows] @ weights for k in range(0, len(X), rows)])


def _size(X: Matrix) -> float:
    """Return the root mean square of some of the rows, of what they store."""
    some = X[:: max(X.shape[0] // 512, 1)]
    values = (some.data if is_sparse(some) else some).astype(np.float64)
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.mean(values * values))) if values.size else 0.0


class MLPModel(Model):
    """Hooks of a multi-layer perceptron; stands before the targets' base class."""

    _auto_epochs = 20
    _depends: tuple[str, ...] = ("alpha", "layer_lr_decay")

    coefs_ = FittedParameter()
    intercepts_ = FittedParameter()

    _constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [str, "array-like"],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "init": [StrOptions(set(INIT_CHOICES))],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "lr": [*CONSTRAINTS["lr"], slice],
        "layer_lr_decay": [Interval(Real, 0, 1, closed="right")],
        "groups": [None, list, tuple],
        "frozen_layers": ["array-like"],
        "unfreeze": [None, Interval(Integral, 1, None, closed="left"), dict],
        "warm_start_from": [None, BaseEstimator],
        "transferred_lr_factor": [Interval(Real, 0, None, closed="left")],
        "standardize": ["boolean", StrOptions({"auto"})],
    }

    _auto_lr_factor = 5.0

    hidden_layer_sizes: int | Sequence[int]
    activation: str | Sequence[str]
    dropout: float | Sequence[float]
    input_dropout: float
    init: str
    layer_lr_decay: float
    groups: Sequence[Mapping[str, Any]] | None
    frozen_layers: Sequence[int]
    unfreeze: int | Mapping[int, int] | None
    warm_start_from: MLPModel | None
    transferred_lr_factor: float
    standardize: bool | str
    n_layers_: int
    layer_lrs_: np.ndarray

    @property
    def loss_(self) -> float:
        """Mean training loss of the last epoch."""
        return float(self.loss_curve_[-1])

    def __sklearn_clone__(self) -> Self:
        # A clone without what the other model has learned would have nothing to start from.
        copy = super().__sklearn_clone__()
        copy.warm_start_from = self.warm_start_from
        return copy

    # Hooks of the model

    def _scaling_of(
        self, X: Matrix, weights: np.ndarray | None, surely: bool = False
    ) -> dict[str, np.ndarray]:
        wanted = self.standardize
        if wanted == "auto" and (surely or _size(X) > _LARGEST):
            wanted = True
        return learn_scaling(X, weights, wanted, True)

    def _fixed_inputs(self, X: Matrix) -> dict[str, np.ndarray]:
        n_layers = len(layer_sizes(self.hidden_layer_sizes))
        if not any(dropout_rates(self.input_dropout, self.dropout, n_layers)):
            return {}
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        return {"dropout_seed": np.array(seed, np.int64)}

    def _shapes(self, n_features: int, outputs: int, inputs: Arrays) -> Shapes:
        sizes = (n_features, *layer_sizes(self.hidden_layer_sizes), outputs)
        shapes: Shapes = {}
        for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            shapes |= {f"coef_{k}": (n_in, n_out), f"intercept_{k}": (n_out,)}
        return shapes

    def _initialise(self, params: Arrays, spec: ModelSpec, rng: np.random.RandomState) -> None:
        n_layers = len(params) // 2
        activations = [*activations_of(self.activation, n_layers - 1), "identity"]
        for k, activation in enumerate(activations):
            weight = params[f"coef_{k}"]
            n_in, n_out = weight.shape
            weight[...] = initial_weights(init_of(self.init, activation), n_in, n_out, rng)
        if spec.targets.start is not None:
            params[f"intercept_{n_layers - 1}"][:] = spec.targets.start
        transferred: Arrays = self._transferred(spec)
        units = self._units(spec)
        if units is not None:
            transferred = units.to_params(transferred)
        for name, array in transferred.items():
            params[name][...] = array

    def _transferred(self, spec: ModelSpec) -> dict[str, np.ndarray]:
        """Return the fitted parameters of the layers that the other model hands on."""
        model: Any = self.warm_start_from
        if model is None:
            return {}
        model = getattr(model, "estimator", model)  # of a FrozenEstimator
        if not isinstance(model, MLPModel):
            raise TypeError(
                "warm_start_from must be a fitted MLPClassifier or MLPRegressor, "
                f"got {type(model).__name__}"
            )
        check_is_fitted(model)
        fitted, n_layers = model._fitted_params(), len(spec.shapes) // 2
        own = [*activations_of(self.activation, n_layers - 1), None]
        theirs = [*activations_of(model.activation, model.n_layers_ - 2), None]
        found: dict[str, np.ndarray] = {}
        for k in range(min(n_layers, model.n_layers_ - 1)):
            names = f"coef_{k}", f"intercept_{k}"
            if own[k] != theirs[k] or fitted[names[0]].shape != spec.shapes[names[0]]:
                break  # a layer is of no use behind others than it was trained behind
            if own[k] is None and not spec.targets.same_kind(model._known_targets()):
                break
            found |= {name: fitted[name] for name in names}
        if not found:
            raise ValueError(
                f"warm_start_from: no layer fits; its first has shape {fitted['coef_0'].shape}, "
                f"here it has {spec.shapes['coef_0']}, and activations must be the same"
            )
        return found

    def _optimizer_changes(self) -> dict[str, Any]:
        return {"weight_decay": 0.0} if self._strength and isinstance(self._rule, str) else {}

    def _resolve_optimizer(self) -> Optimizer:
        return penalised(super()._resolve_optimizer(), self._strength)

    def _groups(self, spec: ModelSpec, optimizer: Optimizer) -> Groups:
        n_layers = len(spec.shapes) // 2
        frozen = frozen_of(self.frozen_layers, n_layers)
        if frozen and not optimizer.can_wait:
            raise ValueError(
                f"frozen_layers={self.frozen_layers!r}: {type(optimizer).__name__} makes "
                "parameters of its state, so that they cannot stay as they are"
            )
        return parameter_groups(
            list(spec.shapes),
            self._layer_factors(spec),
            frozen,
            unfreezing_epochs(self.unfreeze, n_layers, frozen),
            self.groups,
            optimizer.own_fields,
        )

    def _layer_factors(self, spec: ModelSpec) -> list[float]:
        """Return what the rate of each layer is multiplied by."""
        factors = layer_factors_of(self.lr, self.layer_lr_decay, len(spec.shapes) // 2)
        for k in range(len(self._transferred(spec)) // 2):
            factors[k] *= self.transferred_lr_factor
        return factors

    def _set_rates(self, lr: float, spec: ModelSpec) -> None:
        self.lr_ = lr
        self.layer_lrs_ = lr * np.array(self._layer_factors(spec))
        self.layer_lrs_[frozen_of(self.frozen_layers, len(self.layer_lrs_))] = 0.0

    def _top_rate(self) -> float | str:
        if not isinstance(self.lr, slice):
            return self.lr
        spread_rates(self.lr, 2)  # for its messages
        return float(self.lr.stop)

    def _make_epoch(self, arena: Arena, updater: Updater, spec: ModelSpec) -> MLPEpoch:
        n_hidden = len(spec.shapes) // 2 - 1
        scaling = None
        if "scale" in spec.inputs:
            scaling = FeatureScaling(spec.inputs.get("shift"), 1 / spec.inputs["scale"])
        return MLPEpoch(
            arena,
            updater,
            spec.loss,
            spec.reduction,
            activations=activations_of(self.activation, n_hidden),
            dropout=dropout_rates(self.input_dropout, self.dropout, n_hidden),
            seed=int(spec.inputs.get("dropout_seed", 0)),
            frozen=frozen_of(self.frozen_layers, n_hidden + 1),
            n_threads=self.n_threads,
            scaling=scaling,
        )

    def _units(self, spec: ModelSpec) -> Units | None:
        targets = spec.targets
        if not targets.scaled and "scale" not in spec.inputs:
            return None
        scaling = None
        if isinstance(targets, RealTargets) and targets.scaled:
            scaling = targets.raw_shift, targets.raw_scale
        return MLPUnits(len(spec.shapes) // 2, spec.inputs, scaling)

    def _dead_units(self, X: Matrix) -> float:
        """Return the share of hidden units whose slope is about zero on all of these rows."""
        activations = activations_of(self.activation, len(self.coefs_) - 1)
        steepest, values = [], X
        with np.errstate(all="ignore"):
            for k, activation in enumerate(activations):
                z = _alone(values, self.coefs_[k]) + self.intercepts_[k]
                values, slopes = ACTIVATIONS[activation].evaluate(z)
                steepest.append(np.abs(slopes).max(axis=0))
        return float(np.mean(np.concatenate(steepest) < _FLAT)) if steepest else float("nan")

    def _settings(self) -> tuple[Any, ...]:
        sizes = layer_sizes(self.hidden_layer_sizes)
        return (
            *type(self)._read_settings(self),
            sizes,
            tuple(activations_of(self.activation, len(sizes))),
            tuple(dropout_rates(self.input_dropout, self.dropout, len(sizes))),
            repr(self.groups),
            tuple(self.frozen_layers),
            repr(self.unfreeze),
        )

    def _fitted_params(self) -> dict[str, np.ndarray]:
        params: dict[str, np.ndarray] = {}
        for k, (weight, bias) in enumerate(zip(self.coefs_, self.intercepts_, strict=True)):
            params |= {f"coef_{k}": weight, f"intercept_{k}": bias}
        return params

    def _set_fitted_params(self, params: Arrays) -> None:
        n_layers = len(params) // 2
        self.coefs_ = [params[f"coef_{k}"] for k in range(n_layers)]
        self.intercepts_ = [params[f"intercept_{k}"] for k in range(n_layers)]
        self.n_layers_ = n_layers + 1

    def _outputs(self, X: Matrix) -> np.ndarray:
        weights = self.coefs_
        dtype = weights[0].dtype
        if is_sparse(X):
            X = ready_rows(X.astype(dtype, copy=False))
        else:
            X = np.require(X, dtype, ["C", "A"])
        return network_outputs(
            X,
            weights,
            self.intercepts_,
            activations_of(self.activation, len(weights) - 1),
            self.n_threads,
        )
