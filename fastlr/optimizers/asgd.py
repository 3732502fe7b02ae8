"""ASGD: gradient descent with an average of late parameters."""

import numpy as np

from .optimizer import Optimizer


class ASGD(Optimizer):
    r"""Averaged stochastic gradient descent.

    .. math::
        \eta_t &= \eta \, / \, (1 + \lambda \eta (t - 1))^\alpha, \qquad
            \theta_t = (1 - \lambda \eta_t)\, \theta_{t-1} - \eta_t g_t \\
        \bar\theta_t &= \bar\theta_{t-1} +
            \frac{\theta_t - \bar\theta_{t-1}}{\max(1, t - 1 - t_0)}

    Parameters
    ----------
    lr : float, default=0.01
        Learning rate :math:`\eta` of the first step.
    lambd : float, default=1e-4
        :math:`\lambda`, decay of the parameter, and speed at which the rate falls.
    alpha : float, default=0.75
        Exponent of the falling rate.
    t0 : float, default=1e6
        Step after which averaging begins; until then the average follows the parameter.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter: what rounding took off the average, and the average
    itself, in ``state_dict()["state"]["ax"]``.
    With ``average="polyak"`` any optimizer averages all its steps.

    References
    ----------
    Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; rate and
    decay of Bottou 2010, "Large-scale machine learning with stochastic gradient descent".

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import ASGD
    >>> w = np.array([1.0, -2.0])
    >>> updater = ASGD(lr=0.5, lambd=0.0, t0=0.0).bind(w)
    >>> for _ in range(3):
    ...     updater.step(w.copy())
    >>> w.tolist(), updater.state_dict()["state"]["ax"]["0"].tolist()
    ([0.125, -0.25], [0.1875, -0.375])
    """

    lr: float = 0.01
    lambd: float = 1e-4
    alpha: float = 0.75
    t0: float = 1e6

    batch_rule = "linear"
    squares = False
    state = ("ax", "rest")
    ranges = {"lambd": "[0, inf)", "alpha": "[0, inf)", "t0": "[0, inf)"}

    @property
    def is_linear(self):
        return True

    def coefficients(self, t, lr):
        rate = lr / (1 + self.lambd * lr * (t - 1)) ** self.alpha
        return {
            "rate": rate,
            "fall": self.lambd * rate,
            "one": 1.0,
            "weight": 1 / np.maximum(1.0, t - 1 - self.t0),
        }

    @staticmethod
    def update(p, g, ax, rest, rate, fall, weight, one):
        p = p - fall * p - rate * g
        # What rounding took off the average is kept: late weights are below its precision.
        move = weight * (p - ax) + rest
        moved = ax + move
        rest = move - (moved - ax) if weight < one else rest
        ax = moved if weight < one else p
        return p, ax, rest
