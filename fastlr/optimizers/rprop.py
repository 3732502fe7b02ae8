"""Rprop: step sizes that depend only on the signs of gradients."""

import numpy as np

from .optimizer import Optimizer


class Rprop(Optimizer):
    r"""Resilient backpropagation, for gradients over the whole data set.

    .. math::
        \Delta_t &= \mathrm{clip}\big(\Delta_{t-1} \cdot \{\eta^+, 1, \eta^-\},\,
            \Delta_{\min},\, \Delta_{\max}\big) \quad\text{as } g_t g_{t-1} >, =, < 0 \\
        \theta_t &= \theta_{t-1} - \Delta_t \, \mathrm{sign}(g_t)

    After a change of sign, :math:`g_t` counts as zero in this step and in the next comparison.

    Parameters
    ----------
    lr : float, default=0.01
        Initial step size :math:`\Delta_0`, in units of the parameter. A schedule or the factor of a
        parameter group scales the steps but not the stored sizes.
    eta_minus, eta_plus : float, default=0.5, 1.2
        Factors on a step size after a change of sign, in (0, 1], and otherwise, at least 1.
    min_step, max_step : float, default=1e-6, 50.0
        Bounds of step sizes.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter, the step sizes and the signs of the last gradient.
    Unlike gradients, signs never underflow in a product.

    References
    ----------
    Riedmiller & Braun 1993, "A direct adaptive method for faster backpropagation learning: the
    RPROP algorithm"; without backtracking, as in Igel & Huesken 2000 (iRprop-).

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Rprop
    >>> w = np.array([1.0, -2.0])
    >>> updater = Rprop(lr=0.5).bind(w)
    >>> updater.step(np.array([3.0, -1.0]))
    >>> updater.step(np.array([1.0, 1.0]))  # the second sign changed: no step
    >>> w.round(6).tolist()
    [-0.1, -1.5]
    """

    lr: float = 0.01
    eta_minus: float = 0.5
    eta_plus: float = 1.2
    min_step: float = 1e-6
    max_step: float = 50.0

    squares = False
    state = ("size", "last")
    ranges = {
        "eta_minus": "(0, 1]",
        "eta_plus": "[1, inf)",
        "min_step": "[0, inf)",
        "max_step": "(0, inf)",
    }

    def validate(self):
        if self.min_step > self.max_step:
            raise ValueError(
                f"Rprop: min_step must not exceed max_step={self.max_step}, got {self.min_step}"
            )

    def initial_state(self):
        return {"size": self.lr}

    def coefficients(self, t, lr):
        return {
            "zero": 0.0,
            "one": 1.0,
            "down": self.eta_minus,
            "up": self.eta_plus,
            "least": self.min_step,
            "most": self.max_step,
            "scale": lr / self.first_lr if self.first_lr else np.zeros_like(lr),
        }

    @staticmethod
    def update(p, g, size, last, zero, one, down, up, least, most, scale):
        now = sign(g)
        turn = now * last
        factor = up if turn > zero else (down if turn < zero else one)
        size = min(max(size * factor, least), most)
        last = zero if turn < zero else now
        p = p - scale * size * last
        return p, size, last
