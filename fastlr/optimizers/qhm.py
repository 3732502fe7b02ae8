"""Quasi-hyperbolic momentum: a mean of the gradient and its running average."""

from .optimizer import Optimizer


class QHM(Optimizer):
    r"""Quasi-hyperbolic momentum.

    .. math::
        m_t = \mu m_{t-1} + (1 - \mu) g_t, \qquad
        \theta_t = \theta_{t-1} - \eta \, \big[ (1 - \nu) g_t + \nu m_t \big]

    Parameters
    ----------
    lr : float, default=1.0
        Learning rate :math:`\eta`. The momentum is a mean, so use 1 / (1 - :math:`\mu`) times the
        rate of SGD with the same momentum.
    momentum : float, default=0.999
        :math:`\mu`, in [0, 1).
    nu : float, default=0.7
        :math:`\nu`, in [0, 1]: 0 is plain SGD, 1 is momentum, :math:`\mu` is Nesterov momentum.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: one array shaped like the parameter.

    References
    ----------
    Ma & Yarats 2019, "Quasi-hyperbolic momentum and Adam for deep learning", arXiv:1810.06801.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import QHM
    >>> w = np.array([1.0, -2.0])
    >>> updater = QHM(lr=0.5, momentum=0.75, nu=0.5).bind(w)
    >>> updater.step(w.copy())
    >>> w.tolist()
    [0.6875, -1.375]
    """

    lr: float = 1.0
    momentum: float = 0.999
    nu: float = 0.7

    batch_rule = "linear"
    squares = False
    state = ("m",)
    decays = ("momentum",)
    ranges = {"momentum": "[0, 1)", "nu": "[0, 1]"}

    @property
    def is_linear(self):
        return True

    def coefficients(self, t, lr):
        return {
            "b": self.momentum,
            "c": 1 - self.momentum,
            "now": lr * (1 - self.nu),
            "past": lr * self.nu,
        }

    @staticmethod
    def update(p, g, m, b, c, now, past):
        m = b * m + c * g
        p = p - (now * g + past * m)
        return p, m
