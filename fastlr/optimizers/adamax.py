"""Adamax: Adam with the largest gradient instead of the mean square."""

from .optimizer import Optimizer


class Adamax(Optimizer):
    r"""Adamax.

    .. math::
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        u_t = \max(\beta_2 u_{t-1}, |g_t| + \epsilon), \qquad
        \theta_t = \theta_{t-1} - \frac{\eta}{1 - \beta_1^t} \, \frac{m_t}{u_t}

    Parameters
    ----------
    lr : float, default=2e-3
        Learning rate :math:`\eta`: roughly the largest change of a parameter in one step.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the largest gradient, in [0, 1).
    eps : float, default=1e-8
        Keeps the denominator above zero, in units of gradient.
    eps_in_max : bool, default=True
        Add eps to the gradient inside the maximum (torch) instead of to :math:`u` (keras).
    preset : {"torch", "keras", "optax"}, optional
        Library whose defaults and form apply to parameters not given.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter.

    References
    ----------
    Kingma & Ba 2015, arXiv:1412.6980, algorithm 2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Adamax
    >>> w = np.array([1.0, -2.0])
    >>> updater = Adamax(lr=0.1).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.9, -1.9]
    """

    lr: float = 2e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    eps_in_max: bool = True

    squares = False
    state = ("m", "u")
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)"}
    choices = {"eps_in_max": (False, True)}
    presets = {
        "torch": {},
        "keras": {"lr": 1e-3, "eps": 1e-7, "eps_in_max": False, "decay": "decoupled"},
        "optax": {},
    }

    def coefficients(self, t, lr):
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "inner": self.eps if self.eps_in_max else 0.0,
            "eps": 0.0 if self.eps_in_max else self.eps,
            "step": lr / (1 - self.beta1**t),
        }

    @staticmethod
    def update(p, g, m, u, b1, c1, b2, inner, eps, step):
        m = b1 * m + c1 * g
        u = max(b2 * u, abs(g) + inner)
        p = p - step * m / (u + eps)
        return p, m, u
