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
    What training needs to know of X, as a dict of arrays: means and scales, say. Rows without a
    weight, such as those held out, must not count. Kept in
    ``_inputs``, in pickles, and over a warm start; handed on as ``spec.inputs``.
``_learns_from_chunk``
    Whether the first chunk of `partial_fit` may tell that; `fit_stream`'s always does.
``_layout(X)``
    What even a first chunk tells of X, for the same dict.
``_shapes(n_features, outputs)``
    Shapes of the parameters by name, in the order in which they lie in the arena.
``_initialise(params, spec, rng)``
    Initial values, into arrays of zeros. ``spec.targets.start`` is where the last intercept
    should start, where it is not None.
``_groups(spec, optimizer)``
    Parameter groups to bind the optimizer with.
``_make_epoch(arena, updater, spec)``
    The engine: ``run``, ``evaluate``, ``uses_blas``.
``_fitted_shapes(spec)``
    Shapes of the fitted attributes, where they are others.
``_in_units(optimizer, spec)``
    The optimizer, with what depends on the units of training: penalties.
``_fold(spec)``
    From parameters to fitted attributes (`Fold`): here a model undoes what it did to X, and the
    scaling of regression targets: ``spec.targets.raw_scale * z + spec.targets.raw_shift``.
``_fitted_params()``, ``_set_fitted_params(params)``
    Read and write the fitted attributes by the names of the arena. Declare them in the class
    body as ``coef_ = FittedParameter()``, so that `partial_fit` need not compute them.
``_outputs(X)``
    Raw scores of shape (n_samples, outputs), in the units of y, from the fitted attributes; X
    has been validated.
``_dead_units(X)``
    Share of hidden units that learn nothing from these rows, NaN where there are none.
``_shares_scale(degree, log)``
    Whether all regression targets must be divided by one scale, as a penalty may demand, under a
    loss of this degree (see `Loss.scaled`) and link.
``_has_shift``
    Whether an intercept can take the mean of regression targets.
``_settings()``
    Constructor parameters that make a running session unfit when they change.

Hooks of the targets
--------------------
``_y_options(y)``
    Keyword arguments of `validate_data` again.
``_checked_y(y)``
    y as a dense array of its kind, or an error that says what is wrong with it.
``_learn_targets(y, weights, dtype)``
    Targets (`ClassTargets`, `RealTargets`) and the y encoded for the engine, for `fit`.
``_targets_of_chunk(y, weights, first, classes)``
    Targets for `partial_fit`.
``_known_targets()``
    Targets back from fitted attributes.
``_set_targets(targets)``
    Fitted attributes from targets.
``_class_factors(y, targets)``
    Weight of each class, None for none; y is encoded.
``_score(outputs, y, weights, targets)``
    Accuracy or R2 of raw scores, y being encoded; what early stopping looks at.
``_training_loss(targets)``
    The loss in units of training, and the reduction. Which loss it is comes from the estimator:
    ``_loss()`` returns it by name or as an object.

Every hook that looks at data must leave the estimator as it is: only after all checks have
passed, `fit` writes ``_set_targets`` and ``_inputs``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sklearn.base import clone
from sklearn.utils import check_random_state

from ...core.sklearn_versions import fit_context, set_callbacks
from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ..session.callbacks import tasks_of
from ..session.session import ModelSpec
from ..session.warn_after_fit import warn_of_losses, warn_of_scale
from ..settings.settings import EpochPlan, plan_epoch
from .stream import Streamed
from .validation import Rows, unchanged_if_refused

if TYPE_CHECKING:
    from ..search.restarted import FoldOfRestarts
    from ..search.trial import EstimatorTrial  # only fits without a rate pay for its import

# By what the rate is multiplied after one divergence and the next, where it was found by `fit`.
_FALLS = 0.1, 0.1, 0.01, 1e-4, 1e-8


class GradientEstimator(Streamed):
    """Base of the estimators; see the top of this module for what a subclass defines."""

    @fit_context(prefer_skip_nested_validation=True)
    @unchanged_if_refused
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        on_epoch: Callable[[Any, dict[str, float]], bool | None] | None = None,
    ) -> GradientEstimator:
        """Train for `max_epochs` epochs, or until it stops early.

        A training that diverges at a rate found by ``lr="auto"`` starts again at a lower one, up
        to five times; history and `lr_` are those of the last. Not finite numbers count as
        divergence, and a loss ten times that of before the first step.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels of a classifier, targets of a regressor.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative. Only their ratios count.
        X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
            Rows to validate on after each epoch, in place of a part of X.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their labels or targets.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.
        on_epoch : callable, default=None
            Called after each epoch with the estimator, which can predict, and the epoch's row of
            `history_` as a dict; training ends if it returns true.

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
        if on_epoch is not None and not callable(on_epoch):
            raise TypeError(f"on_epoch must be a callable or None, got {on_epoch!r}")
        optimizer = self._resolve_optimizer()
        given = X, y, sample_weight
        rows, targets, factors = self._rows_to_learn(X, y, sample_weight, warm)
        given_val = X_val, y_val, sample_weight_val
        rows, held_out = self._held_out_of(rows, given_val, targets, factors)
        rows.weigh_one_on_average()
        inputs = self._inputs if warm else self._learn_inputs(rows.X, rows.weights_of_chosen())
        spec = self._spec(targets, inputs, rows.X.shape[1], rows.X.dtype)
        plan = plan_epoch(self.batch_size, rows.used)
        run = Run(self.max_epochs * plan.steps, plan.steps)
        optimizer = self._at_found_rate(optimizer, spec, rows, plan, warm)
        session = self._begin(optimizer, spec, run, warm, min(plan.batch_size, rows.used))
        tasks = tasks_of(self, "epoch", self.max_epochs, *given)
        # A rate that short runs bore may still be too high for a long one.
        falls = _FALLS if self._seeks_rate() and not warm else ()
        for fall in (*falls, None):
            if not self._train(session, rows, held_out, plan, on_epoch, tasks, fall is not None):
                break
            optimizer = optimizer.replace(lr=self.lr_ * fall)
            if self.verbose:
                print(f"{type(self).__name__}: diverged, starts again at {optimizer.lr:.4g}")
            session = self._begin(optimizer, spec, run, False, min(plan.batch_size, rows.used))
        if not warm:  # a start near the optimum has little to learn
            warn_of_scale(self, rows.X)
            warn_of_losses(self)
        return self

    def _at_found_rate(
        self, optimizer: Optimizer, spec: ModelSpec, rows: Rows, plan: EpochPlan, warm: bool
    ) -> Optimizer:
        """Return the optimizer at the best rate for this training, where lr="auto" asks for it."""
        if not self._seeks_rate():
            return optimizer
        if warm:
            return self._at_known_rate(optimizer)
        from ..search.trial import EstimatorTrial

        seed = check_random_state(self.random_state).randint(2**31 - 10)
        trial = EstimatorTrial(self, self._at_rule_of_thumb(optimizer), spec, rows, plan)
        lr = trial.find_rate(self.max_epochs * plan.steps, seed)
        if self.verbose:
            print(f"{type(self).__name__}: learning rate {lr:.4g} found")
        found: Optimizer = optimizer.replace(lr=lr)
        return found

    def _trial(self, X: Any, y: Any, sample_weight: Any, optimizer: Any = None) -> EstimatorTrial:
        """Return what `find_lr` trains: this model, as `fit` would start it, on data of its own."""
        from ..search.trial import EstimatorTrial

        model: Any = clone(self)
        if optimizer is not None:
            model.optimizer = optimizer
        model._validate_params()
        rows, targets, _ = model._rows_to_learn(X, y, sample_weight)
        rows.weigh_one_on_average()
        inputs = model._learn_inputs(rows.X, rows.weights)
        spec = model._spec(targets, inputs, rows.X.shape[1], rows.X.dtype)
        plan = plan_epoch(model.batch_size, rows.used)
        return EstimatorTrial(model, model._resolve_optimizer(), spec, rows, plan)

    def _fold_of_candidates(self, train: Any, test: Any) -> FoldOfRestarts:
        """Return what `sweep` trains copies of this on; `train` and `test` are (X, y, weights)."""
        from ..search.candidates import Part
        from ..search.restarted import FoldOfRestarts

        return FoldOfRestarts(clone(self), Part(*train), Part(*test))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = bool(self._X_options.get("accept_sparse"))
        return tags

    def set_callbacks(self, *callbacks: Any) -> GradientEstimator:
        """Set callbacks of `sklearn.callback`, to be told of each epoch of `fit`.

        Before scikit-learn 1.9, which has none, this does nothing.

        Parameters
        ----------
        *callbacks : callback
            Such as ``sklearn.callback.ProgressBar()``; none removes those that are set. A
            callback that returns true at the end of an epoch ends the training.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        TypeError
            If one is not a callback.
        """
        set_callbacks(self, callbacks)
        return self
