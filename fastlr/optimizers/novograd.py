"""NovoGrad: Adam with one second moment per array."""

import numpy as np

from .optimizer import Optimizer


class NovoGrad(Optimizer):
    r"""Momentum of gradients divided by the running norm of their array.

    .. math::
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) \|g_t\|^2, \qquad v_1 = \|g_1\|^2 \\
        m_t &= \beta_1 m_{t-1} + \frac{g_t}{\sqrt{v_t} + \epsilon} + \lambda \theta_{t-1}, \qquad
        \theta_t = \theta_{t-1} - \eta m_t

    The norm is of one array.

    Parameters
    ----------
    lr : float, default=0.01
        Learning rate :math:`\eta`.
    beta1 : float, default=0.95
        Decay of the momentum, in [0, 1).
    beta2 : float, default=0.98
        Decay of the mean of squared norms, in [0, 1).
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    grad_averaging : bool, default=False
        Multiply the terms that enter the momentum by :math:`1 - \beta_1`.
    weight_decay : float, default=0.0
        :math:`\lambda`.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        ``"decoupled"`` is the paper's, part of the momentum. The other kinds act outside of it, as
        in other optimizers.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: one array shaped like the parameter, and one number. A step reads parameter and
    gradient twice.

    References
    ----------
    Ginsburg et al. 2019, "Stochastic gradient methods with layer-wise adaptive moments for
    training of deep networks", arXiv:1905.11286.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import NovoGrad
    >>> w = np.array([3.0, -4.0])
    >>> updater = NovoGrad(lr=0.1).bind(w)
    >>> updater.step(np.array([6.0, -8.0]))  # only the direction counts
    >>> w.round(6).tolist()
    [2.94, -3.92]
    """

    lr: float = 0.01
    beta1: float = 0.95
    beta2: float = 0.98
    eps: float = 1e-8
    grad_averaging: bool = False
    decay: str = "decoupled"

    state = ("m",)
    sums = ("g2",)
    scalars = ("v",)
    derived = ("unit",)
    own_decay = "decoupled"
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)"}
    choices = {"grad_averaging": (False, True)}

    def coefficients(self, t, lr):
        return {
            "beta1": self.beta1,
            "b2": np.where(np.asarray(t) == 1, 0.0, self.beta2),
            "c2": np.where(np.asarray(t) == 1, 1.0, 1 - self.beta2),
            "offset": self.eps,
            "fresh": 1 - self.beta1 if self.grad_averaging else 1.0,
            "rate": lr,
        }

    @staticmethod
    def measure(p, g, m):
        return (g * g,)

    @staticmethod
    def adapt(g2, v, b2, c2, offset):
        v = b2 * v + c2 * g2
        below = sqrt(v) + offset
        if below > 0:
            unit = 1 / sqrt(below)  # applied twice: 1 / below may overflow single precision
        else:
            unit = 0.0
        return unit, v

    @staticmethod
    def update(p, g, m, beta1, fresh, rate, weight_decay, unit):
        m = beta1 * m + fresh * (g * unit * unit + weight_decay * p)
        p = p - rate * m
        return p, m
