"""LAMB: Adam's step, scaled by the norm of each array."""

import numpy as np

from .optimizer import Optimizer


class LAMB(Optimizer):
    r"""Layer-wise adaptive moments for batch training.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        u_t &= \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}
            + \lambda \theta_{t-1}, \qquad
        \theta_t = \theta_{t-1} - \eta \frac{\|\theta_{t-1}\|}{\|u_t\|} u_t

    The norms are of one array. Where one of them is zero, their ratio counts as 1.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`: length of an array's step relative to its norm.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    eps : float, default=1e-6
        Added to the denominator, in units of gradient.
    weight_decay : float, default=0.0
        :math:`\lambda`.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        ``"decoupled"`` is the paper's, part of :math:`u_t` and its norm. The other kinds act
        outside of it, as in other optimizers.
    decay_in_trust : bool, default=True
        Make decoupled decay part of :math:`u_t` instead of applying it before the step (keras).
    preset : {"keras"}, optional
        Library whose defaults and form apply to parameters not given.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter. A step reads parameter, gradient and state twice.

    References
    ----------
    You et al. 2020, "Large batch optimization for deep learning: training BERT in 76 minutes",
    arXiv:1904.00962, algorithm 2 with :math:`\phi(z) = z`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import LAMB
    >>> w = np.array([3.0, -4.0])
    >>> updater = LAMB(lr=0.1).bind(w)
    >>> updater.step(np.array([0.0, 20.0]))  # any size: a tenth of the norm of w
    >>> w.round(6).tolist()
    [3.0, -4.5]
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-6
    decay: str = "decoupled"
    decay_in_trust: bool = True

    state = ("m", "v")
    sums = ("p2", "u2")
    derived = ("half",)
    own_decay = "decoupled"
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)"}
    choices = {"decay_in_trust": (False, True)}
    presets = {"keras": {"eps": 1e-7, "decay_in_trust": False}}

    def decays_itself(self):
        return self.decay_in_trust and super().decays_itself()

    def coefficients(self, t, lr):
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "scale": 1 / (1 - self.beta1**t),
            "root": 1 / np.sqrt(1 - self.beta2**t),
            "rate": lr,
        }

    @staticmethod
    def measure(p, g, m, v, b1, c1, b2, c2, eps, scale, root, weight_decay):
        m = b1 * m + c1 * g
        v = b2 * v + c2 * g * g
        u = scale * m / (sqrt(v) * root + eps) + weight_decay * p
        return p * p, u * u

    @staticmethod
    def adapt(p2, u2):
        if p2 > 0 and u2 > 0:
            half = sqrt(sqrt(p2) / sqrt(u2))  # applied twice: the ratio may overflow
        else:
            half = 1.0
        return half

    @staticmethod
    def update(p, g, m, v, b1, c1, b2, c2, eps, scale, root, weight_decay, rate, half):
        m = b1 * m + c1 * g
        v = b2 * v + c2 * g * g
        u = scale * m / (sqrt(v) * root + eps) + weight_decay * p
        p = p - rate * (half * (half * u))
        return p, m, v
