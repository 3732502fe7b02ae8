"""MADGRAD: dual averaging with momentum, scaled by a cube root."""

import numpy as np

from .optimizer import Optimizer

_TINY = float(np.finfo(np.float32).tiny)


class MADGRAD(Optimizer):
    r"""MADGRAD.

    .. math::
        \lambda_t &= \eta \sqrt{t}, \qquad
            s_t = s_{t-1} + \lambda_t g_t, \qquad
            v_t = v_{t-1} + \lambda_t g_t^2 \\
        z_t &= \theta_0 - \frac{s_t}{\sqrt[3]{v_t} + \epsilon}, \qquad
            \theta_t = \mu\, \theta_{t-1} + (1 - \mu)\, z_t

    Parameters
    ----------
    lr : float, default=0.01
        Learning rate :math:`\eta`. Unlike in the authors' code, eps is not added to it.
    momentum : float, default=0.9
        :math:`\mu`, in [0, 1). At 0 the initial value is computed, not stored.
    eps : float, default=1e-6
        Added to the denominator.
    **common
        All keywords of `Optimizer`. Use less weight decay than with SGD, or none.

    Notes
    -----
    State: three arrays shaped like the parameter, two without momentum. :math:`v` counts as at
    least 1e-38 under the root.

    References
    ----------
    Defazio & Jelassi 2021, "Adaptivity without compromise: a momentumized, adaptive, dual
    averaged gradient method for stochastic optimization", arXiv:2101.11075.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import MADGRAD
    >>> w = np.array([1.0, -2.0])
    >>> updater = MADGRAD(lr=0.125, momentum=0.5, eps=0.0).bind(w)
    >>> updater.step(np.array([1.0, -8.0]))
    >>> w.round(6).tolist()
    [0.875, -1.75]
    """

    lr: float = 0.01
    momentum: float = 0.9
    eps: float = 1e-6

    state = ("s", "v", "start")
    rebuilds = True
    flags = ("momentum",)
    decays = ("momentum",)
    ranges = {"momentum": "[0, 1)", "eps": "[0, inf)"}

    def initial_state(self):
        return {"start": "p"}

    def coefficients(self, t, lr):
        return {
            "weight": lr * np.sqrt(t),
            "tiny": _TINY,
            "offset": self.eps,
            "b": self.momentum,
            "c": 1 - self.momentum,
        }

    @staticmethod
    def update(p, g, s, v, start, weight, tiny, offset, b, c, momentum):
        if momentum:
            origin = start
        else:
            origin = p + s / (cbrt(max(v, tiny)) + offset)
        s = s + weight * g
        v = v + weight * (g * g)
        z = origin - s / (cbrt(max(v, tiny)) + offset)
        if momentum:
            p = b * p + c * z
        else:
            p = z
        return p, s, v, start
