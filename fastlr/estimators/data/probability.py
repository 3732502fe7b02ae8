"""From raw scores to probabilities, for the losses that estimate them."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax

from ...losses import LogLoss, get_loss
from ...losses.base import Loss
from ..models.model import Model


def gives_probabilities(model: Model) -> bool:
    """Whether the loss of a classifier estimates probabilities."""
    try:
        return bool(get_loss(model._loss()).has_probability)
    except (TypeError, ValueError):  # fit will say what is wrong with it
        return False


def probabilities(scores: np.ndarray, loss: Loss, reduction: str) -> np.ndarray:
    """Return the probability of each class."""
    if reduction == "softmax":
        return softmax(scores, axis=1)
    if reduction != "each" and scores.shape[1] == 1:
        if type(loss) is LogLoss:
            return np.column_stack([expit(-scores[:, 0]), expit(scores[:, 0])])
        positive = loss.probability(scores[:, 0])
        return np.column_stack([1 - positive, positive])
    alone = loss.probability(scores)
    if reduction == "each":
        return alone
    alone[~alone.any(axis=1)] = 1
    return alone / alone.sum(axis=1, keepdims=True)


def log_probabilities(scores: np.ndarray, loss: Loss, reduction: str) -> np.ndarray:
    """Return the logarithm of `probabilities`; of log-loss, finite where they round to zero."""
    if reduction == "softmax":
        return log_softmax(scores, axis=1)
    if type(loss) is LogLoss:
        if reduction == "each":
            return log_expit(scores)
        if scores.shape[1] == 1:
            return np.column_stack([log_expit(-scores[:, 0]), log_expit(scores[:, 0])])
    with np.errstate(divide="ignore"):
        return np.log(probabilities(scores, loss, reduction))
