"""An L1 penalty that any optimizer minimises, with zeros that the noise of mini-batches leaves.

A proximal step depends on what a rule makes of gradients: one that divides them by their size, as
Adam does, would need its threshold divided, too. Here the slope of the penalty joins the gradient
instead, so that the minimum is the same under every rule, and zeros come from an orthant-wise
step, after Andrew & Gao 2007 ("Scalable training of L1-regularized log-linear models", ICML): a
weight that would cross zero stops there. It leaves zero only where the gradient is stronger than
the penalty. Of one mini-batch that says little, so it is the mean gradient that counts, over some
of the steps of an epoch; and an epoch of many steps begins by collecting some.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MEMORY = 50  # steps that the mean gradient reaches back over
COLLECTED = 16  # steps of an epoch in which no weight leaves zero,
MANY = 64  # if the epoch has this many


class OrthantStep:
    r"""Steps weights under an L1 penalty of strength :math:`\lambda`, for one epoch.

    With gradient :math:`g` and its running mean :math:`\bar g` in this epoch, each weight
    :math:`p` may lie on the side

    .. math::
        s = \operatorname{sign}(p) \text{ if } p \ne 0, \quad
        -\operatorname{sign}(\bar g) \text{ if } |\bar g| > \lambda, \quad 0 \text{ else}

    of zero. The optimizer gets :math:`g + \lambda s`, or zero where :math:`s` is zero. Weights
    that are not on their side after the step become zero.
    """

    def __init__(self, strength: float, steps: int) -> None:
        self._strength, self._hold = strength, COLLECTED if steps >= MANY else 0
        self._done = 0
        self._mean: np.ndarray | None = None

    def take(self, p: np.ndarray, g: np.ndarray, step: Callable[[], None]) -> None:
        """Change weights `p` and gradient `g` in place; `step` lets the optimizer step."""
        share = g.dtype.type(max(1 / (self._done + 1), 1 / MEMORY))
        self._mean = g.copy() if self._mean is None else self._mean + share * (g - self._mean)
        bound = np.inf if self._done < self._hold else self._strength
        sent = -np.sign(self._mean) * (np.abs(self._mean) > bound)
        side = np.where(p != 0, np.sign(p), sent).astype(p.dtype)
        g[...] = np.where(side == 0, 0 * g, g + p.dtype.type(self._strength) * side)
        step()
        self._done += 1
        p[~(p * side > 0)] = 0
