"""The epoch of a multi-layer perceptron in NumPy: the readable reference of the compiled one.

It also serves where nothing could be compiled. It is written for the eye: every line is an
equation of the docstring, and no array is reused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..losses import batch_loss
from ..result import EpochResult
from .activations import ACTIVATIONS
from .dropout import dropout_mask

_BLOCK = 1024  # rows evaluated at a time


def outputs_of(
    X: Any,
    weights: Sequence[np.ndarray],
    biases: Sequence[np.ndarray],
    activations: Sequence[str],
) -> np.ndarray:
    """Return the raw outputs of a network, without dropout."""
    parts = [
        _forward(_dense(X[start : start + _BLOCK]), weights, biases, activations, None)[0][-1]
        for start in range(0, X.shape[0], _BLOCK)
    ]
    return np.concatenate(parts) if parts else np.empty((0, len(biases[-1])), X.dtype)


def _forward(
    X: np.ndarray,
    weights: Sequence[np.ndarray],
    biases: Sequence[np.ndarray],
    activations: Sequence[str],
    masks: Sequence[np.ndarray | None] | None,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return what enters each layer, outputs last, and the slopes of the hidden layers."""
    values, slopes = [X], []
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        z = values[-1] @ weight + bias
        if layer < len(activations):
            z, slope = ACTIVATIONS[activations[layer]].evaluate(z)
            mask = None if masks is None else masks[layer]
            values.append(z if mask is None else z * mask)
            slopes.append(slope if mask is None else slope * mask)
        else:
            values.append(z)
    return values, slopes


def evaluate(
    X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None, epoch: Any
) -> tuple[float, float]:
    """Return the sums of weighted losses and of weights, without dropout."""
    row_weights = np.ones(X.shape[0]) if sample_weight is None else sample_weight
    total = 0.0
    for start in range(0, X.shape[0], _BLOCK):
        rows = slice(start, start + _BLOCK)
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = outputs_of(
                _scaled(X[rows], epoch), epoch.weights, epoch.biases, epoch.activations
            )
            weights = row_weights[rows]
            total += batch_loss(epoch.kernel, epoch.reduction, outputs, y[rows], weights)[0]
    return total, float(row_weights.sum())


def _dense(X: Any) -> np.ndarray:
    return X if isinstance(X, np.ndarray) else X.toarray()


def _scaled(X: Any, epoch: Any) -> np.ndarray:
    X = _dense(X)
    if epoch.scaling is None:
        return X
    mean, inverse = epoch.scaling
    return (X - mean) * inverse


def run_epoch(
    X: np.ndarray,
    y: np.ndarray,
    sample_weight: np.ndarray | None,
    order: np.ndarray | None,
    batch_size: int,
    epoch: Any,
) -> EpochResult:
    r"""Train a network for one epoch, with arguments that `MLPEpoch.run` has checked.

    For each mini-batch :math:`B`, with inputs :math:`a_0 = x`, hidden layers
    :math:`a_l = m_l \circ f_l(z_l)`, :math:`z_l = a_{l-1} W_l + b_l`, masks :math:`m_l` of
    dropout, and outputs :math:`z_L`:

    .. math::
        \delta_L = \frac{w_i}{|B|} \frac{\partial \ell_i}{\partial z_L}, \qquad
        \delta_{l-1} = (\delta_l W_l^T) \circ m_{l-1} \circ f'_{l-1}(z_{l-1}), \qquad
        \frac{\partial L}{\partial W_l} = a_{l-1}^T \delta_l, \qquad
        \frac{\partial L}{\partial b_l} = \sum_{i \in B} \delta_l

    and then one step of the optimizer. Gradients of frozen layers are zero.
    """
    n = X.shape[0] if order is None else len(order)
    total_loss = total_weight = 0.0
    for step, start in enumerate(range(0, n, batch_size)):
        stop = min(start + batch_size, n)
        rows = slice(start, stop) if order is None else order[start:stop]
        row_weights = np.ones(stop - start) if sample_weight is None else sample_weight[rows]
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported below
            loss = _gradients(_scaled(X[rows], epoch), y[rows], row_weights, epoch)
        if not np.isfinite(loss):
            return EpochResult(total_loss, total_weight, step, step)
        try:
            epoch.updater.step(epoch.arena.grad)
        except ValueError:
            if np.isfinite(epoch.arena.grads).all():
                raise
            return EpochResult(total_loss, total_weight, step, step)
        total_loss += loss
        total_weight += float(row_weights.sum())
    return EpochResult(total_loss, total_weight, -(-n // batch_size), None)


def _gradients(X: np.ndarray, y: np.ndarray, row_weights: np.ndarray, epoch: Any) -> float:
    """Leave the gradient of a mini-batch in the arena; return its weighted loss."""
    masks: list[np.ndarray | None] = [None] * len(epoch.dropout)
    for layer, rate in enumerate(epoch.dropout):
        if rate > 0:
            columns = epoch.weights[layer].shape[0]
            masks[layer] = dropout_mask(
                epoch.seed, epoch.updater.t, layer, len(X), columns, rate, X.dtype
            )
    a = X if masks[0] is None else X * masks[0]
    values, slopes = _forward(a, epoch.weights, epoch.biases, epoch.activations, masks[1:])
    share = 1 / len(X)
    loss, delta = batch_loss(epoch.kernel, epoch.reduction, values[-1], y, row_weights * share)
    for layer in reversed(range(epoch.lowest, len(epoch.weights))):
        if layer not in epoch.frozen:
            epoch.arena.grad[f"coef_{layer}"][...] = values[layer].T @ delta
            epoch.arena.grad[f"intercept_{layer}"][...] = delta.sum(axis=0)
        if layer > epoch.lowest:
            delta = (delta @ epoch.weights[layer].T) * slopes[layer - 1]
    return loss / share
