"""Signum: steps of fixed size along the sign of the momentum."""

from .optimizer import Optimizer


class Signum(Optimizer):
    r"""Signum, or signSGD if the momentum is zero.

    .. math::
        m_t = \mu m_{t-1} + (1 - \mu) g_t, \qquad
        \theta_t = \theta_{t-1} - \eta \, \mathrm{sign}(m_t)

    Parameters
    ----------
    lr : float, default=1e-4
        Learning rate :math:`\eta`: change of every parameter in each step.
    momentum : float, default=0.9
        :math:`\mu`, in [0, 1). At 0 the sign of the gradient is used and no buffer is kept.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        Kind of weight decay; the paper's is decoupled.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: one array shaped like the parameter with momentum, none without. A parameter whose
    momentum is exactly zero does not move.

    References
    ----------
    Bernstein et al. 2018, arXiv:1802.04434, algorithms 1 and 2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Signum
    >>> w = np.array([1.0, -2.0])
    >>> updater = Signum(lr=0.25, momentum=0.5).bind(w)
    >>> updater.step(np.array([4.0, -1e-6]))
    >>> updater.step(np.array([-1.0, 0.0]))  # the momentum still points the other way
    >>> w.tolist()
    [0.5, -1.5]
    """

    lr: float = 1e-4
    momentum: float = 0.9
    decay: str = "decoupled"

    squares = False
    state = ("m",)
    flags = ("momentum",)
    decays = ("momentum",)
    ranges = {"momentum": "[0, 1)"}

    def coefficients(self, t, lr):
        return {"b": self.momentum, "c": 1 - self.momentum, "lr": lr}

    @staticmethod
    def update(p, g, m, b, c, lr, momentum):
        if momentum:
            m = b * m + c * g
            p = p - lr * sign(m)
        else:
            p = p - lr * sign(g)
        return p, m
