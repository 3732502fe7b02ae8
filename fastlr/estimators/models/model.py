"""What a fit asks of an estimator; linear models, networks, labels and numbers give the answers.

An estimator is a model times a kind of targets: ``class LinearClassifier(LinearModel,
GradientClassifier)``. Both derive from `Model`, and neither knows the other: each fills in its half
of the hooks, and a `ModelSpec` carries what one has to know of the other (loss, reduction, number
of outputs). Every hook that looks at data leaves the estimator as it is: only after all checks
have passed, `fit` writes what was learned.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ...losses.base import Loss
from ...optimizers.optimizer import Optimizer
from ...schedules import Schedule
from ...training import Arena
from ...updater.updater import Updater
from ..data.rows import Matrix
from ..data.targets import Targets
from ..settings.names import check_names
from ..settings.params import CONSTRAINTS, flat_params
from ..settings.settings import resolve_optimizer
from .spec import Groups, ModelSpec, Shapes
from .units import Arrays, Units

Seed = int | np.random.RandomState | None

# Plain values that have passed all checks: a search fits many models that differ in few of them,
# and the checks take as long as an epoch of some hundred rows.
_PASSED: set[tuple[Any, ...]] = set()
_MOST = 4096
_LARGEST = sys.float_info.max
_VALUES = frozenset({bool, int, float, str, type(None)})


class Model(BaseEstimator):
    """Constructor parameters that all estimators share, and the hooks of a fit."""

    _parameter_constraints = CONSTRAINTS

    _constraints: Mapping[str, list[Any]]  # what a subclass adds to them
    # Names of parameters that a running session depends on; a subclass lists its own.
    _depends: tuple[str, ...] = (
        *("optimizer", "lr", "schedule", "clip_norm", "n_threads"),
        "reference_batch_size",
    )
    _read_settings: ClassVar[Callable[[Model], Any]]

    optimizer: str | Optimizer
    lr: float | slice | str
    schedule: str | Schedule | None
    batch_size: int | str
    reference_batch_size: int | None = None
    alpha: float | str
    max_epochs: int | str
    tol: float | None
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    shuffle: bool
    class_weight: Mapping[Any, float] | str | None = None  # of classifiers
    clip_norm: float | None
    warm_start: bool
    random_state: Seed
    verbose: int
    n_threads: int
    n_features_in_: int
    n_rejected_: int
    lr_: float
    optimizer_: str | Optimizer
    alpha_: float
    n_epochs_: int

    _own_names: ClassVar[tuple[str, ...]]
    _auto_lr_factor: float = (
        1.0  # of the default rate of an optimizer given by name, with lr="auto"
    )
    _auto_epochs: int  # with max_epochs="auto", before `fit` has found a number
    _has_shift = True  # whether an intercept can take the mean of regression targets
    _fewest_to_score = 1  # rows that a score needs to have a meaning

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_parameter_constraints" in cls.__dict__:
            return
        joined: dict[str, list[Any]] = {}
        for base in reversed(cls.__mro__):
            joined |= base.__dict__.get("_parameter_constraints", {})
        cls._parameter_constraints = joined | cls.__dict__.get("_constraints", {})
        names = [n for base in reversed(cls.__mro__) for n in base.__dict__.get("_depends", ())]
        cls._read_settings = attrgetter(*names)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make an estimator, after a check of the names of its parameters."""
        check_names(cls, kwargs)
        return super().__new__(cls)

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

    def set_params(self, **params: Any) -> Self:
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
        super().set_params(**flat_params(self, params))
        return self

    # The optimizer

    def _resolve_optimizer(self) -> Optimizer:
        """Return the optimizer with all that the constructor says of it."""
        if self._seeks_rule() and self.lr != "auto":
            raise ValueError(
                "optimizer='auto' compares optimizers, each at a rate of its own: lr must be "
                f"'auto', got {self.lr!r}"
            )
        if self.reference_batch_size is not None and self._seeks_rate():
            raise ValueError(
                f"reference_batch_size={self.reference_batch_size!r} says which batch size lr is "
                "for, so lr must be given: lr='auto' finds a rate for the batch size in use"
            )
        return resolve_optimizer(
            self._rule,
            self._top_rate(),
            self.schedule,
            self.clip_norm,
            self._auto_lr_factor,
            self._optimizer_changes(),
        )

    def _optimizer_changes(self) -> dict[str, Any]:
        """Return what else the constructor asks of the optimizer."""
        return {}

    def _top_rate(self) -> float | str:
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
        rule = self._rule
        return isinstance(rule, str) or not rule.is_given("lr")

    # What `fit` may find by itself beside the rate: rule, strength of the penalty, length

    @property
    def _rule(self) -> str | Optimizer:
        """The optimizer: the constructor's, what was found, or the usual one."""
        return self.__dict__.get("optimizer_", "adamw") if self._seeks_rule() else self.optimizer

    def _seeks_rule(self) -> bool:
        """Return whether `fit` looks for an optimizer."""
        return isinstance(self.optimizer, str) and self.optimizer == "auto"

    @property
    def _strength(self) -> float:
        """The strength of the penalty: the constructor's, what was found, or the usual one."""
        if self.alpha != "auto":
            return float(self.alpha)
        return float(self.__dict__.get("alpha_", 1e-4))

    @property
    def _length(self) -> int:
        """Epochs of `fit`, at most: the constructor's, what was found, or the usual number."""
        if self.max_epochs != "auto":
            return int(self.max_epochs)
        return int(self.__dict__.get("n_epochs_", self._auto_epochs))

    def _seeks_strength(self) -> bool:
        """Return whether `fit` looks for the strength of the penalty."""
        return self.alpha == "auto"

    def _in_units(self, optimizer: Optimizer, spec: ModelSpec) -> Optimizer:
        """Return the optimizer with what depends on the units of training: penalties."""
        return optimizer

    def _set_rates(self, lr: float, spec: ModelSpec) -> None:
        """Write the fitted attributes that tell the rate."""
        self.lr_ = lr

    def _settings(self) -> tuple[Any, ...]:
        """Return the parameters that a running session depends on, those that `_depends` names."""
        settings: tuple[Any, ...] = type(self)._read_settings(self)
        return settings

    # Hooks of the model

    def _learn_inputs(self, X: Matrix, weights: np.ndarray | None) -> dict[str, np.ndarray]:
        """Return what training needs to know of X, such as means and scales.

        Rows without a weight, such as those held out, do not count. It is kept in pickles and over
        warm starts, and handed on as ``spec.inputs``.
        """
        return {**self._fixed_inputs(X), **self._scaling_of(X, weights)}

    def _fixed_inputs(self, X: Matrix) -> dict[str, np.ndarray]:
        """Return what training needs to know of X besides scales; a single row tells it."""
        return self._layout(X)

    def _scaling_of(
        self, X: Matrix, weights: np.ndarray | None, surely: bool = False
    ) -> dict[str, np.ndarray]:
        """Return what to shift and to scale X by; `surely` where too few rows tell if at all."""
        return {}

    def _layout(self, X: Matrix) -> dict[str, np.ndarray]:
        """Return what even a chunk of a single row tells of X."""
        return {}

    def _shapes(self, n_features: int, outputs: int, inputs: Arrays) -> Shapes:
        """Return shapes of the parameters in the order of the arena.

        Without `inputs` they are those of the fitted attributes.
        """
        raise NotImplementedError

    def _initialise(self, params: Arrays, spec: ModelSpec, rng: np.random.RandomState) -> None:
        """Write initial values into zeros; the last intercept starts at ``spec.targets.start``."""
        raise NotImplementedError

    def _groups(self, spec: ModelSpec, optimizer: Optimizer) -> Groups:
        """Return groups to bind the optimizer with; these spare intercepts decay and penalties."""
        intercepts = [name for name in spec.shapes if name.startswith("intercept")]
        if not intercepts:
            return []
        unpenalised = {n: 0.0 for n in ("l1", "l2") if n not in optimizer.own_fields}
        return [{"match": intercepts, "weight_decay": 0.0, **unpenalised}]

    def _make_epoch(self, arena: Arena, updater: Updater, spec: ModelSpec) -> Any:
        """Return the engine."""
        raise NotImplementedError

    def _units(self, spec: ModelSpec) -> Units | None:
        """Return the map from parameters to fitted attributes, None where they are the same.

        Here a model undoes what it did to X, and the scaling of regression targets:
        ``spec.targets.raw_scale * z + spec.targets.raw_shift``.
        """
        raise NotImplementedError

    def _fitted_params(self) -> dict[str, np.ndarray]:
        """Return the fitted attributes by the names of the arena."""
        raise NotImplementedError

    def _set_fitted_params(self, params: Arrays) -> None:
        """Write the fitted attributes."""
        raise NotImplementedError

    def _outputs(self, X: Matrix) -> np.ndarray:
        """Return raw scores of shape (n_samples, outputs), in the units of y."""
        raise NotImplementedError

    def _dead_units(self, X: Matrix) -> float:
        """Return the share of hidden units that learn nothing from these rows, NaN for none."""
        return float("nan")

    def _shares_scale(self, degree: float, log: bool) -> bool:
        """Return whether a penalty demands one scale of all targets; see `Loss.scaled`."""
        return False

    # Hooks of the targets, which are `Any` where a kind of estimator knows its own kind

    def _loss(self) -> Loss | str:
        """Return the loss that the constructor asks for."""
        raise NotImplementedError

    def _training_loss(self, targets: Any) -> tuple[Loss | str, str]:
        """Return the loss in units of training, and the reduction."""
        raise NotImplementedError

    def _y_options(self, y: ArrayLike) -> dict[str, bool]:
        """Return arguments of scikit-learn's `validate_data`."""
        raise NotImplementedError

    def _checked_y(self, y: np.ndarray) -> np.ndarray:
        """Return y as a dense array of its kind, or raise what is wrong with it."""
        raise NotImplementedError

    def _learn_targets(
        self, y: np.ndarray, weights: np.ndarray | None, dtype: np.dtype
    ) -> tuple[Targets, np.ndarray]:
        """Return targets, and y encoded for the engine, for `fit`."""
        raise NotImplementedError

    def _targets_of_chunk(
        self, y: np.ndarray, weights: np.ndarray | None, first: bool, classes: ArrayLike | None
    ) -> Targets:
        """Return targets for `partial_fit`."""
        raise NotImplementedError

    def _known_targets(self) -> Targets:
        """Return targets back from fitted attributes."""
        raise NotImplementedError

    def _set_targets(self, targets: Any) -> None:
        """Write fitted attributes from targets."""
        raise NotImplementedError

    def _class_factors(self, y: np.ndarray, targets: Any) -> np.ndarray | None:
        """Return the weight of each class, None for none; y is encoded."""
        return None

    def _score(
        self, outputs: np.ndarray, y: np.ndarray, weights: np.ndarray | None, targets: Any
    ) -> float:
        """Return accuracy or R2 of raw scores, which early stopping looks at; y is encoded."""
        raise NotImplementedError

    def _publish(self, session: Any) -> None:
        """Write the fitted attributes of a session."""
        raise NotImplementedError
