"""Targets that are numbers: units of training, and from raw scores to predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import MultiOutputMixin, RegressorMixin

from ...losses.base import Loss
from ..data.centre_and_spread import centre_and_spread
from ..data.rows import Features
from ..data.targets import RealTargets
from ..fitting.chunks import fit_chunk, fit_stream
from ..fitting.fit import GradientEstimator

_SCALES = 1e-150, 1e150


class GradientRegressor(MultiOutputMixin, RegressorMixin, GradientEstimator):
    """Base of the regressors; a model stands before it.

    A rate that suits one target suits no other unless targets are brought to one scale. Where
    the loss allows it (`Loss.scaled`), training is on ``(y - shift) / scale``, with mean and
    standard deviation of each output, or median and quartiles under a robust loss, and the
    model's units bring the fitted attributes back to the units of y. Losses that have a threshold
    in these units are given it scaled, so that the minimum stays where it is, and all outputs
    then share one scale. Under a logarithmic link targets are divided by their mean, which is the
    same as starting at its logarithm.
    """

    _shift: np.ndarray
    _scale: np.ndarray
    _vector: bool

    _fewest_to_score = 2

    def _loss(self) -> Loss:
        raise NotImplementedError

    def partial_fit(
        self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one epoch over X and y, going on where the last call left off.

        Optimizer state and the clock of the schedule go on from call to call, after `fit` and
        after pickling too. A schedule that is stretched over the run, as ``"onecycle"`` is, has
        no meaning here, for the length of the run is not known: the rate is then constant.
        Lengths in epochs count calls, each as many steps long as the first. Stopping early is a
        matter of `fit` alone. Mean and scale of the targets follow the rows, whichever came first;
        they change how quickly it learns, not what.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
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
        fit_chunk(self, X, y, sample_weight)
        return self

    def fit_stream(
        self,
        chunks: Iterable[Any],
        *,
        total_rows: int | None = None,
        n_chunks: int | None = None,
    ) -> Self:
        """Train in one pass over chunks of data, which need not fit into memory.

        It begins anew as `fit` does, with ``warm_start=False``, and `history_` has a row for
        each chunk, of many for several. Rows are shuffled within a chunk; mean and scale of
        the targets follow the rows. A schedule that is stretched over the run needs `total_rows`
        or `n_chunks`; without them the rate is constant.

        Parameters
        ----------
        chunks : iterable of (X, y) or (X, y, sample_weight)
            Each as `partial_fit` takes them; weights are used as they are.
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
        fit_stream(self, chunks, None, total_rows, n_chunks)
        return self

    def predict(self, X: Features) -> np.ndarray:
        """Return the prediction for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As many dimensions as y had in `fit`.
        """
        scores = self._raw_scores(X)
        if self._loss().link == "log":
            scores = np.exp(scores)
        return scores[:, 0] if self._vector else scores

    # Hooks of the targets

    def _y_options(self, y: ArrayLike) -> dict[str, bool]:
        return {"multi_output": True, "y_numeric": True}

    def _checked_y(self, y: Any) -> np.ndarray:
        """Return y as numbers in the domain of the loss."""
        if not isinstance(y, np.ndarray):
            raise TypeError("y must be dense for a regressor, got a sparse matrix")
        y = y if y.dtype.kind in "iuf" else y.astype(np.float64)
        self._loss().check_targets(y)
        return y

    def _score(
        self, outputs: np.ndarray, y: np.ndarray, weights: np.ndarray | None, targets: RealTargets
    ) -> float:
        from sklearn.metrics import r2_score

        with np.errstate(over="ignore", invalid="ignore"):
            predicted = np.exp(outputs) if targets.log else outputs
            # R2 does not depend on units, so y need not be brought back to its own.
            predicted = (predicted - targets.shift) / targets.scale
            if not np.isfinite(predicted * predicted).all():
                return -np.inf  # beyond measure; scikit-learn refuses infinite predictions
        return float(r2_score(y, predicted, sample_weight=weights))

    def _real_targets(self, y: np.ndarray, weights: np.ndarray | None, loss: Loss) -> RealTargets:
        """Choose shift and scale for `y`."""
        vector, log = y.ndim == 1, loss.link == "log"
        matrix = y.reshape(len(y), -1).astype(np.float64, copy=False)
        mean = np.average(matrix, axis=0, weights=weights)
        neutral = np.zeros(matrix.shape[1]), np.ones(matrix.shape[1])
        twice = loss.scaled(2.0)
        if twice is None or (log and not self._has_shift):
            start = np.log(mean, out=np.zeros_like(mean), where=mean > 0) if log else None
            return RealTargets(*neutral, vector, log, start)
        if log:
            shift, scale = neutral[0], mean.copy()
        else:
            shift, scale = centre_and_spread(matrix, weights, loss, self._has_shift)
        usable = np.isfinite(scale) & (scale > 0)
        # A constant target, or the one row of a first chunk, tells a scale by its size at most.
        size = np.where(np.isfinite(mean) & (mean != 0), np.abs(mean), 1.0)
        scale[~usable] = size[~usable]
        scale[:] = np.clip(scale, *_SCALES)  # whose squares, and thresholds, are numbers too
        # Thresholds and penalties are one number, whatever the output.
        if twice[0] != loss or self._shares_scale(twice[1], log):
            scale[:] = np.sqrt(np.mean(scale[usable if usable.any() else slice(None)] ** 2))
        return RealTargets(shift, scale, vector, log)

    def _learn_targets(
        self, y: np.ndarray, weights: np.ndarray | None, dtype: np.dtype
    ) -> tuple[RealTargets, np.ndarray]:
        y = self._checked_y(y)
        targets = self._real_targets(y, weights, self._loss())
        return targets, targets.encode(y, dtype)

    def _targets_of_chunk(
        self, y: np.ndarray, weights: np.ndarray | None, first: bool, classes: ArrayLike | None
    ) -> RealTargets:
        if not first:
            return self._known_targets()
        return self._real_targets(self._checked_y(y), weights, self._loss())

    def _known_targets(self) -> RealTargets:
        return RealTargets(self._shift, self._scale, self._vector, self._loss().link == "log")

    def _set_targets(self, targets: RealTargets) -> None:
        self._shift, self._scale, self._vector = targets.shift, targets.scale, targets.vector
        self.n_outputs_ = targets.outputs

    def _training_loss(self, targets: RealTargets) -> tuple[Loss, str]:
        loss = self._loss()
        scaled = loss.scaled(float(targets.scale[0])) if targets.scaled else None
        return (loss if scaled is None else scaled[0]), "each"
