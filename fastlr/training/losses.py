"""How the loss of a row is made of its outputs, in NumPy and by number in the compiled loops."""

from __future__ import annotations

import numpy as np

from ..kernels.find.loss import LossKernel
from ..losses import LogLoss
from ..losses.base import Loss

REDUCTIONS = ("softmax", "multinomial", "ovr", "each")
"""Names of the forms of a loss (see `LinearEpoch`), numbered as in `_data.h`."""

# Forms with an exponential of their own, which compiled loops have for some log-losses.
_LOG_LOSSES = {"ovr": 4, "each": 5}


def checked_form(
    owner: str, loss: Loss, reduction: str, outputs: int, vectorised: tuple[str, ...]
) -> int:
    """Return the number of a form; raise ValueError unless the loss can be reduced in this way.

    Log-losses of `vectorised` reductions have a form of their own.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"{owner}: reduction must be one of {', '.join(REDUCTIONS)}, got {reduction!r}"
        )
    if reduction == "softmax" and type(loss) is not LogLoss:
        raise ValueError(f"{owner}: reduction 'softmax' needs LogLoss, got {loss!r}")
    if reduction in {"softmax", "multinomial"} and outputs < 2:
        raise ValueError(f"{owner}: reduction {reduction!r} needs 2 outputs or more, got 1")
    if reduction in {"multinomial", "ovr"} and loss.task != "margin":
        raise ValueError(f"{owner}: reduction {reduction!r} needs a loss of margins, got {loss!r}")
    if type(loss) is LogLoss and reduction in vectorised:
        return _LOG_LOSSES[reduction]
    return REDUCTIONS.index(reduction)


def softmax_loss(scores: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the multinomial log-loss of each row and its gradient.

    .. math::
        \ell_i = \log \sum_k e^{z_{ik}} - z_{i y_i}, \qquad
        \frac{\partial \ell_i}{\partial z_{ik}} = \operatorname{softmax}(z_i)_k - [k = y_i]

    """
    rows = np.arange(len(scores))
    shifted = scores - scores.max(axis=1, keepdims=True)  # the largest exponent is 0: no overflow
    exponentials = np.exp(shifted)
    sums = exponentials.sum(axis=1, keepdims=True)
    gradient = exponentials / sums
    gradient[rows, codes] -= 1
    return np.log(sums[:, 0]) - shifted[rows, codes], gradient


def batch_loss(
    kernel: LossKernel | None,
    reduction: str,
    scores: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Return the weighted loss of some rows and its gradient with respect to their outputs.

    `kernel` computes loss and slope of one output; it is None for "softmax". `y` holds codes of
    shape (rows,) or targets of shape (rows, outputs), `weights` float64.
    """
    dtype, outputs = scores.dtype, scores.shape[1]
    share = weights.astype(dtype)
    if kernel is None:
        losses, gradient = softmax_loss(scores, y)
        return float(weights @ losses.astype(np.float64)), gradient * share[:, None]
    if reduction == "multinomial":
        rows = np.arange(len(scores))
        others = scores.copy()
        others[rows, y] = -np.inf
        rival = others.argmax(axis=1)
        margin = scores[rows, y] - scores[rows, rival]
        loss = kernel(margin, np.ones_like(margin), share)
        gradient = np.zeros_like(scores)
        gradient[rows, y] = margin
        gradient[rows, rival] = -margin
        return loss, gradient
    if reduction == "ovr":
        own = np.array([1]) if outputs == 1 else np.arange(outputs)
        y = np.where(y[:, None] == own, 1, -1).astype(dtype)
    gradient = scores.copy()
    return kernel(gradient, y, np.repeat(share[:, None], outputs, axis=1)), gradient
