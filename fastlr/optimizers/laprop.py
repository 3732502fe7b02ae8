"""LaProp: Adam with gradients scaled before they enter the momentum."""

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
        Learning rate :math:`\eta`, outside of the momentum as in the paper. The authors' code has
        it inside, which makes a difference only while the rate changes.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean scaled gradient and the mean squared gradient, in [0, 1).
    eps : float, default=1e-15
        Added to the denominator, in units of gradient.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter; :math:`m` is dimensionless.

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
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)"}

    def coefficients(self, t, lr):
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "step": lr / (1 - self.beta1**t),
            "root": 1 / np.sqrt(1 - self.beta2**t),
        }

    @staticmethod
    def update(p, g, m, v, b1, c1, b2, c2, eps, step, root):
        v = b2 * v + c2 * g * g
        m = b1 * m + c1 * (g / (sqrt(v) * root + eps))
        p = p - step * m
        return p, m, v
