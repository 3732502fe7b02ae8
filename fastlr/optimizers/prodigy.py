"""Prodigy: Adam with a learning rate estimated during training."""

import math

import numpy as np

from .optimizer import Optimizer


class Prodigy(Optimizer):
    r"""Adam whose rate follows an estimate of the distance to the solution.

    .. math::
        \rho_t &= \eta_t d_{t-1} / d_0, \qquad
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) d_{t-1} g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) d_{t-1}^2 g_t^2 \\
        r_t &= \beta_3 r_{t-1} + \rho_t d_{t-1} \langle g_t, \theta_0 - \theta_{t-1} \rangle, \qquad
        s_t = \beta_3 s_{t-1} + \rho_t d_{t-1} g_t \\
        \hat d_t &= c\, r_t / \|s_t\|_1, \qquad
        d_t = \max(d_{t-1}, \hat d_t) \\
        \theta_t &= \theta_{t-1} - \eta_t d_{t-1} \left(
            \frac{m_t}{\sqrt{v_t} + d_t \epsilon} + \lambda \theta_{t-1} \right)

    The product and the 1-norm are over all parameters together.

    Parameters
    ----------
    lr : float, default=1.0
        Factor :math:`\eta` on the estimated rate, as is a schedule; the authors keep it at 1.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    beta3 : float, optional
        Decay of the sums behind the estimate, in [0, 1); by default the root of `beta2`.
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    d0 : float, default=1e-6
        First estimate of the distance, above 0.
    d_coef : float, default=1.0
        :math:`c`: factor on the estimate, which the authors prefer to changing `lr`.
    growth_rate : float, default=inf
        Largest growth of the estimate in one step, after its first rise.
    bias_correction : bool, default=False
        Multiply the rate by Adam's correction :math:`\sqrt{1 - \beta_2^t} / (1 - \beta_1^t)`.
    safeguard_warmup : bool, default=False
        Omit :math:`\eta_t` from :math:`s`, so that a warm-up does not raise the estimate.
    weight_decay : float, default=0.0
        :math:`\lambda`.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        The authors' kind is ``"decoupled"``, at the estimated rate :math:`\eta_t d_{t-1}`.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    In float32 gradients times `d0` should be above 1e-30: the state has such numbers, and their
    squares.

    State: four arrays shaped like the parameter, and four numbers. A step reads parameter,
    gradient and two of the arrays twice.

    References
    ----------
    Mishchenko & Defazio 2024, "Prodigy: an expeditiously adaptive parameter-free learner",
    arXiv:2306.06101, as in the authors' code.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Prodigy
    >>> w = np.array([3.0, -4.0])
    >>> updater = Prodigy().bind(w)
    >>> for _ in range(200):
    ...     updater.step(w.copy())  # the gradient of ||w||^2 / 2 is w
    >>> bool(np.abs(w).max() < 0.3)
    True
    """

    lr: float = 1.0
    beta1: float = 0.9
    beta2: float = 0.999
    beta3: float | None = None
    eps: float = 1e-8
    d0: float = 1e-6
    d_coef: float = 1.0
    growth_rate: float = math.inf
    bias_correction: bool = False
    safeguard_warmup: bool = False
    decay: str = "decoupled"

    batch_rule = "none"
    state = ("m", "v", "s", "start")
    flags = ("safeguard_warmup",)
    sums = ("dot", "size")
    scope = "all"
    # `first` keeps the initial estimate, with which `d` is compared.
    scalars = ("d", "first", "highest", "r")
    derived = ("before",)
    own_decay = "decoupled"
    decays = ("beta1", "beta2")
    ranges = {
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "beta3": "[0, 1)",
        "eps": "[0, inf)",
        "d0": "(0, inf)",
        "d_coef": "(0, inf)",
        "growth_rate": "[1, inf]",
    }
    choices = {"bias_correction": (False, True), "safeguard_warmup": (False, True)}

    def initial_state(self):
        return {"start": "p"}

    def initial_scalars(self):
        return {"d": self.d0, "first": self.d0, "highest": self.d0}

    def coefficients(self, t, lr):
        beta3 = np.sqrt(self.beta2) if self.beta3 is None else self.beta3
        correction = np.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "b3": beta3,
            "eps": self.eps,
            "rate": lr * correction if self.bias_correction else lr,
            "coef": self.d_coef,
            "growth": self.growth_rate,
        }

    @staticmethod
    def measure(p, g, m, v, s, start, b3, rate, d, first, safeguard_warmup):
        if safeguard_warmup:
            weight = d / first * d
        else:
            weight = d / first * (d * rate)
        s = b3 * s + weight * g
        return rate * g * (start - p), abs(s)

    @staticmethod
    def adapt(dot, size, d, first, highest, r, b3, coef, growth):
        before = d
        r = b3 * r + d / first * d * dot
        if size > 0:
            found = coef * r / size
            if d == first:
                d = max(d, found)
            highest = max(highest, found)
            d = min(highest, d * growth)
        return before, d, first, highest, r

    @staticmethod
    def update(
        p,
        g,
        m,
        v,
        s,
        start,
        b1,
        c1,
        b2,
        c2,
        b3,
        eps,
        rate,
        weight_decay,
        before,
        d,
        first,
        safeguard_warmup,
    ):
        if safeguard_warmup:
            weight = before / first * before
        else:
            weight = before / first * (before * rate)
        s = b3 * s + weight * g
        scaled = before * g
        m = b1 * m + c1 * scaled
        v = b2 * v + c2 * scaled * scaled
        step = before * rate
        # The decay comes first, as in AdamW.
        p = p - step * weight_decay * p
        p = p - step * m / (sqrt(v) + d * eps)
        return p, m, v, s, start
