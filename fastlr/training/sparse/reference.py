"""The epoch of a linear model over sparse rows in NumPy and SciPy: reference of the compiled one.

It also serves where nothing could be compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..l1 import OrthantStep
from ..losses import batch_loss
from ..result import EpochResult


def run_epoch(
    X: Any,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    order: np.ndarray | None,
    batch_size: int,
    epoch: Any,
) -> EpochResult:
    r"""Train a linear model for one epoch, with arguments that `SparseEpoch.run` has checked.

    For each mini-batch :math:`B` of rows, with :math:`z_i = W^T x_i + b`, the gradient of a
    feature that occurs in it is

    .. math::
        \frac{\partial L}{\partial W_j} = \sum_{i \in B} \frac{w_i}{|B|} x_{ij}
            \frac{\partial \ell_i}{\partial z_i}

    These features and the intercept make one step of the optimizer. `LazySteps` catches up the
    others; where `SparseEpoch` steps densely, their gradient is zero.
    """
    coef, intercept = epoch.arena.param["coef"], epoch.arena.param.get("intercept")
    n = X.shape[0] if order is None else len(order)
    total_loss = total_weight = 0.0
    steps = -(-n // batch_size)
    lazy = epoch.lazy
    if lazy is not None:
        lazy.begin(steps)
    orthant = OrthantStep(epoch.l1, steps) if epoch.l1 and lazy is None else None
    diverged = None
    for step, start in enumerate(range(0, n, batch_size)):
        stop = min(start + batch_size, n)
        rows = slice(start, stop) if order is None else order[start:stop]
        batch = X[rows]
        if epoch.scaling is not None:
            inverse = epoch.scaling.inverse.astype(X.dtype)
            batch = type(X)(
                (batch.data * inverse[batch.indices], batch.indices, batch.indptr), batch.shape
            )
        weights = np.ones(stop - start) if sample_weight is None else sample_weight[rows]
        features = np.unique(batch[weights != 0].indices)
        if lazy is not None:
            lazy.catch_up(features)
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging loss is reported below
            scores = batch @ coef
            if intercept is not None:
                scores += intercept
            share = 1 / (stop - start)
            loss, slopes = batch_loss(
                epoch.kernel, epoch.reduction, scores, y[rows], weights * share
            )
            loss /= share
            grad = batch.T @ slopes
        if not np.isfinite(loss) or not _step(epoch, features, grad, slopes, orthant):
            diverged = step
            break
        total_loss += loss
        total_weight += float(weights.sum())
    if lazy is not None:
        lazy.catch_up(np.arange(len(coef)))
    return EpochResult(total_loss, total_weight, steps if diverged is None else diverged, diverged)


def _step(
    epoch: Any,
    features: np.ndarray,
    grad: np.ndarray,
    slopes: np.ndarray,
    orthant: OrthantStep | None,
) -> bool:
    """Make a step; return whether the gradient was finite, or need not be."""
    grads = {"coef": grad if epoch.lazy is None else grad[features]}
    if "intercept" in epoch.arena.param:
        grads["intercept"] = slopes.sum(axis=0)
    try:
        if epoch.lazy is not None:
            epoch.lazy.step(features, grads)
        else:
            for name, value in grads.items():
                epoch.arena.grad[name][...] = value
            own = epoch.arena.grad
            if orthant is None:
                epoch.updater.step(own)
            else:
                orthant.take(
                    epoch.arena.param["coef"], own["coef"], lambda: epoch.updater.step(own)
                )
    except ValueError:
        if all(np.isfinite(g).all() for g in grads.values()):
            raise
        return False
    return True
