"""The epoch of a linear model in NumPy: the readable reference of the compiled one.

It also serves where nothing could be compiled. It is written for the eye: every line is an
equation of the docstring, and no array is reused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..l1 import OrthantStep
from ..losses import batch_loss
from ..result import EpochResult

_BLOCK = 1024  # rows evaluated at a time


def evaluate(
    X: Any,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    epoch: Any,
    coef: np.ndarray,
    intercept: np.ndarray | None,
) -> tuple[float, float]:
    """Return the sums of weighted losses and of weights; `coef` is for features as given."""
    weights = np.ones(X.shape[0]) if sample_weight is None else sample_weight
    total = 0.0
    for start in range(0, X.shape[0], _BLOCK):
        rows = slice(start, start + _BLOCK)
        with np.errstate(over="ignore", invalid="ignore"):
            scores = X[rows] @ coef.T
            if intercept is not None:
                scores += intercept
            total += batch_loss(epoch.kernel, epoch.reduction, scores, y[rows], weights[rows])[0]
    return total, float(weights.sum())


def run_epoch(
    X: np.ndarray,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    order: np.ndarray | None,
    batch_size: int,
    epoch: Any,
) -> EpochResult:
    r"""Train a linear model for one epoch, with arguments that `LinearEpoch.run` has checked.

    For each mini-batch :math:`B` of rows, with :math:`z_i = W x_i + b`:

    .. math::
        \frac{\partial L}{\partial W} = \sum_{i \in B} \frac{w_i}{|B|}
            \frac{\partial \ell_i}{\partial z_i} x_i^T, \qquad
        \frac{\partial L}{\partial b} = \sum_{i \in B} \frac{w_i}{|B|}
            \frac{\partial \ell_i}{\partial z_i}

    and then one step of the optimizer. With scaled features :math:`x` is
    :math:`(x - m) s`. `OrthantStep` adds an L1 penalty.
    """
    arena, updater = epoch.arena, epoch.updater
    coef, grad_coef = arena.param["coef"], arena.grad["coef"]
    intercept, grad_intercept = arena.param.get("intercept"), arena.grad.get("intercept")
    n = len(X) if order is None else len(order)
    orthant = OrthantStep(epoch.l1, -(-n // batch_size)) if epoch.l1 else None
    total_loss = total_weight = 0.0
    for step, start in enumerate(range(0, n, batch_size)):
        stop = min(start + batch_size, n)
        rows = slice(start, stop) if order is None else order[start:stop]
        batch = X[rows]
        if epoch.scaling is not None:
            mean, inverse = epoch.scaling
            batch = ((batch - (0.0 if mean is None else mean)) * inverse).astype(X.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging loss is reported below
            scores = batch @ coef.T
            if intercept is not None:
                scores += intercept
            weights = np.ones(len(batch)) if sample_weight is None else sample_weight[rows]
            batch_weight = float(weights.sum())
            share = 1 / len(batch)
            loss, gradient = batch_loss(
                epoch.kernel, epoch.reduction, scores, y[rows], weights * share
            )
            loss /= share
            if not np.isfinite(loss):
                return EpochResult(total_loss, total_weight, step, step)
            np.matmul(gradient.T, batch, out=grad_coef)
        if grad_intercept is not None:
            grad_intercept[:] = gradient.sum(axis=0)
        try:
            if orthant is None:
                updater.step(arena.grad)
            else:
                orthant.take(coef, grad_coef, lambda: updater.step(arena.grad))
        except ValueError:
            if np.isfinite(arena.grads).all():
                raise
            return EpochResult(total_loss, total_weight, step, step)
        total_loss += loss
        total_weight += batch_weight
    return EpochResult(total_loss, total_weight, -(-n // batch_size), None)
