"""Yogi: Adam whose mean squared gradient changes at a bounded speed."""

import numpy as np

from .optimizer import Optimizer


class Yogi(Optimizer):
    r"""Yogi.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
            v_t = v_{t-1} - (1 - \beta_2)\, \mathrm{sign}(v_{t-1} - g_t^2)\, g_t^2 \\
        \theta_t &= \theta_{t-1} - \eta \,
            \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    lr : float, default=0.01
        Learning rate :math:`\eta`.
    beta1 : float, default=0.9
        Decay of the mean gradient, in [0, 1).
    beta2 : float, default=0.999
        In [0, 1); :math:`v` changes by 1 - beta2 of the squared gradient.
    eps : float, default=1e-3
        Added to the denominator, in units of gradient.
    initial_accumulator : float, default=1e-6
        Initial value of :math:`v`, in units of squared gradient.
    initial_momentum : float, default=0.0
        Initial value of :math:`m`. Other libraries use `initial_accumulator`, with which parameters
        move at first even without a gradient.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter.

    References
    ----------
    Zaheer et al. 2018, "Adaptive methods for nonconvex optimization", NeurIPS, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Yogi
    >>> w = np.array([1.0, -2.0])
    >>> updater = Yogi(lr=0.1, eps=1e-8).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(3).tolist()
    [0.9, -1.9]
    """

    lr: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-3
    initial_accumulator: float = 1e-6
    initial_momentum: float = 0.0

    state = ("m", "v")
    decays = ("beta1",)
    ranges = {
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "eps": "[0, inf)",
        "initial_accumulator": "[0, inf)",
        "initial_momentum": "(-inf, inf)",
    }

    def initial_state(self):
        return {"m": self.initial_momentum, "v": self.initial_accumulator}

    def coefficients(self, t, lr):
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "step": lr / (1 - self.beta1**t),
            "root": 1 / np.sqrt(1 - self.beta2**t),
        }

    @staticmethod
    def update(p, g, m, v, b1, c1, c2, eps, step, root):
        m = b1 * m + c1 * g
        square = g * g
        v = v - c2 * sign(v - square) * square
        p = p - step * m / (sqrt(v) * root + eps)
        return p, m, v
