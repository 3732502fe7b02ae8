"""AdaBound: Adam whose rates are clipped by narrowing bounds, until it is SGD."""

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
        Learning rate :math:`\eta` of Adam, at the start.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    eps : float, default=1e-8
        Added to the root of :math:`v` before its bias is corrected.
    final_lr : float, default=0.1
        :math:`\eta_\infty`, the rate of SGD to which the bounds converge. A schedule or the factor
        of a parameter group scales it like lr.
    gamma : float, default=1e-3
        Speed at which the bounds converge, per step.
    amsgrad : bool, default=False
        Divide by the largest :math:`v` so far (AMSBound).
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter, three with `amsgrad`.

    References
    ----------
    Luo et al. 2019, "Adaptive gradient methods with dynamic bound of learning rate",
    arXiv:1902.09843, with the bias correction from the authors' code.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import AdaBound
    >>> w = np.array([1.0, -2.0])
    >>> updater = AdaBound(lr=0.1, gamma=1e9).bind(w)  # bounds that have converged from the start
    >>> updater.step(np.array([1.0, 10.0]))
    >>> w.round(6).tolist()  # 0.1 times the momenta 0.1 and 1
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
    decays = ("beta1", "beta2")
    ranges = {
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "eps": "[0, inf)",
        "final_lr": "[0, inf)",
        "gamma": "(0, inf)",
    }
    choices = {"amsgrad": (False, True)}

    def coefficients(self, t, lr):
        final = self.final_lr * (lr / self.first_lr if self.first_lr else lr)
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "step": lr * np.sqrt(1 - self.beta2**t) / (1 - self.beta1**t),
            "low": final * (self.gamma * t / (self.gamma * t + 1)),
            "high": final * (1 + 1 / (self.gamma * t)),
        }

    @staticmethod
    def update(p, g, m, v, vmax, b1, c1, b2, c2, eps, step, low, high, amsgrad):
        m = b1 * m + c1 * g
        v = b2 * v + c2 * g * g
        if amsgrad:
            vmax = max(vmax, v)
            scale = vmax
        else:
            scale = v
        p = p - min(max(step / (sqrt(scale) + eps), low), high) * m
        return p, m, v, vmax
