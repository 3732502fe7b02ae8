"""scikit-learn's MLPClassifier and MLPRegressor with fastlr's compiled epoch.

The classes derive from scikit-learn's, which determine parameters, checks, messages, initial
weights and predictions; only the loop over epochs is replaced. Rows are shuffled as in
scikit-learn, so the same `random_state` gives the same model up to rounding. scikit-learn handles
`solver="lbfgs"` and sparse data.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.sparse import issparse
from scipy.special import xlogy
from sklearn import neural_network
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import shuffle

from ..core.check_sparse import check_sparse
from ._solver import Solver

_LONG = 7  # number of arguments after y if scikit-learn passes weights (1.7 and later)


class _CompiledEpochs:
    """The loop over epochs of classifier and regressor."""

    def _validate_input(self: Any, X: Any, *given: Any, **named: Any) -> Any:
        check_sparse(X)  # scikit-learn follows indices wherever they lead
        return super()._validate_input(X, *given, **named)  # type: ignore[misc]

    def _forward_pass_fast(self: Any, X: Any, *given: Any, **named: Any) -> Any:
        check_sparse(X)
        return super()._forward_pass_fast(X, *given, **named)  # type: ignore[misc]

    def _fit_stochastic(self: Any, X: Any, y: np.ndarray, *rest: Any) -> None:
        going_on = rest[-1] and isinstance(getattr(self, "_optimizer", None), Solver)
        if issparse(X) and not going_on:
            super()._fit_stochastic(X, y, *rest)  # type: ignore[misc]
            return
        weights, incremental = (rest[0] if len(rest) == _LONG else None), rest[-1]
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if not incremental or not isinstance(getattr(self, "_optimizer", None), Solver):
            self._optimizer = Solver(self)
        held_out: tuple[Any, ...] = (None, None, None)
        if self.early_stopping:
            X, y, weights, held_out = self._hold_out(X, y, weights)
        if len(rest) != _LONG:
            held_out = held_out[:2]
        X = X.toarray() if issparse(X) else X  # scikit-learn's loop cannot go on from a Solver
        X = np.require(X, self.coefs_[0].dtype if going_on else None, ["C", "A"])
        batch = self._batch_size(len(X))
        mean_weight = 1.0 if weights is None else float(np.mean(weights))
        self._optimizer.bind(self, len(X), batch, mean_weight)
        self.n_iter_ = 0
        try:
            self._run_epochs(X, _targets(self, y, X.dtype), weights, batch, held_out, incremental)
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=2)
        if self.early_stopping:
            self.coefs_, self.intercepts_ = self._best_coefs, self._best_intercepts

    def _run_epochs(
        self: Any,
        X: np.ndarray,
        y: np.ndarray,
        weights: np.ndarray | None,
        batch: int,
        held_out: tuple[Any, ...],
        incremental: bool,
    ) -> None:
        order = rows = np.arange(len(X), dtype=np.int64)
        solver, n = self._optimizer, len(X)
        constant = _constant(self, y, weights)
        penalty = self.alpha / 2 * -(-n // batch) / n
        squares = solver.squares()
        while self.n_iter_ < self.max_iter:
            if self.shuffle:
                order = rows = shuffle(rows, random_state=self._random_state)
            result = solver.run(X, y, _by_batch(weights, order, batch), order, batch)
            before, squares = squares, solver.squares()
            # scikit-learn averages the penalty over steps; here it is averaged over the epoch's
            # ends.
            mean = result.loss_sum / n / (y.shape[1] if self.out_activation_ == "identity" else 1)
            self.loss_ = mean + constant + penalty * (before + squares) / 2
            self.n_iter_ += 1
            self.t_ += n
            self.loss_curve_.append(self.loss_)
            if self.verbose:
                print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")
            with np.errstate(over="ignore", invalid="ignore"):
                self._update_no_improvement_count(self.early_stopping, *held_out)
            solver.end_epoch(self.t_)
            if result.diverged_at is not None:
                return
            if self._no_improvement_count > self.n_iter_no_change:
                continues = solver.lower()
                if self.verbose:
                    self._print_no_improvement(continues)
                if not continues:
                    return
                self._no_improvement_count = 0
            if incremental:
                return
        warnings.warn(
            f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
            "optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _print_no_improvement(self: Any, continues: bool) -> None:
        what = "Validation score" if self.early_stopping else "Training loss"
        then = f"Setting learning rate to {self._optimizer.learning_rate:f}"
        print(
            f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
            f"consecutive epochs. {then if continues else 'Stopping.'}"
        )

    def _hold_out(self: Any, X: Any, y: np.ndarray, weights: Any) -> tuple[Any, ...]:
        """Return training rows, targets and weights, then a tuple of the same for validation."""
        stratify = y if is_classifier(self) and self.n_outputs_ == 1 else None
        arrays = [a for a in (X, y, weights) if a is not None]
        parts = train_test_split(
            *arrays,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=stratify,
        )
        trained, held_out = parts[::2], parts[1::2]
        if len(held_out[0]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        if is_classifier(self):
            held_out[1] = self._label_binarizer.inverse_transform(held_out[1])
        if weights is None:
            trained, held_out = [*trained, None], [*held_out, None]
        return *trained, tuple(held_out)

    def _batch_size(self: Any, n: int) -> int:
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=4,
            )
        return min(int(self.batch_size), n)


class MLPClassifier(_CompiledEpochs, neural_network.MLPClassifier):
    """scikit-learn's `MLPClassifier`, trained by fastlr.

    It derives from `sklearn.neural_network.MLPClassifier`, with the same parameters, methods and
    fitted attributes.

    Notes
    -----
    The same `random_state` gives the same model as scikit-learn, up to rounding: initial weights,
    order of the rows, optimizers and stopping rule are the same. With `sample_weight` the penalty
    is divided by the mean weight of all rows instead of each batch. The penalty in ``loss_`` and
    ``loss_curve_`` is the mean over the start and the end of an epoch.

    scikit-learn's own code handles ``solver="lbfgs"`` and sparse data.

    `fastlr.MLPClassifier` has all optimizers and schedules and further options.

    Examples
    --------
    >>> from fastlr.compat import MLPClassifier
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier(max_iter=100, tol=1e-2, random_state=0).fit(X / 16, y)
    >>> model.score(X / 16, y) > 0.95
    True
    """


class MLPRegressor(_CompiledEpochs, neural_network.MLPRegressor):
    """scikit-learn's `MLPRegressor`, trained by fastlr.

    It derives from `sklearn.neural_network.MLPRegressor`, with the same parameters, methods and
    fitted attributes.

    Notes
    -----
    See `MLPClassifier`.

    Examples
    --------
    >>> from fastlr.compat import MLPRegressor
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor(learning_rate_init=0.01, max_iter=500, tol=1e-3, random_state=0)
    >>> model.fit(scale(X), scale(y)).score(scale(X), scale(y)) > 0.6
    True
    """


def _targets(model: Any, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return targets for the compiled epoch; `y` has indicators of classes."""
    if model.out_activation_ == "softmax":
        return y.argmax(axis=1).astype(np.int64)
    if model.out_activation_ == "logistic":
        if model.n_outputs_ == 1:
            return np.ascontiguousarray(y[:, 0], np.int64)
        return np.ascontiguousarray(np.where(y, 1, -1), dtype)
    return np.ascontiguousarray(y, dtype)


def _by_batch(weights: np.ndarray | None, order: np.ndarray, batch: int) -> np.ndarray | None:
    """Return weights with a mean of 1 in each batch, as scikit-learn divides by their sum."""
    if weights is None:
        return None
    starts = np.arange(0, len(order), batch)
    sums = np.add.reduceat(weights[order].astype(np.float64), starts)
    rows = np.diff([*starts, len(order)])
    scaled = np.empty(len(order))
    factors = np.divide(rows, sums, out=np.zeros(len(rows)), where=sums > 0)
    scaled[order] = weights[order] * np.repeat(factors, rows)
    return scaled


def _constant(model: Any, y: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the difference of scikit-learn's loss from fastlr's, which depends only on targets."""
    if model.out_activation_ != "exp":
        return 0.0
    return float(np.average(xlogy(y, y) - y, axis=0, weights=weights).sum())
