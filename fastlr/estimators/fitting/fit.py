"""A fit, from data to a trained model: validate, learn the inputs, find the rate, run epochs."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from ...core.locks import LOCK
from ...core.sklearn_versions import check_is_fitted, fit_context, set_callbacks
from ...core.unmixed import CLOCK, changing, unmixed
from ...optimizers.optimizer import Optimizer
from ...schedules import Run
from ..data.rows import Features, Rows
from ..facts import EstimatorFacts
from ..models.fitted import refresh
from ..models.model import Model
from ..models.spec import ModelSpec
from ..session.callbacks import tasks_of
from ..session.diagnosis_inputs import warn_of_losses, warn_of_scale
from ..session.history import COLUMNS, columns
from ..session.session import Session
from ..settings.settings import EpochPlan, plan_epoch
from .begin import at_known_rate, at_rule_of_thumb, begin, make_spec
from .epochs import Epochs, OnEpoch
from .one_at_a_time import one_at_a_time, unchanged_if_refused
from .validation import hold_out, learn_rows, rows_to_predict

if TYPE_CHECKING:
    from ..online.online_model import OnlineModel

# By what the rate is multiplied after one divergence and the next, where it was found by `fit`.
_FALLS = 0.1, 0.1, 0.01, 1e-4, 1e-8


class GradientEstimator(Model):
    """Base of the estimators."""

    t_: int
    n_iter_: int
    _session: Session  # the last one; pickles hold its checkpoint
    _checkpoint: dict[str, Any]
    _stale: bool  # whether fitted attributes are behind the session
    _inputs: dict[str, np.ndarray]  # what was learned of X
    _lr_of: str  # the optimizer that `lr_` was found for
    _batch_rows: int  # in a mini-batch of the first chunk, or of `fit`
    _history: np.ndarray
    _n_rows: int  # of the history in use
    _n_kept: int  # of its rows that are never merged
    _facts: dict[str, float]  # of the fit, not of an epoch

    @one_at_a_time
    @unchanged_if_refused
    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Features,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Features | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> Self:
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
        if on_epoch is not None and not callable(on_epoch):
            raise TypeError(f"on_epoch must be a callable or None, got {on_epoch!r}")
        warm = self.warm_start and self.__sklearn_is_fitted__()
        optimizer = self._resolve_optimizer()

        learned = learn_rows(self, X, y, sample_weight, warm)
        given = X_val, y_val, sample_weight_val
        rows, held_out = learned.rows, None
        if self.early_stopping or any(each is not None for each in given):
            rows, held_out = hold_out(self, learned, *given)
        rows.weigh_one_on_average()
        plan = plan_epoch(self.batch_size, rows.used)
        batch, seeks = min(plan.batch_size, rows.used), self._seeks_rate()
        inputs = self._inputs if warm else self._learn_inputs(rows.X, rows.weights_of_chosen())
        spec = make_spec(self, learned.targets, inputs, rows.X.shape[1], rows.X.dtype)

        if not warm:
            optimizer = self._choose(optimizer, spec, rows, plan)
        run = Run(self._length * plan.steps, plan.steps)
        if seeks and warm:
            optimizer = at_known_rate(self, optimizer)
        elif seeks:
            optimizer = self._at_found_rate(optimizer, spec, rows, plan)

        session = begin(self, optimizer, spec, run, warm, batch)
        tasks = tasks_of(self, "epoch", self._length, X, y, sample_weight)
        epochs = Epochs(self, session, rows, held_out, plan, on_epoch, tasks)
        epochs.run()
        # A rate that short runs bore may still be too high for a long one.
        for fall in _FALLS if seeks and not warm else ():
            if not epochs.failed:
                break
            optimizer = optimizer.replace(lr=self.lr_ * fall)
            if self.verbose:
                print(f"{type(self).__name__}: diverged, starts again at {optimizer.lr:.4g}")
            if tasks is not None:
                tasks.again()
            session = begin(self, optimizer, spec, run, False, batch)
            epochs = Epochs(self, session, rows, held_out, plan, on_epoch, tasks)
            epochs.run()

        with changing(self):  # for handles, which look whether the model has learned
            pass
        if tasks is not None:
            tasks.close()
        epochs.warn()
        if not warm:  # a start near the optimum has little to learn
            warn_of_scale(self, rows.X)
            warn_of_losses(self)
        return self

    def _choose(
        self, optimizer: Optimizer, spec: ModelSpec, rows: Rows, plan: EpochPlan
    ) -> Optimizer:
        """Decide optimizer, strength and length of training; return the optimizer at a rate."""
        seeks = self._seeks_strength() or self._seeks_rule()
        if not seeks and self.max_epochs != "auto":
            self.optimizer_, self.alpha_, self.n_epochs_ = self._rule, self._strength, self._length
            return optimizer
        from ..search.whole_runs import choose

        for name in ("optimizer_", "alpha_", "n_epochs_"):  # of the fit before
            self.__dict__.pop(name, None)
        seed = check_random_state(self.random_state).randint(2**31 - 10)
        self.optimizer_, self.alpha_, self.n_epochs_ = choose(self, spec, rows, plan, seed)
        if self.verbose:
            print(
                f"{type(self).__name__}: optimizer {self.optimizer_!r}, alpha {self.alpha_:.3g} "
                f"and {self.n_epochs_} epochs found"
            )
        return self._resolve_optimizer()

    def _at_found_rate(
        self, optimizer: Optimizer, spec: ModelSpec, rows: Rows, plan: EpochPlan
    ) -> Optimizer:
        """Return the optimizer at the best rate for this training."""
        from ..search.trial import EstimatorTrial  # only fits without a rate pay for its import

        seed = check_random_state(self.random_state).randint(2**31 - 10)
        trial = EstimatorTrial(self, at_rule_of_thumb(self, optimizer), spec, rows, plan)
        lr = trial.find_rate(self._length * plan.steps, seed)
        if self.verbose:
            print(f"{type(self).__name__}: learning rate {lr:.4g} found")
        return optimizer.replace(lr=lr)

    def _publish(self, session: Session) -> None:
        self.t_ = session.t
        if "_stale" in self.__dict__:
            self._stale = False  # what is written now is not to be computed first
        self._set_fitted_params(session.publish())
        self.__dict__.pop("_stale", None)

    def _raw_scores(self, X: Features) -> np.ndarray:
        """Validate X and return the outputs of the model, for all that predicts."""
        rows, state = rows_to_predict(self, X), self.__dict__
        clock = state.get(CLOCK, 0)
        if not clock & 1:  # nobody learns: what `unmixed` finds, without its calls
            found = self._outputs(rows)
            if state.get(CLOCK, 0) == clock:
                return found
        return unmixed(self, lambda: self._outputs(rows))

    def online(self) -> OnlineModel:
        """Return a handle that learns and predicts one row at a time.

        Returns
        -------
        OnlineModel
            Shares the model with this estimator, which must be fitted.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        from ..online.online_model import OnlineModel

        check_is_fitted(self)
        return OnlineModel(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take a pickle, with defaults for parameters that its version did not have."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        if "_history" in state:
            rows = len(state["_history"])
            defaults |= {"_n_rows": rows, "_n_kept": rows, "n_rejected_": 0}
        super().__setstate__({**defaults, "_facts": {}, **state})

    def __getstate__(self) -> dict[str, Any]:
        refresh(self)
        state = dict(super().__getstate__())
        session = state.pop("_session", None)
        state.pop(LOCK, None)
        if session is not None:
            state["_checkpoint"] = session.checkpoint()
            state["_history"] = self._history[: self._n_rows]
        return state

    # What it says of itself

    @property
    def history_(self) -> dict[str, np.ndarray]:
        """Table of the epochs, one array for each column.

        Each epoch of `fit` has a row, and so have the last 512 calls of `partial_fit` or chunks of
        `fit_stream` at least. However many came before those, they share 257 rows at most, each
        for as many calls: with their mean loss, the sum of their seconds, and in the other
        columns what the last of them had; ``epoch`` is the number of that one.

        ``epoch``, from 1; ``loss``, of the training rows; ``validation_loss`` and
        ``validation_score``, NaN without validation; ``lr``, ``momentum`` and ``gradient_norm``
        of the last step, NaN where there is none; ``seconds``. Of `fit` also ``movement``, how
        far the epoch moved the parameters as a part of their norm, and ``alignment``, the cosine
        of the angle between that and the epoch before. And, the same in each row, what
        `diagnose` holds them against: ``start_loss`` before the first step and ``end_loss`` after
        the last, both of some of the rows; ``constant_loss`` of the best model that ignores the
        features; ``smallest_feature`` and ``largest_feature``, the least and the most that the
        largest value of a feature comes to, where ``standardize=False``; ``dead_units``, the
        share of hidden units that no row gets through to; ``diverged``, 1 where training ended so.
        """
        check_is_fitted(self)
        return columns(self._history, self._n_rows, self._facts)

    @property
    def loss_curve_(self) -> np.ndarray:
        """Mean training loss of each epoch."""
        return self._column("loss")

    @property
    def validation_loss_curve_(self) -> np.ndarray | None:
        """Mean loss on the validation rows after each epoch, None without validation."""
        return self._validated_column("validation_loss")

    @property
    def validation_scores_(self) -> np.ndarray | None:
        """Accuracy or R2 on the validation rows after each epoch, None without validation."""
        return self._validated_column("validation_score")

    @property
    def best_loss_(self) -> float | None:
        """Lowest training loss of an epoch, None if none has finished."""
        losses = self._column("loss")
        return float(losses.min()) if len(losses) else None

    @property
    def best_validation_score_(self) -> float | None:
        """Highest validation score, None without validation."""
        scores = self.validation_scores_
        return None if scores is None else float(np.nanmax(scores))

    def _column(self, name: str) -> np.ndarray:
        check_is_fitted(self)
        return self._history[: self._n_rows, COLUMNS.index(name)].copy()

    def _validated_column(self, name: str) -> np.ndarray | None:
        column = self._column(name)
        return None if np.isnan(column).all() else column

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_iter_")  # not n_features_in_, which data set before they are used

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __fastlr_facts__(self) -> EstimatorFacts:
        return EstimatorFacts(self)

    def set_callbacks(self, *callbacks: Any) -> Self:
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
