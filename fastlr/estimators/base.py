"""What all estimators share: from data to a trained session, and what goes into a pickle.

An estimator is a model times a kind of targets: ``class LinearClassifier(LinearModel,
GradientClassifier)``. `GradientClassifier` and `GradientRegressor` derive from the
`GradientEstimator` of this module, a model is a mixin that stands before them. Neither knows the
other; each fills in its half of the hooks below, and a `ModelSpec` carries what one has to know
of the other (loss, reduction, number of outputs).

Hooks of a model
----------------
``_X_options``
    Keyword arguments of scikit-learn's `validate_data`: orders and sparse formats taken.
``_ready(X)``
    Last touch after validation, such as alignment or a sparse format.
``_is_plain(X, spec)``
    Whether X needs no validation, on the way of microseconds through `partial_fit`.
``_learn_inputs(X, weights)``
    What training needs to know of X, as a dict of arrays: means and scales, say. Kept in
    ``_inputs``, in pickles, and over a warm start; handed on as ``spec.inputs``.
``_shapes(n_features, outputs)``
    Shapes of the parameters by name, in the order in which they lie in the arena.
``_initialise(params, spec, rng)``
    Initial values, into arrays of zeros. ``spec.targets.start`` is where the last intercept
    should start, where it is not None.
``_make_epoch(arena, updater, spec)``
    The engine: ``run``, ``evaluate``, ``uses_blas``.
``_fold(spec)``
    From parameters to fitted attributes (`Fold`): here a model undoes what it did to X, and the
    scaling of regression targets: ``spec.targets.raw_scale * z + spec.targets.raw_shift``.
``_fitted_params()``, ``_set_fitted_params(params)``
    Read and write the fitted attributes by the names of the arena. Declare them in the class
    body as ``coef_ = FittedParameter()``, so that `partial_fit` need not compute them.
``_outputs(X)``
    Raw scores of shape (n_samples, outputs), in the units of y, from the fitted attributes; X
    has been validated.
``_has_shift``
    Whether an intercept can take the mean of regression targets.
``_settings()``
    Constructor parameters that make a running session unfit when they change.

Hooks of the targets
--------------------
``_y_options(y)``
    Keyword arguments of `validate_data` again.
``_learn_targets(y, weights, dtype)``
    Targets (`ClassTargets`, `RealTargets`) and the y encoded for the engine, for `fit`.
``_targets_of_chunk(y, weights, first, classes)``
    Targets for `partial_fit`.
``_known_targets()``
    Targets back from fitted attributes.
``_set_targets(targets)``
    Fitted attributes from targets.
``_row_weights(sample_weight, y, targets)``
    Weights of the rows, class weights included; a new array, or None if all are one.
``_training_loss(targets)``
    The loss in units of training, and the reduction. Which loss it is comes from the estimator:
    ``_loss()`` returns it by name or as an object.

Every hook that looks at data must leave the estimator as it is: only after all checks have
passed, `fit` writes ``_set_targets`` and ``_inputs``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._compat import check_is_fitted, check_weights, fit_context, validate_data
from ..optimizers.base import Optimizer
from ..schedules import Run
from ..training import Arena
from ._fold import Fold
from ._params import OptimizerParams
from ._session import ModelSpec, Session
from ._settings import needs_total, plan_epoch
from ._training import Trained

FLOATS = [np.float64, np.float32]


class GradientEstimator(Trained, OptimizerParams):
    """Base of the estimators; see the top of this module for what a subclass defines."""

    n_features_in_: int
    _has_shift = True
    _inputs: dict[str, np.ndarray]
    _checkpoint: dict[str, Any]

    # Hooks of the model

    _X_options: Mapping[str, Any] = {"order": "C"}

    def _ready(self, X: Any) -> Any:
        return np.require(X, requirements="A")

    def _is_plain(self, X: Any, spec: ModelSpec) -> bool:
        return (
            type(X) is np.ndarray
            and X.dtype == spec.dtype
            and X.ndim == 2
            and len(X) > 0
            and X.shape[1] == self.n_features_in_
            and X.flags.c_contiguous
            and X.flags.aligned
            and bool(np.isfinite(X).all())
        )

    def _learn_inputs(self, X: Any, weights: np.ndarray | None) -> dict[str, np.ndarray]:
        return {}

    def _shapes(self, n_features: int, outputs: int) -> dict[str, tuple[int, ...]]:
        raise NotImplementedError

    def _initialise(
        self, params: Mapping[str, np.ndarray], spec: ModelSpec, rng: np.random.RandomState
    ) -> None:
        raise NotImplementedError

    def _make_epoch(self, arena: Arena, updater: Any, spec: ModelSpec) -> Any:
        raise NotImplementedError

    def _fold(self, spec: ModelSpec) -> Fold:
        raise NotImplementedError

    def _fitted_params(self) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def _set_fitted_params(self, params: Mapping[str, np.ndarray]) -> None:
        raise NotImplementedError

    def _outputs(self, X: Any) -> np.ndarray:
        raise NotImplementedError

    # Hooks of the targets

    def _loss(self) -> Any:
        raise NotImplementedError

    def _y_options(self, y: Any) -> dict[str, Any]:
        raise NotImplementedError

    def _learn_targets(
        self, y: np.ndarray, weights: np.ndarray | None, dtype: np.dtype
    ) -> tuple[Any, np.ndarray]:
        raise NotImplementedError

    def _targets_of_chunk(
        self, y: np.ndarray, weights: np.ndarray | None, first: bool, classes: Any
    ) -> Any:
        raise NotImplementedError

    def _known_targets(self) -> Any:
        raise NotImplementedError

    def _set_targets(self, targets: Any) -> None:
        raise NotImplementedError

    def _row_weights(
        self, sample_weight: np.ndarray | None, y: np.ndarray, targets: Any
    ) -> np.ndarray | None:
        return None if sample_weight is None else sample_weight.copy()

    def _training_loss(self, targets: Any) -> tuple[Any, str]:
        raise NotImplementedError

    # Training

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradientEstimator:
        """Train for `max_epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of a classifier, targets of a regressor.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative. Only their ratios count.

        Returns
        -------
        self
            Fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If data or parameters are unfit.
        """
        warm = self.warm_start and self.__sklearn_is_fitted__()
        optimizer = self._resolve_optimizer()
        X, y = self._validated(X, y, reset=True, dtype=FLOATS)
        weights = check_weights(sample_weight, X)
        targets, encoded = self._learn_targets(y, weights, X.dtype)
        weights = self._row_weights(weights, encoded, targets)
        if weights is not None:
            weights /= weights.mean()
        if warm:
            known = targets.going_on_from(self._known_targets())
            if known is not targets:
                targets, encoded = known, known.encode(y, X.dtype)
        spec = self._spec(
            targets, self._inputs if warm else self._learn_inputs(X, weights), X.shape[1], X.dtype
        )
        n_rows = X.shape[0]
        plan = plan_epoch(self.batch_size, n_rows)
        run = Run(self.max_epochs * plan.steps, plan.steps)
        fitted = checkpoint = None
        if warm:
            fitted = self._fitted_params()
            _check_same_shapes(spec.shapes, fitted)
            if not needs_total(optimizer, run):
                checkpoint = self._checkpoint_now()
        session = self._start(optimizer, spec, run, fitted, checkpoint)
        if checkpoint is None:
            self._start_history()
        self._commit(spec)
        self._train(session, X, encoded, weights, plan)
        return self

    def _fit_chunk(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> None:
        """Train for one epoch, for `partial_fit`."""
        weights, live = None, self.__dict__.get("_session")
        if (
            live is not None
            and sample_weight is None
            and classes is None
            and self._plain_weights
            and not hasattr(self, "feature_names_in_")
            and self._is_plain(X, live.spec)
            and live.spec.targets.is_plain(y, len(X))
        ):
            encoded = live.spec.targets.encode(y, live.spec.dtype)
        else:
            X, encoded, weights = self._check_chunk(X, y, sample_weight, classes)
        plan = plan_epoch(self.batch_size, X.shape[0], one_pass=True)
        self._train_once(self._continue(), X, encoded, weights, plan)

    _plain_weights = True  # whether rows without a weight need none

    @fit_context(prefer_skip_nested_validation=True)
    def _check_chunk(
        self, X: Any, y: Any, sample_weight: Any, classes: Any
    ) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """Validate what `partial_fit` was given, and prepare the model in its first call."""
        first = not self.__sklearn_is_fitted__()
        optimizer = self._resolve_optimizer()
        dtype: Any = FLOATS if first else self._dtype()
        X, y = self._validated(X, y, reset=first, dtype=dtype)
        weights = check_weights(sample_weight, X)
        targets = self._targets_of_chunk(y, weights, first, classes)
        encoded = targets.encode(y, X.dtype)
        weights = self._row_weights(weights, encoded, targets)
        if first:
            spec = self._spec(targets, self._learn_inputs(X, weights), X.shape[1], X.dtype)
            steps = plan_epoch(self.batch_size, X.shape[0], one_pass=True).steps
            session = self._start(optimizer, spec, Run(None, steps))
            self._start_history()
            self._commit(spec)
            self._publish(session)
        return X, encoded, weights

    def _validated(self, X: Any, y: Any, reset: bool, dtype: Any) -> tuple[Any, Any]:
        options = {**self._X_options, **self._y_options(y)}
        X, y = validate_data(self, X, y, reset=reset, dtype=dtype, **options)
        return self._ready(X), y

    def _raw_scores(self, X: Any) -> np.ndarray:
        """Validate X and return the outputs of the model, for all that predicts."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=FLOATS, **self._X_options)
        return self._outputs(X)

    def _spec(
        self, targets: Any, inputs: dict[str, np.ndarray], n_features: int, dtype: np.dtype
    ) -> ModelSpec:
        loss, reduction = self._training_loss(targets)
        shapes = self._shapes(n_features, targets.outputs)
        return ModelSpec(targets, inputs, shapes, dtype, loss, reduction)

    def _known_spec(self) -> ModelSpec:
        """Return the spec of the model as it was fitted."""
        return self._spec(self._known_targets(), self._inputs, self.n_features_in_, self._dtype())

    def _commit(self, spec: ModelSpec) -> None:
        self._set_targets(spec.targets)
        self._inputs = spec.inputs

    # Sessions

    def _start(
        self,
        optimizer: Optimizer,
        spec: ModelSpec,
        run: Run,
        fitted: Mapping[str, np.ndarray] | None = None,
        checkpoint: Mapping[str, Any] | None = None,
    ) -> Session:
        """Begin a session, over fitted parameters and an earlier session where they are given."""
        if run.total_steps is None and needs_total(optimizer, run):
            # Nobody knows how many calls will follow, so there is no run to stretch it over.
            optimizer = optimizer.replace(schedule=None)
        seed = 0  # a checkpoint brings the state of its generator
        if checkpoint is None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        make_epoch, fold = self._make_epoch, self._fold(spec)
        session = Session(
            spec, optimizer, make_epoch, fold, run, seed, self.n_threads, self._settings()
        )
        if fitted is None:
            self._initialise(session.arena.param, spec, session.rng)
        else:
            session.resume(fitted, checkpoint)
        self._session = session
        self.__dict__.pop("_checkpoint", None)
        self.__dict__.pop("_stale", None)
        return session

    def _checkpoint_now(self) -> dict[str, Any]:
        """Return the state of the last session, live or unpickled."""
        live = self.__dict__.get("_session")
        return self._checkpoint if live is None else live.checkpoint()

    def _continue(self) -> Session:
        """Return the session that `partial_fit` goes on with.

        The live one where it still fits; else, after unpickling or changed parameters, a new
        one from the checkpoint.
        """
        live: Session | None = self.__dict__.get("_session")
        if live is not None and live.endless and live.settings == self._settings():
            if "_stale" not in self.__dict__:  # else nobody has touched the attributes
                live.take_replaced(self._fitted_params())
            return live
        checkpoint = self._checkpoint_now()
        total, steps = checkpoint["run"]
        optimizer, run = self._resolve_optimizer(), Run(total, steps)
        if needs_total(optimizer, run):
            run = Run(None, steps)
        return self._start(optimizer, self._known_spec(), run, self._fitted_params(), checkpoint)

    def _publish(self, session: Session) -> None:
        self.t_ = session.updater.t
        self.__dict__.pop("_stale", None)
        self._set_fitted_params(session.publish())

    def _refresh(self) -> None:
        """Compute the fitted attributes that `partial_fit` left for later."""
        self._publish(self._session)

    def _dtype(self) -> np.dtype:
        """Return the precision of the fitted parameters."""
        live: Session | None = self.__dict__.get("_session")
        if live is not None:
            return live.spec.dtype
        return next(iter(self._fitted_params().values())).dtype

    def __getstate__(self) -> dict[str, Any]:
        if "_stale" in self.__dict__:
            self._refresh()
        state = dict(super().__getstate__())
        session = state.pop("_session", None)
        if session is not None:
            state["_checkpoint"] = session.checkpoint()
            state["_history"] = self._history[: self.n_iter_]
        return state


def _check_same_shapes(
    shapes: Mapping[str, tuple[int, ...]], fitted: Mapping[str, np.ndarray]
) -> None:
    """Raise unless `fit` with ``warm_start`` makes a model of the shape that is there."""
    for name, array in fitted.items():
        if name in shapes and shapes[name] != array.shape:
            raise ValueError(
                f"warm_start: {name} had shape {array.shape} in the last fit, and would have "
                f"{shapes[name]} with these data; set warm_start=False to start anew"
            )
