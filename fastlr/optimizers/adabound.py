"""AdaBound: Adam whose rates are pressed between bounds that close, until it is SGD."""

import numpy as np

from .optimizer import Optimizer


class AdaBound(Optimizer):
    r"""AdaBound, with AMSBound as a flag.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
            v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \eta_t &= \mathrm{clip}\Big(\frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
            \frac{\eta}{\sqrt{v_t} + \epsilon},\;
            \eta_\infty \big(1 - \tfrac{1}{\gamma t + 1}\big),\;
            \eta_\infty \big(1 + \tfrac{1}{\gamma t}\big)\Big), \qquad
        \theta_t = \theta_{t-1} - \eta_t m_t

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta` of the beginning, Adam's.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the means of gradients and of their squares, in [0, 1).
    eps : float, default=1e-8
        Added to the root of :math:`v` before its bias is corrected.
    final_lr : float, default=0.1
        :math:`\eta_\infty`, the rate of SGD that the bounds close on. A schedule, and the factor
        of a parameter group, scale it as they scale lr.
    gamma : float, default=1e-3
        How fast the bounds close, per step.
    amsgrad : bool, default=False
        Divide by the largest :math:`v` so far (AMSBound).
    **common
        See `Optimizer`: schedule, schedules, weight_decay, decay, l2, l1, clip_norm, clip_scope,
        clip_value, maximize, nonfinite, average, average_decay, cautious, lookahead,
        lookahead_alpha.

    Notes
    -----
    State: two arrays shaped like the parameter, three with `amsgrad`.

    References
    ----------
    Luo et al. 2019, "Adaptive gradient methods with dynamic bound of learning rate",
    arXiv:1902.09843, with the bias correction of the authors' program.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import AdaBound
    >>> w = np.array([1.0, -2.0])
    >>> updater = AdaBound(lr=0.1, gamma=1e9).bind(w)  # bounds that are closed from the start
    >>> updater.step(np.array([1.0, 10.0]))
    >>> w.round(6).tolist()  # 0.1 times a momentum of 0.1 and 1
    [0.99, -2.1]
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    final_lr: float = 0.1
    gamma: float = 1e-3
    amsgrad: bool = False

    state = ("m", "v", "vmax")
    flags = ("amsgrad",)
    ranges = {
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "eps": "[0, inf)",
        "final_lr": "[0, inf)",
        "gamma": "(0, inf)",
    }
    choices = {"amsgrad": (False, True)}

    def coefficients(self, t, lr):
        final = self.final_lr * (lr / self.lr if self.lr else lr)
        return {
            "c1": 1 - self.beta1,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "step": lr * np.sqrt(1 - self.beta2**t) / (1 - self.beta1**t),
            "low": final * (1 - 1 / (self.gamma * t + 1)),
            "high": final * (1 + 1 / (self.gamma * t)),
        }

    @staticmethod
    def update(p, g, m, v, vmax, c1, c2, eps, step, low, high, amsgrad):
        m = m + c1 * (g - m)
        v = v + c2 * (g * g - v)
        if amsgrad:
            vmax = max(vmax, v)
            scale = vmax
        else:
            scale = v
        p = p - min(max(step / (sqrt(scale) + eps), low), high) * m
        return p, m, v, vmax
