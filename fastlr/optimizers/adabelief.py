"""AdaBelief: Adam scaled by the deviation of gradients from their mean."""

import numpy as np

from .optimizer import Optimizer


class AdaBelief(Optimizer):
    r"""AdaBelief.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
            s_t = \beta_2 s_{t-1} + (1 - \beta_2) (g_t - m_t)^2 + \epsilon_r \\
        \theta_t &= \theta_{t-1} - \eta \,
            \frac{m_t / (1 - \beta_1^t)}{\sqrt{s_t / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared deviation from it, in [0, 1).
    eps : float, default=1e-16
        Added to the denominator, in units of gradient.
    eps_root : float, default=1e-16
        :math:`\epsilon_r`, added to :math:`s` in every step, in units of squared gradient. It keeps
        steps finite where gradients are constant.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter. In float32 deviations below 6e-8 of the mean are
    lost in its rounding.

    References
    ----------
    Zhuang et al. 2020, "AdaBelief optimizer: adapting stepsizes by the belief in observed
    gradients", arXiv:2010.07468, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import AdaBelief
    >>> w = np.array([1.0, -2.0])
    >>> updater = AdaBelief(lr=0.1, beta1=0.5).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.8, -1.8]
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-16
    eps_root: float = 1e-16

    state = ("m", "s")
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)", "eps_root": "[0, inf)"}

    def coefficients(self, t, lr):
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "eps_root": self.eps_root,
            "step": lr / (1 - self.beta1**t),
            "root": 1 / np.sqrt(1 - self.beta2**t),
        }

    @staticmethod
    def update(p, g, m, s, b1, c1, b2, c2, eps, eps_root, step, root):
        off = b1 * (g - m)  # from the mean after this step, without its cancellation
        m = b1 * m + c1 * g
        s = b2 * s + (c2 * off * off + eps_root)
        p = p - step * m / (sqrt(s) * root + eps)
        return p, m, s
