"""What all classifiers share: labels, weights, and from logits to predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import unique_labels

from .._compat import (
    StrOptions,
    check_classification_targets,
    check_weights,
    fit_context,
    validate_data,
)
from ..schedules import Run
from ..training import EpochResult
from ._labels import encode, is_plain
from ._settings import needs_total, plan_epoch
from .base import GradientEstimator

FLOATS = [np.float64, np.float32]


class GradientClassifier(ClassifierMixin, GradientEstimator):
    """Base of the classifiers; a subclass defines `decision_function`."""

    _parameter_constraints = GradientEstimator._parameter_constraints | {
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    class_weight: Any
    classes_: np.ndarray
    n_features_in_: int

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the logits."""
        raise NotImplementedError

    def _shapes(self, n_classes: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parameters by name."""
        raise NotImplementedError

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GradientClassifier:
        """Train for `max_epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels.
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
        warm = self.warm_start and hasattr(self, "classes_")
        optimizer = self._resolve_optimizer()
        X, y = validate_data(self, X, y, dtype=FLOATS, order="C")
        X = np.require(X, requirements="A")
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in the data, but the "
                f"data contains only one class: {classes[0]!r}"
            )
        weights = self._weights(sample_weight, X, codes, classes)
        if weights is not None:
            weights /= weights.mean()
        codes = codes.astype(np.int64, copy=False)
        plan = plan_epoch(self.batch_size, len(X))
        run = Run(self.max_epochs * plan.steps, plan.steps)
        shapes = self._shapes(len(classes))
        fitted = checkpoint = None
        if warm:
            self._check_same_model(shapes, classes)
            fitted = self._fitted_params()
            if not needs_total(optimizer, run):
                checkpoint = self._checkpoint_now()
        session = self._start(optimizer, shapes, X.dtype, run, fitted, checkpoint)
        if checkpoint is None:
            self._start_history()
        self.classes_ = classes
        self._publish(session)

        whole = np.tile(np.arange(len(X), dtype=np.int64), plan.passes) if plan.passes > 1 else None

        def run_epoch(order: np.ndarray | None) -> EpochResult:
            order = order if whole is None else whole
            return session.epoch.run(X, codes, weights, order, plan.batch_size)

        self._train(session, run_epoch, len(X), shuffle=self.shuffle and whole is None)
        return self

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> GradientClassifier:
        """Train for one epoch over X and y, going on where the last call left off.

        Optimizer state and the clock of the schedule go on from call to call, after `fit` and
        after pickling too. A schedule that is stretched over the run, as ``"onecycle"`` is, has
        no meaning here, for the length of the run is not known: the rate is then constant.
        Lengths in epochs count calls, each as many steps long as the first.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, not negative, used as they are: 2 doubles the gradient of a row.

        Returns
        -------
        self
            Fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If data or parameters are unfit.
        """
        weights = None
        if (
            classes is None
            and sample_weight is None
            and self.class_weight is None
            and "_session" in self.__dict__
            and not hasattr(self, "feature_names_in_")
            and is_plain(X, y, self._dtype(), self.n_features_in_, self.classes_)
        ):
            codes = encode(y, self.classes_)
        else:
            X, codes, weights = self._check_partial(X, y, classes, sample_weight)
        plan = plan_epoch(self.batch_size, len(X), one_pass=True)
        session = self._continue(self._shapes(len(self.classes_)), self._dtype())
        self._train_once(
            session,
            lambda order: session.epoch.run(X, codes, weights, order, plan.batch_size),
            len(X),
        )
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Labels.
        """
        scores = self.decision_function(X)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        return softmax(scores, axis=1)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In nats, finite where the probability itself would be rounded to zero.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([log_expit(-scores), log_expit(scores)])
        return log_softmax(scores, axis=1)

    # Data

    def _weights(
        self, sample_weight: Any, X: np.ndarray, codes: np.ndarray, classes: np.ndarray
    ) -> np.ndarray | None:
        """Return sample weights times class weights, a new array, or None if all are one."""
        weights = check_weights(sample_weight, X)
        if self.class_weight is None:
            return None if weights is None else weights.copy()
        by_class = compute_class_weight(self.class_weight, classes=classes, y=classes[codes])
        if not (np.isfinite(by_class).all() and (by_class >= 0).all()):
            raise ValueError(
                f"class_weight must hold finite numbers, not negative, got {self.class_weight!r}"
            )
        weights = by_class[codes] if weights is None else weights * by_class[codes]
        if not weights.any():
            raise ValueError("class_weight leaves no row with a weight above zero")
        return weights

    @fit_context(prefer_skip_nested_validation=True)
    def _check_partial(
        self, X: Any, y: Any, classes: Any, sample_weight: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Validate what `partial_fit` was given, and prepare the model in its first call."""
        first = not hasattr(self, "classes_")
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not available in partial_fit, which does not see all "
                "data; compute weights with sklearn.utils.compute_class_weight and pass a dict"
            )
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        optimizer = self._resolve_optimizer()
        dtypes = FLOATS if first else self._dtype()
        X, y = validate_data(self, X, y, dtype=dtypes, order="C", reset=first)
        X = np.require(X, requirements="A")
        check_classification_targets(y)
        known = unique_labels(classes) if classes is not None else self.classes_
        if len(known) < 2:
            raise ValueError(f"classes must name at least 2 classes, got {known!r}")
        if not first and not np.array_equal(known, self.classes_):
            raise ValueError(f"classes must be those of the first call, {self.classes_!r}")
        codes = encode(y, known)
        weights = self._weights(sample_weight, X, codes, known)
        if first:
            steps = plan_epoch(self.batch_size, len(X), one_pass=True).steps
            session = self._start(optimizer, self._shapes(len(known)), X.dtype, Run(None, steps))
            self._start_history()
            self.classes_ = known
            self._publish(session)
        return X, codes, weights

    def _check_same_model(self, shapes: Mapping[str, tuple[int, ...]], classes: np.ndarray) -> None:
        """Raise unless `fit` with ``warm_start`` makes a model of the shape that is there."""
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"warm_start: y must have the classes of the last fit, {self.classes_!r}, "
                f"got {classes!r}"
            )
        for name, array in self._fitted_params().items():
            if name in shapes and shapes[name] != array.shape:
                raise ValueError(
                    f"warm_start: {name} had shape {array.shape} in the last fit, and would have "
                    f"{shapes[name]} with these data; set warm_start=False to start anew"
                )
