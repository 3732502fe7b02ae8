"""The epoch of a linear model in NumPy: the readable reference of the compiled one.

It also serves where nothing could be compiled. It is written for the eye: every line is an
equation of the docstring, and no array is reused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .epoch import EpochResult


def softmax_loss(scores: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the multinomial log-loss of each row and its gradient.

    .. math::
        \ell_i = \log \sum_k e^{z_{ik}} - z_{i y_i}, \qquad
        \frac{\partial \ell_i}{\partial z_{ik}} = \operatorname{softmax}(z_i)_k - [k = y_i]

    Parameters
    ----------
    scores : ndarray of shape (rows, classes)
        Logits :math:`z`.
    codes : ndarray of shape (rows,)
        Class of each row, from 0 to ``classes - 1``.

    Returns
    -------
    losses : ndarray of shape (rows,)
        In nats.
    gradient : ndarray of shape (rows, classes)
        With respect to `scores`.
    """
    rows = np.arange(len(scores))
    shifted = scores - scores.max(axis=1, keepdims=True)  # the largest exponent is 0: no overflow
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    gradient = exponentials / sums
    gradient[rows, codes] -= 1
    return np.log(sums[:, 0]) - shifted[rows, codes], gradient


def logistic_loss(scores: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the log-loss of each row of one logit, and its gradient.

    .. math::
        \ell_i = \log(1 + e^{z_i}) - y_i z_i, \qquad
        \frac{\partial \ell_i}{\partial z_i} = \frac{1}{1 + e^{-z_i}} - y_i

    Parameters
    ----------
    scores : ndarray of shape (rows, 1)
        Logits :math:`z` of class 1.
    codes : ndarray of shape (rows,)
        Class of each row, 0 or 1.

    Returns
    -------
    losses : ndarray of shape (rows,)
        In nats.
    gradient : ndarray of shape (rows, 1)
        With respect to `scores`.
    """
    z = scores[:, 0]
    e = np.exp(-np.abs(z))  # at most 1, whatever the sign: no overflow
    losses = np.where(codes == 1, np.maximum(-z, 0), np.maximum(z, 0)) + np.log1p(e)
    gradient = np.where(z >= 0, 1, e) / (1 + e) - codes
    return losses, gradient[:, None].astype(scores.dtype, copy=False)


LOSSES: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "softmax": softmax_loss,
    "logistic": logistic_loss,
}


def run_epoch(
    X: np.ndarray,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    order: np.ndarray | None,
    batch_size: int,
    arena: Any,
    updater: Any,
    loss: str,
) -> EpochResult:
    r"""Train a linear model for one epoch.

    For each mini-batch :math:`B` of rows, with :math:`z_i = W x_i + b`:

    .. math::
        \frac{\partial L}{\partial W} = \sum_{i \in B} \frac{w_i}{|B|}
            \frac{\partial \ell_i}{\partial z_i} x_i^T, \qquad
        \frac{\partial L}{\partial b} = \sum_{i \in B} \frac{w_i}{|B|}
            \frac{\partial \ell_i}{\partial z_i}

    and then one step of the optimizer.

    Parameters
    ----------
    X, y, sample_weight, order, batch_size
        As in `LinearEpoch.run`, which has checked them.
    arena : Arena
        Holds ``coef`` and, where the model has one, ``intercept``.
    updater : object
        Its ``step(grads)`` changes the parameters in place.
    loss : {"softmax", "logistic"}
        Which of `LOSSES`.

    Returns
    -------
    EpochResult
        What the epoch came to.
    """
    coef, grad_coef = arena.param["coef"], arena.grad["coef"]
    intercept, grad_intercept = arena.param.get("intercept"), arena.grad.get("intercept")
    n = len(X) if order is None else len(order)
    total_loss = total_weight = 0.0
    for step, start in enumerate(range(0, n, batch_size)):
        stop = min(start + batch_size, n)
        rows = slice(start, stop) if order is None else order[start:stop]
        batch = X[rows]
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging loss is reported below
            scores = batch @ coef.T
            if intercept is not None:
                scores += intercept
            losses, gradient = LOSSES[loss](scores, y[rows])
            weights = np.ones(len(batch)) if sample_weight is None else sample_weight[rows]
            batch_weight = float(weights.sum())
            batch_loss = float(weights @ losses.astype(np.float64))
            if not np.isfinite(batch_loss):
                return EpochResult(total_loss, total_weight, step, step)
            gradient *= (weights / len(batch))[:, None].astype(gradient.dtype)
            np.matmul(gradient.T, batch, out=grad_coef)
        if grad_intercept is not None:
            grad_intercept[:] = gradient.sum(axis=0)
        try:
            updater.step(arena.grad)
        except ValueError:
            if np.isfinite(arena.grads).all():
                raise
            return EpochResult(total_loss, total_weight, step, step)
        total_loss += batch_loss
        total_weight += batch_weight
    return EpochResult(total_loss, total_weight, -(-n // batch_size), None)
