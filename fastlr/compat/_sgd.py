"""scikit-learn's SGDClassifier and SGDRegressor with fastlr's loop over the rows.

The classes derive from scikit-learn's, which determine parameters, checks, messages, fitted
attributes and predictions; only three training methods are replaced.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import linear_model
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from ..core.check_sparse import check_sparse
from ..losses import get_loss
from ..losses.base import Loss
from ._row_by_row import RowByRow, Settings, Weights

_PASSIVE_AGGRESSIVE = ("pa1", "pa2")
_WEIGHTS = (
    "coef_",
    "intercept_",
    "_standard_coef",
    "_standard_intercept",
    "_average_coef",
    "_average_intercept",
)
_LARGEST_SEED = np.iinfo(np.int32).max


class _RowByRowMixin:
    """Settings and weights of classifier and regressor."""

    def _settings(self: Any, learning_rate: str, alpha: float) -> Settings:
        return Settings(
            loss=_loss(self.loss, self.epsilon),
            penalty=self.penalty,
            alpha=alpha,
            l1_ratio=self.l1_ratio or 0.0,  # None for other penalties
            learning_rate=learning_rate,
            eta0=self.eta0,
            power_t=self.power_t,
            fit_intercept=self.fit_intercept,
            average=int(self.average),
            shuffle=self.shuffle,
            tol=self.tol,
            n_iter_no_change=int(self.n_iter_no_change),
            verbose=int(self.verbose),
        )

    def _partial_fit(self: Any, X: Any, *given: Any, **named: Any) -> Any:
        check_sparse(X)  # scikit-learn follows indices wherever they lead
        return super()._partial_fit(X, *given, **named)  # type: ignore[misc]

    def _trained_weights(self: Any, shape: tuple[int, int]) -> Weights:
        """Return the stepped weights and their means as (K, features) views."""
        _own_weights(self)
        if not self.average:
            return Weights(self.coef_.reshape(shape), np.atleast_1d(self.intercept_))
        return Weights(
            self._standard_coef.reshape(shape),
            np.atleast_1d(self._standard_intercept),
            self._average_coef.reshape(shape),
            np.atleast_1d(self._average_intercept),
        )

    def _publish(self: Any, weights: Weights, shape: tuple[int, ...], n_iter: int, n: int) -> None:
        """Set the fitted attributes after `n_iter` epochs of `n` rows."""
        self.n_iter_ = n_iter
        self.t_ += n_iter * n
        standard = weights.coef.reshape(shape), weights.intercept
        if not self.average:
            self.coef_, self.intercept_ = standard
            return
        assert weights.average_coef is not None
        averaged = weights.average_coef.reshape(shape), weights.average_intercept
        self._standard_coef, self._standard_intercept = standard
        self._average_coef, self._average_intercept = averaged
        reached = self.average <= self.t_ - 1
        self.coef_, self.intercept_ = averaged if reached else standard


class SGDClassifier(_RowByRowMixin, linear_model.SGDClassifier):
    """scikit-learn's `SGDClassifier`, trained by fastlr.

    It derives from `sklearn.linear_model.SGDClassifier`, with the same parameters, methods and
    fitted attributes.

    Notes
    -----
    With ``shuffle=False`` and ``tol=None`` weights agree with scikit-learn's up to rounding, for
    every loss and learning rate, with averaging, `sample_weight` and `class_weight`. There are five
    differences.

    - ``penalty="l1"`` and ``"elasticnet"`` take a proximal step after each row instead of
      scikit-learn's cumulative penalty. Both make exact zeros, but not always the same ones.
    - Several classes without `class_weight` are trained together, over the same order of rows, and
      stop together, when the mean of their objectives or validation scores stops improving.
      scikit-learn trains and stops them one after another.
    - The objective compared with `tol` has weighted losses and the penalty at the ends of an epoch.
    - A different generator shuffles the rows.
    - With ``average``, `partial_fit` continues from the stepped intercept, which scikit-learn 1.9
      forgets between calls.

    scikit-learn's own loop handles ``learning_rate="pa1"`` and ``"pa2"``, whose steps depend on the
    loss of the row, and sparse data. If speed matters more than identical results, use
    `LinearClassifier`, which trains in mini-batches.

    Examples
    --------
    >>> from fastlr.compat import SGDClassifier
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_iris(return_X_y=True)
    >>> SGDClassifier(random_state=0).fit(scale(X), y).score(scale(X), y) > 0.9
    True
    """

    def decision_function(self, X: Any) -> np.ndarray:
        check_sparse(X)
        found: np.ndarray = super().decision_function(X)
        return found

    def _fit_binary(self, X: Any, y: np.ndarray, **given: Any) -> None:
        if _stays_with_scikit_learn(X, given["learning_rate"]):
            _own_weights(self)
            super()._fit_binary(X, y, **given)
        else:
            self._fit_classes(X, y, **given)

    def _fit_multiclass(self, X: Any, y: np.ndarray, **given: Any) -> None:
        if _stays_with_scikit_learn(X, given["learning_rate"]):
            _own_weights(self)
            super()._fit_multiclass(X, y, **given)
        else:
            self._fit_classes(X, y, **given)

    def _fit_classes(
        self,
        X: np.ndarray,
        y: np.ndarray,
        alpha: float,
        sample_weight: np.ndarray,
        learning_rate: str,
        max_iter: int,
        **older: Any,
    ) -> None:
        """Train each class against the rest: together, or separately if row weights differ."""
        X = np.require(X, requirements=["C", "A"])
        binary = len(self.classes_) == 2
        positive = self.classes_[1:] if binary else self.classes_
        signs = np.where(y[:, None] == positive, 1, -1).astype(X.dtype)
        trained = self._trained_weights((len(positive), X.shape[1]))
        settings = self._settings(learning_rate, alpha)
        mask = self._make_validation_split(y, sample_mask=sample_weight > 0)
        rows = np.flatnonzero(~mask)
        random_state = check_random_state(self.random_state)
        by_class = self._expanded_class_weight

        def train(k: slice, seed: int) -> int:
            part = trained.of(k)
            weights = sample_weight
            if binary:
                weights = sample_weight * np.where(signs[:, 0] > 0, by_class[1], by_class[0])
            elif self.class_weight is not None:
                weights = sample_weight * np.where(signs[:, k.start] > 0, by_class[k.start], 1.0)
            targets = np.ascontiguousarray(signs[:, k])
            return RowByRow(settings, part, int(self.t_)).train(
                X,
                targets,
                _needed(weights),
                rows,
                max_iter,
                np.random.RandomState(seed),
                self._score_of(mask, X, targets, sample_weight),
            )

        apart = self.class_weight is not None and not binary
        parts = [slice(i, i + 1) for i in range(len(positive))] if apart else [slice(None)]
        seeds = random_state.randint(_LARGEST_SEED, size=len(parts))
        epochs = Parallel(n_jobs=self.n_jobs, require="sharedmem")(
            delayed(train)(k, seed) for k, seed in zip(parts, seeds, strict=True)
        )
        self._publish(trained, trained.coef.shape, max(epochs), len(X))

    def _score_of(
        self, mask: np.ndarray, X: np.ndarray, targets: np.ndarray, weights: np.ndarray
    ) -> Any:
        """Return a function that scores weights by the mean accuracy on the validation rows."""
        if not self.early_stopping:
            return None
        classes = np.array([-1, 1], dtype=targets.dtype)
        scores = [
            self._make_validation_score_cb(mask, X, targets[:, k], weights, classes=classes)
            for k in range(targets.shape[1])
        ]
        return lambda coef, intercept: float(
            np.mean([s(c, i) for s, c, i in zip(scores, coef, intercept, strict=True)])
        )


class SGDRegressor(_RowByRowMixin, linear_model.SGDRegressor):
    """scikit-learn's `SGDRegressor`, trained by fastlr.

    It derives from `sklearn.linear_model.SGDRegressor`, with the same parameters, methods and
    fitted attributes.

    Notes
    -----
    See `SGDClassifier`. `LinearRegressor` scales targets and trains in mini-batches, and therefore
    needs no tuning of the rate.

    Examples
    --------
    >>> from fastlr.compat import SGDRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = SGDRegressor(loss="huber", epsilon=50.0, random_state=0).fit(scale(X), y)
    >>> model.score(scale(X), y) > 0.45
    True
    """

    def _decision_function(self, X: Any) -> np.ndarray:
        check_sparse(X)
        found: np.ndarray = super()._decision_function(X)
        return found

    def _fit_regressor(self, X: Any, y: np.ndarray, *arguments: Any) -> None:
        alpha, learning_rate = arguments[0], arguments[-3]
        sample_weight, max_iter = arguments[-2:]
        if _stays_with_scikit_learn(X, learning_rate):
            _own_weights(self)
            super()._fit_regressor(X, y, *arguments)
            return
        X = np.require(X, requirements=["C", "A"])
        self.t_ = getattr(self, "t_", 1.0)
        trained = self._trained_weights((1, X.shape[1]))
        mask = self._make_validation_split(y, sample_mask=sample_weight > 0)
        score = self._make_validation_score_cb(mask, X, y, sample_weight)
        random_state = check_random_state(self.random_state)
        epochs = RowByRow(self._settings(learning_rate, alpha), trained, int(self.t_)).train(
            X,
            np.ascontiguousarray(y[:, None]),
            _needed(sample_weight),
            np.flatnonzero(~mask),
            max_iter,
            np.random.RandomState(random_state.randint(_LARGEST_SEED)),
            None if score is None else lambda coef, intercept: score(coef[0], intercept),
        )
        self._publish(trained, (X.shape[1],), epochs, len(X))


def _stays_with_scikit_learn(X: Any, learning_rate: str) -> bool:
    return learning_rate in _PASSIVE_AGGRESSIVE or issparse(X)


def _loss(name: str, epsilon: float) -> Loss:
    loss: Any = get_loss(name)
    if name == "huber":
        return loss.replace(delta=epsilon)
    return loss.replace(epsilon=epsilon) if "epsilon" in name else loss


def _own_weights(model: Any) -> None:
    """Copy weights that may not be written, as files mapped to memory are; loops write to them."""
    copies: dict[int, np.ndarray] = {}  # some are one array by two names
    for name in _WEIGHTS:
        array = getattr(model, name, None)
        if isinstance(array, np.ndarray) and not array.flags.writeable:
            setattr(model, name, copies.setdefault(id(array), np.array(array, order="K")))


def _needed(weights: np.ndarray) -> np.ndarray | None:
    """Return weights as float64, None if all are one."""
    return None if (weights == 1).all() else np.ascontiguousarray(weights, np.float64)
