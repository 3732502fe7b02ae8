"""Targets that are labels: encoding, weights by class, and from raw scores to predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import type_of_target, unique_labels

from ...core.sklearn_versions import StrOptions, check_classification_targets
from ...losses.base import Loss
from ..data.rows import MOST_PLAIN_LABELS, PLAIN_LABELS, Features
from ..data.targets import ClassTargets, encode
from ..fitting.chunks import fit_chunk, fit_stream
from ..fitting.fit import GradientEstimator


class GradientClassifier(ClassifierMixin, GradientEstimator):
    """Base of the classifiers; a model stands before it."""

    _constraints = {
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    classes_: np.ndarray
    multilabel_: bool

    # Whether the engine takes matrices of +1 and -1, that is ``reduction="each"``.
    _takes_multilabel = False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self._takes_multilabel
        return tags

    def partial_fit(
        self,
        X: Features,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch over X and y, going on where the last call left off.

        Optimizer state and the clock of the schedule go on from call to call, after `fit` and
        after pickling too. A schedule that is stretched over the run, as ``"onecycle"`` is, has
        no meaning here, for the length of the run is not known: the rate is then constant.
        Lengths in epochs count calls, each as many steps long as the first. Stopping early is a
        matter of `fit` alone.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels; of multilabel targets a matrix of 0 and 1.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be; needed in the first call, but for multilabel targets,
            whose columns say so.
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
        fit_chunk(self, X, y, sample_weight, classes)
        return self

    def fit_stream(
        self,
        chunks: Iterable[Any],
        *,
        classes: ArrayLike | None = None,
        total_rows: int | None = None,
        n_chunks: int | None = None,
    ) -> Self:
        """Train in one pass over chunks of data, which need not fit into memory.

        It begins anew as `fit` does, with ``warm_start=False``, and `history_` has a row for
        each chunk. Rows are shuffled within a chunk, so they should not come sorted by label. A
        schedule that is stretched over the run needs `total_rows` or `n_chunks`; without them the
        rate is constant.

        Parameters
        ----------
        chunks : iterable of (X, y) or (X, y, sample_weight)
            Each as `partial_fit` takes them; weights are used as they are.
        classes : array-like of shape (n_classes,)
            All labels there will be; for multilabel targets, whose columns say so, None.
        total_rows : int or None, default=None
            Rows in all chunks, of which all but the last should have as many as the first.
        n_chunks : int or None, default=None
            Number of chunks, in place of `total_rows`.

        Returns
        -------
        self
            Fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If data or parameters are unfit, or there is no chunk.
        """
        fit_stream(self, chunks, classes, total_rows, n_chunks)
        return self

    def decision_function(self, X: Features) -> np.ndarray:
        """Return the raw scores; of log-loss, the logits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Score of the second class if there are two, else one for each class.
        """
        scores = self._raw_scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Features) -> np.ndarray:
        """Return the most probable label of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels; for multilabel targets a matrix of 0 and 1.
        """
        scores = self.decision_function(X)
        if self.multilabel_:
            return (scores > 0).astype(np.int64).reshape(len(scores), -1)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]

    def predict_proba(self, X: Features) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of `classes_`; for multilabel targets of each label by
            itself.
        """
        scores = self.decision_function(X)
        if self.multilabel_:
            return expit(scores)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        return softmax(scores, axis=1)

    def predict_log_proba(self, X: Features) -> np.ndarray:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In nats, finite where the probability itself would be rounded to zero.
        """
        scores = self.decision_function(X)
        if self.multilabel_:
            return log_expit(scores)
        if scores.ndim == 1:
            return np.column_stack([log_expit(-scores), log_expit(scores)])
        return log_softmax(scores, axis=1)

    # Hooks of the targets

    def _y_options(self, y: ArrayLike) -> dict[str, bool]:
        if not self._takes_multilabel or y is None:
            return {}
        shape = y.shape if hasattr(y, "shape") else np.asarray(y).shape
        return {"multi_output": len(shape) == 2 and shape[1] > 1}

    def _checked_y(self, y: Any) -> np.ndarray:
        """Return y as labels, or as a dense matrix of 0 and 1."""
        if not (issparse(y) or y.ndim == 2):
            check_classification_targets(y)
            return y
        kind = type_of_target(y, input_name="y")
        if kind != "multilabel-indicator":
            raise ValueError(f"y with several columns must hold 0 and 1 only, got {kind} targets")
        return y.toarray() if issparse(y) else y

    def _learn_targets(
        self, y: np.ndarray, weights: np.ndarray | None, dtype: np.dtype
    ) -> tuple[ClassTargets, np.ndarray]:
        if issparse(y) or y.ndim == 2:
            y = self._checked_y(y)
            targets = ClassTargets(np.arange(y.shape[1]), multilabel=True)
            return targets, targets.encode(y, dtype)
        # Together with codes it would sort numbers of rows too, at twice the memory.
        classes = np.unique(y) if y.dtype.kind in PLAIN_LABELS else None
        if classes is None or len(classes) > MOST_PLAIN_LABELS * len(y):
            self._checked_y(y)
            classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in the data, but the "
                f"data contains only one class: {classes[0]!r}"
            )
        return ClassTargets(classes), encode(y, classes)

    def _targets_of_chunk(
        self, y: np.ndarray, weights: np.ndarray | None, first: bool, classes: ArrayLike | None
    ) -> ClassTargets:
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not available in partial_fit and fit_stream, which do "
                "not see all data; compute weights with sklearn.utils.compute_class_weight and "
                "pass a dict"
            )
        y = self._checked_y(y)
        if first and classes is None and y.ndim == 1:
            raise ValueError(
                "classes must be passed on the first call to partial_fit, or to fit_stream."
            )
        known = None if first else self.classes_
        if classes is not None:
            known = unique_labels(classes)
        elif known is None:
            known = np.arange(y.shape[1])
        if len(known) < 2 and y.ndim == 1:
            raise ValueError(f"classes must name at least 2 classes, got {known!r}")
        if not first and not np.array_equal(known, self.classes_):
            raise ValueError(f"classes must be those of the first call, {self.classes_!r}")
        return ClassTargets(known, multilabel=y.ndim == 2 if first else self.multilabel_)

    def _known_targets(self) -> ClassTargets:
        return ClassTargets(self.classes_, self.multilabel_)

    def _set_targets(self, targets: ClassTargets) -> None:
        self.classes_, self.multilabel_ = targets.classes, targets.multilabel

    def _class_factors(self, y: np.ndarray, targets: ClassTargets) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        if targets.multilabel:
            raise ValueError("class_weight is not available for multilabel targets; give None")
        classes = targets.classes
        given = self.class_weight
        if isinstance(given, dict) and all(label in given for label in classes.tolist()):
            # scikit-learn does not find labels such as "1", which it reads as numbers.
            factors = np.array([given[label] for label in classes.tolist()], np.float64)
        else:
            factors = compute_class_weight(given, classes=classes, y=classes[y])
        if not (np.isfinite(factors).all() and (factors >= 0).all()):
            raise ValueError(
                f"class_weight must hold finite numbers, not negative, got {self.class_weight!r}"
            )
        return factors

    def _score(
        self, outputs: np.ndarray, y: np.ndarray, weights: np.ndarray | None, targets: ClassTargets
    ) -> float:
        if targets.multilabel:
            right = ((outputs > 0) == (y > 0)).all(axis=1)
        elif targets.outputs == 1:
            right = (outputs[:, 0] > 0) == y
        else:
            right = outputs.argmax(axis=1) == y
        return float(np.average(right, weights=weights))

    def _training_loss(self, targets: ClassTargets) -> tuple[Loss | str, str]:
        if targets.multilabel:
            return self._loss(), "each"
        return self._loss(), "ovr" if targets.outputs == 1 else "softmax"
