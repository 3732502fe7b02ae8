"""Quasi-hyperbolic Adam: the raw gradient mixed into both of Adam's means."""

from .optimizer import Optimizer


class QHAdam(Optimizer):
    r"""Quasi-hyperbolic Adam.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
            v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \theta_t &= \theta_{t-1} - \eta \, \frac{(1 - \nu_1) g_t + \nu_1 m_t / (1 - \beta_1^t)}
            {\sqrt{(1 - \nu_2) g_t^2 + \nu_2 v_t / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    nu1, nu2 : float, default=1.0, 1.0
        Weights of the two means relative to the gradient, in [0, 1]. With ones it is Adam; the
        authors suggest ``nu1=0.7`` with ``beta1=0.995``.
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter.

    References
    ----------
    Ma & Yarats 2019, "Quasi-hyperbolic momentum and Adam for deep learning", arXiv:1810.06801.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import QHAdam
    >>> w = np.array([1.0, -2.0])
    >>> updater = QHAdam(lr=0.1, nu1=0.7).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.9, -1.9]
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    nu1: float = 1.0
    nu2: float = 1.0
    eps: float = 1e-8

    state = ("m", "v")
    decays = ("beta1", "beta2")
    ranges = {
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "nu1": "[0, 1]",
        "nu2": "[0, 1]",
        "eps": "[0, inf)",
    }

    def coefficients(self, t, lr):
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "now": lr * (1 - self.nu1),
            "past": lr * self.nu1 / (1 - self.beta1**t),
            "now2": 1 - self.nu2,
            "past2": self.nu2 / (1 - self.beta2**t),
        }

    @staticmethod
    def update(p, g, m, v, b1, c1, b2, c2, eps, now, past, now2, past2):
        square = g * g
        m = b1 * m + c1 * g
        v = b2 * v + c2 * square
        p = p - (now * g + past * m) / (sqrt(now2 * square + past2 * v) + eps)
        return p, m, v
