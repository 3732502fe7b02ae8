"""AdEMAMix: Adam with a second, much slower momentum."""

import numpy as np

from .optimizer import Optimizer


class AdEMAMix(Optimizer):
    r"""AdEMAMix.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
            s_t = \beta_3(t)\, s_{t-1} + (1 - \beta_3(t))\, g_t \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad
        \theta_t = \theta_{t-1} - \eta \,
            \frac{m_t / (1 - \beta_1^t) + \alpha(t)\, s_t}
                 {\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    beta3 : float, default=0.9999
        Decay of the slow mean, in (0, 1); its bias is not corrected.
    alpha : float, default=5.0
        Weight of the slow mean (optax: 6).
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    alpha_warmup, beta3_warmup : int or None, default=None
        Steps over which alpha grows linearly from 0, and the half-life of the slow mean from the
        half-life of beta1. None means no warm-up; the paper uses the length of the run for both.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        Kind of weight decay; the paper's is decoupled.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: three arrays shaped like the parameter.

    References
    ----------
    Pagliardini, Ablin & Grangier 2024, "The AdEMAMix optimizer: better, faster, older",
    arXiv:2409.03137.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import AdEMAMix
    >>> w = np.array([1.0, -2.0])
    >>> updater = AdEMAMix(lr=0.1, beta3=0.99).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.895, -1.895]
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    beta3: float = 0.9999
    alpha: float = 5.0
    eps: float = 1e-8
    alpha_warmup: int | None = None
    beta3_warmup: int | None = None
    decay: str = "decoupled"

    state = ("m", "slow", "v")
    decays = ("beta1", "beta2")
    ranges = {
        "beta1": "[0, 1)",
        "beta2": "[0, 1)",
        "beta3": "(0, 1)",
        "alpha": "[0, inf)",
        "eps": "[0, inf)",
        "alpha_warmup": "[1, inf)",
        "beta3_warmup": "[1, inf)",
    }

    def coefficients(self, t, lr):
        rise = 1.0 if self.alpha_warmup is None else np.minimum(t / self.alpha_warmup, 1.0)
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "c3": self._slow_share(t),
            "eps": self.eps,
            "step": lr / (1 - self.beta1**t),
            "slow_step": lr * self.alpha * rise,
            "root": 1 / np.sqrt(1 - self.beta2**t),
        }

    def _slow_share(self, t):
        """Return 1 - beta3(t), with half-lives (as 1 / log(beta)) interpolated linearly."""
        if self.beta3_warmup is None:
            return 1 - self.beta3
        done = np.minimum(t / self.beta3_warmup, 1.0)
        with np.errstate(divide="ignore"):  # a beta of 0 has a half-life of 0
            rate = (1 - done) / np.log(self.beta1) + done / np.log(self.beta3)
            grown = -np.expm1(1 / rate)
        return np.maximum(grown, 1 - self.beta3)

    @staticmethod
    def update(p, g, m, slow, v, b1, c1, b2, c2, c3, eps, step, slow_step, root):
        m = b1 * m + c1 * g
        slow = slow - c3 * slow + c3 * g  # exact for small c3, which changes with t
        v = b2 * v + c2 * g * g
        p = p - (step * m + slow_step * slow) / (sqrt(v) * root + eps)
        return p, m, slow, v
