"""RAdam: Adam that scales only once its estimate of the scale is reliable."""

import numpy as np

from .optimizer import Optimizer


class RAdam(Optimizer):
    r"""Rectified Adam.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
            v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \rho_\infty &= \frac{2}{1 - \beta_2} - 1, \qquad
            \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t}, \qquad
            r_t = \sqrt{\frac{(\rho_t - 4)(\rho_t - 2)\,\rho_\infty}
                             {(\rho_\infty - 4)(\rho_\infty - 2)\,\rho_t}} \\
        \theta_t &= \theta_{t-1} - \eta \, \frac{m_t}{1 - \beta_1^t} \cdot \begin{cases}
            r_t \sqrt{1 - \beta_2^t} / (\sqrt{v_t} + \epsilon) & \rho_t > \text{threshold} \\
            1 & \text{otherwise} \end{cases}

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    eps : float, default=1e-8
        Added to the root of :math:`v` before its bias is corrected, as torch does.
    threshold : float, default=5.0
        Length :math:`\rho_t` of the mean above which steps are scaled, at least 4.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter. The first steps (five with the defaults) are plain
    momentum and scale with the gradient.

    References
    ----------
    Liu et al. 2020, "On the variance of the adaptive learning rate and beyond",
    arXiv:1908.03265.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import RAdam
    >>> w = np.array([1.0, -2.0])
    >>> updater = RAdam(lr=0.1).bind(w)
    >>> updater.step(w.copy())  # not yet scaled: lr times the gradient
    >>> w.round(6).tolist()
    [0.9, -1.8]
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    threshold: float = 5.0

    state = ("m", "v")
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)", "threshold": "[4, inf)"}

    def coefficients(self, t, lr):
        power = self.beta2**t
        with np.errstate(divide="ignore"):  # a beta2 of 0
            rest = -np.expm1(t * np.log(self.beta2))  # 1 - power
        limit = 2 / (1 - self.beta2) - 1
        length = limit - 2 * t * power / rest
        scaled = length > self.threshold
        # Below the threshold the result is unused; 5 avoids invalid roots there.
        a, b = np.where(scaled, length, 5.0), np.where(scaled, limit, 5.0)
        rectified = np.sqrt((a - 4) * (a - 2) * b / ((b - 4) * (b - 2) * a) * rest)
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "step": lr / (1 - self.beta1**t) * np.where(scaled, rectified, 1.0),
            # The denominator is sqrt(v) + eps, or 1 while v is unreliable.
            "root": np.where(scaled, 1.0, 0.0),
            "eps": np.where(scaled, self.eps, 1.0),
        }

    @staticmethod
    def update(p, g, m, v, b1, c1, b2, c2, step, root, eps):
        m = b1 * m + c1 * g
        v = b2 * v + c2 * g * g
        p = p - step * m / (root * sqrt(v) + eps)
        return p, m, v
