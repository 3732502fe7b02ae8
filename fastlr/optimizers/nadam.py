"""NAdam: Adam with Nesterov momentum."""

import numpy as np

from .optimizer import Optimizer

_TERMS = np.arange(1.0, 56.0)[:, None]  # of the product's series; 2 ** -55 is below rounding


class NAdam(Optimizer):
    r"""NAdam; with ``decay="decoupled"`` it is NAdamW.

    .. math::
        \mu_t &= \beta_1 \big(1 - \tfrac12\, 0.96^{\psi t}\big), \qquad
            \Pi_t = \textstyle\prod_{i \le t} \mu_i \\
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
            v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \theta_t &= \theta_{t-1} - \eta \, \frac{
            \mu_{t+1} m_t / (1 - \Pi_{t+1}) + (1 - \mu_t) g_t / (1 - \Pi_t)}
            {\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    lr : float, default=2e-3
        Learning rate :math:`\eta`.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    momentum_decay : float, default=4e-3
        :math:`\psi`, per step: how fast :math:`\mu` approaches beta1 (keras: 1).
    preset : {"torch", "keras"}, optional
        Library whose defaults and form apply to parameters not given.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter. If beta1 or :math:`\psi` is scheduled, :math:`\Pi`
    uses its current value for all earlier steps, as Adam's bias correction does.

    References
    ----------
    Dozat 2016, "Incorporating Nesterov momentum into Adam", ICLR workshop.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import NAdam
    >>> w = np.array([1.0, -2.0])
    >>> updater = NAdam(lr=0.1).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.894355, -1.894355]
    """

    lr: float = 2e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    momentum_decay: float = 4e-3

    state = ("m", "v")
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)", "momentum_decay": "[0, inf)"}
    presets = {
        "torch": {},
        "keras": {"lr": 1e-3, "eps": 1e-7, "momentum_decay": 1.0, "decay": "decoupled"},
    }

    def coefficients(self, t, lr):
        rate = self.momentum_decay * np.log(0.96)
        mu = self.beta1 * (1 - 0.5 * np.exp(rate * t))
        ahead = self.beta1 * (1 - 0.5 * np.exp(rate * (t + 1)))
        product = _product(self.beta1**t, t, rate)
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "root": 1 / np.sqrt(1 - self.beta2**t),
            "now": lr * (1 - mu) / (1 - product),
            "past": lr * ahead / (1 - product * ahead),
        }

    @staticmethod
    def update(p, g, m, v, b1, c1, b2, c2, eps, root, now, past):
        m = b1 * m + c1 * g
        v = b2 * v + c2 * g * g
        p = p - (now * g + past * m) / (sqrt(v) * root + eps)
        return p, m, v


def _product(power, t, rate):
    """Return the product of mu_1 ... mu_t in closed form.

    The logarithm of 1 - a**i / 2 is a power series, and the sum over i of each term is geometric.
    Where beta1**t is negligible the product is taken as 0, so late steps cost nothing.
    """
    power, t, rate = np.broadcast_arrays(np.asarray(power, dtype=float), t, rate)
    near = power > 1e-18
    t, rate = t[near], _TERMS * rate[near]
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing decays
        sums = np.where(rate == 0, t, np.exp(rate) * np.expm1(rate * t) / np.expm1(rate))
    product = np.zeros(power.shape)
    product[near] = power[near] * np.exp(-np.sum(0.5**_TERMS / _TERMS * sums, axis=0))
    return product
