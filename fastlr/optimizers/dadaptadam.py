"""D-Adaptation for Adam: the learning rate is estimated during training."""

import math

import numpy as np

from .optimizer import Optimizer


class DAdaptAdam(Optimizer):
    r"""Adam whose rate grows to an estimate of the distance to the solution (D-Adaptation).

    .. math::
        a_t &= \langle g_t, s_{t-1} / (\sqrt{v_{t-1}} + \epsilon) \rangle, \qquad
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) \eta_t d_{t-1} g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        r_t &= b\, r_{t-1} + (1 - b) \eta_t d_{t-1} a_t, \qquad
        s_t = b\, s_{t-1} + (1 - b) \eta_t d_{t-1} g_t, \qquad b = \sqrt{\beta_2} \\
        d_t &= \max\left(d_{t-1}, \frac{r_t}{(1 - b) \|s_t\|_1}\right), \qquad
        \theta_t = (1 - \lambda \eta_t d_{t-1})\, \theta_{t-1} - \frac{m_t}{\sqrt{v_t} + \epsilon}

    The product and the 1-norm are over all parameters together.

    Parameters
    ----------
    lr : float, default=1.0
        Factor :math:`\eta` on the estimated rate, as is a schedule; the authors keep it at 1.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    d0 : float, default=1e-6
        First estimate of the distance, above 0.
    growth_rate : float, default=inf
        Largest growth of the estimate in one step.
    bias_correction : bool, default=False
        Multiply the rate by Adam's correction :math:`\sqrt{1 - \beta_2^t} / (1 - \beta_1^t)`.
    weight_decay : float, default=0.0
        :math:`\lambda`.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        The authors' kind is ``"decoupled"``, at the estimated rate :math:`\eta_t d_{t-1}`; their
        code has ``"l2"`` by default.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: three arrays shaped like the parameter, and two numbers. A step reads parameter,
    gradient and two of the arrays twice.

    References
    ----------
    Defazio & Mishchenko 2023, "Learning-rate-free learning by D-Adaptation", arXiv:2301.07733,
    algorithm 5, as in the authors' code.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import DAdaptAdam
    >>> w = np.array([3.0, -4.0])
    >>> updater = DAdaptAdam().bind(w)
    >>> for _ in range(400):
    ...     updater.step(w.copy())  # the gradient of ||w||^2 / 2 is w
    >>> bool(np.abs(w).max() < 0.3)
    True
    """

    lr: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    d0: float = 1e-6
    growth_rate: float = math.inf
    bias_correction: bool = False
    decay: str = "decoupled"

    batch_rule = "none"
    state = ("m", "v", "s")
    sums = ("dot", "size")
    scope = "all"
    scalars = ("d", "r")
    derived = ("before",)
    own_decay = "decoupled"
    decays = ("beta1", "beta2")
    ranges = {
        "beta1": "[0, 1)",
        "beta2": "(0, 1)",
        "eps": "(0, inf)",
        "d0": "(0, inf)",
        "growth_rate": "[1, inf]",
    }
    choices = {"bias_correction": (False, True)}

    def initial_scalars(self):
        return {"d": self.d0}

    def coefficients(self, t, lr):
        correction = np.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "c3": 1 - np.sqrt(self.beta2),
            "eps": self.eps,
            "rate": lr * correction if self.bias_correction else lr,
            "growth": self.growth_rate,
        }

    @staticmethod
    def measure(p, g, m, v, s, c3, eps, rate, d):
        scaled = s / (sqrt(v) + eps)
        s = s - c3 * s + c3 * (d * rate * g)
        return rate * g * scaled, abs(s)

    @staticmethod
    def adapt(dot, size, d, r, c3, growth):
        before = d
        r = r - c3 * r + c3 * (d * dot)
        if size > 0:
            d = max(d, min(r / (c3 * size), d * growth))
        return before, d, r

    @staticmethod
    def update(p, g, m, v, s, b1, c1, b2, c2, c3, eps, rate, weight_decay, before):
        step = before * rate
        m = b1 * m + c1 * (step * g)
        v = b2 * v + c2 * g * g
        s = s - c3 * s + c3 * (step * g)
        p = p - step * weight_decay * p
        p = p - m / (sqrt(v) + eps)
        return p, m, v, s
