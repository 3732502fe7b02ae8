"""LaProp: gradients are scaled before they enter the momentum, not after."""

import numpy as np

from .optimizer import Optimizer


class LaProp(Optimizer):
    r"""LaProp.

    .. math::
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)
            \frac{g_t}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}, \qquad
        \theta_t = \theta_{t-1} - \eta \, \frac{m_t}{1 - \beta_1^t}

    Parameters
    ----------
    lr : float, default=4e-4
        Learning rate :math:`\eta`. It stays outside of the momentum, as in the paper; the
        authors' program puts it inside, which differs only while the rate changes.
    beta1 : float, default=0.9
        Decay of the mean of scaled gradients, in [0, 1).
    beta2 : float, default=0.999
        Decay of the mean of squared gradients, in [0, 1). It may be below beta1.
    eps : float, default=1e-15
        Added to the denominator, in units of gradient.
    **common
        See `Optimizer`: schedule, schedules, weight_decay, decay, l2, l1, clip_norm, clip_scope,
        clip_value, maximize, nonfinite, average, average_decay, cautious, lookahead,
        lookahead_alpha.

    Notes
    -----
    State: two arrays shaped like the parameter; :math:`m` has no unit.

    References
    ----------
    Ziyin, Wang & Ueda 2020, "LaProp: separating momentum and adaptivity in Adam",
    arXiv:2002.04839.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import LaProp
    >>> w = np.array([1.0, -2.0])
    >>> updater = LaProp(lr=0.1).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.9, -1.9]
    """

    lr: float = 4e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-15

    state = ("m", "v")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)"}

    def coefficients(self, t, lr):
        return {
            "c1": 1 - self.beta1,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "step": lr / (1 - self.beta1**t),
            "root": 1 / np.sqrt(1 - self.beta2**t),
        }

    @staticmethod
    def update(p, g, m, v, c1, c2, eps, step, root):
        v = v + c2 * (g * g - v)
        m = m + c1 * (g / (sqrt(v) * root + eps) - m)
        p = p - step * m
        return p, m, v
