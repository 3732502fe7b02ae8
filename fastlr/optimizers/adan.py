"""Adan: Nesterov momentum from differences of gradients, scaled as in Adam."""

import numpy as np

from .optimizer import Optimizer


class Adan(Optimizer):
    r"""Adan.

    .. math::
        d_t &= g_t - g_{t-1}, \quad d_1 = 0, \qquad
            m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
            v_t = \beta_2 v_{t-1} + (1 - \beta_2) d_t \\
        s_t &= \beta_3 s_{t-1} + (1 - \beta_3) (g_t + \beta_2 d_t)^2 \\
        \theta_t &= \theta_{t-1} - \eta \,
            \frac{m_t / (1 - \beta_1^t) + \beta_2 v_t / (1 - \beta_2^t)}
                 {\sqrt{s_t / (1 - \beta_3^t)} + \epsilon}

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`.
    beta1, beta2, beta3 : float, default=0.98, 0.92, 0.99
        Decay of the mean gradient, the mean difference of gradients and the mean square, in [0, 1).
        The paper writes 1 - beta for all three.
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        Kind of weight decay. The paper divides by :math:`1 + \eta \lambda` after the step;
        decoupled decay multiplies by :math:`1 - \eta \lambda` before it (the paper's ``no_prox``).
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: four arrays shaped like the parameter, one of them the previous gradient.

    References
    ----------
    Xie et al. 2022, "Adan: adaptive Nesterov momentum algorithm for faster optimizing deep
    models", arXiv:2208.06677.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Adan
    >>> w = np.array([1.0, -2.0])
    >>> updater = Adan(lr=0.1).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.9, -1.9]
    """

    lr: float = 1e-3
    beta1: float = 0.98
    beta2: float = 0.92
    beta3: float = 0.99
    eps: float = 1e-8
    decay: str = "decoupled"

    state = ("m", "v", "s", "last")
    decays = ("beta1", "beta2", "beta3")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "beta3": "[0, 1)", "eps": "[0, inf)"}

    def coefficients(self, t, lr):
        return {
            "c1": 1 - self.beta1,
            # No difference in the first step.
            "b2": np.where(np.asarray(t) == 1, 0.0, self.beta2),
            "c2": np.where(np.asarray(t) == 1, 0.0, 1 - self.beta2),
            "b3": self.beta3,
            "c3": 1 - self.beta3,
            "eps": self.eps,
            "step": lr / (1 - self.beta1**t),
            "ahead": lr * self.beta2 / (1 - self.beta2**t),
            "root": 1 / np.sqrt(1 - self.beta3**t),
        }

    @staticmethod
    def update(p, g, m, v, s, last, c1, b2, c2, b3, c3, eps, step, ahead, root):
        change = g - last
        # Exact for a beta of 0 like b1 * m + c1 * g, with one coefficient: registers are few.
        m = m - c1 * m + c1 * g
        v = b2 * v + c2 * change
        ends = g + b2 * change
        s = b3 * s + c3 * ends * ends
        p = p - (step * m + ahead * v) / (sqrt(s) * root + eps)
        last = g
        return p, m, v, s, last
