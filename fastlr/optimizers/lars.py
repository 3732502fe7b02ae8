"""LARS: momentum whose steps are proportional to the norm of each array."""

from .optimizer import Optimizer


class LARS(Optimizer):
    r"""Layer-wise adaptive rate scaling: momentum with a separate rate for each array.

    .. math::
        \gamma_t &= \kappa \frac{\|\theta_{t-1}\|}
            {\|g_t\| + \lambda \|\theta_{t-1}\| + \epsilon} \\
        b_t &= \mu b_{t-1} + \eta \gamma_t (g_t + \lambda \theta_{t-1}), \qquad
        \theta_t = \theta_{t-1} - b_t
            \quad\text{or, Nesterov,}\quad
            \theta_{t-1} - \eta \gamma_t (g_t + \lambda \theta_{t-1}) - \mu b_t

    The norms are of one array. Where one of them is zero, :math:`\gamma_t = 1`.

    Parameters
    ----------
    lr : float, default=1.0
        Learning rate :math:`\eta`.
    momentum : float, default=0.9
        :math:`\mu`, in [0, 1).
    trust_coefficient : float, default=0.001
        :math:`\kappa`: length of an array's step relative to its norm, at rate 1.
    eps : float, default=0.0
        Added to the denominator, in units of gradient.
    nesterov : bool, default=False
        Look ahead along the momentum; needs ``momentum > 0``.
    decayed_norm : bool, default=False
        Divide by :math:`\|g_t + \lambda \theta_{t-1}\| + \epsilon`, as optax does, instead of the
        paper's upper bound.
    weight_decay : float, default=0.0
        :math:`\lambda`.
    decay : {"l2", "decoupled", "independent"}, default="l2"
        The paper's kind is ``"l2"``; the others act outside of the norms and the momentum.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: one array shaped like the parameter with momentum, none without. A step reads
    parameter and gradient twice.

    References
    ----------
    You, Gitman & Ginsburg 2017, "Large batch training of convolutional networks",
    arXiv:1708.03888.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import LARS
    >>> w = np.array([3.0, -4.0])
    >>> updater = LARS(lr=1.0, trust_coefficient=0.1).bind(w)
    >>> updater.step(np.array([0.0, 20.0]))  # any size: a tenth of the norm of w
    >>> w.round(6).tolist()
    [3.0, -4.5]
    """

    lr: float = 1.0
    momentum: float = 0.9
    trust_coefficient: float = 0.001
    eps: float = 0.0
    nesterov: bool = False
    decayed_norm: bool = False

    state = ("buf",)
    flags = ("momentum", "nesterov", "decayed_norm")
    sums = ("p2", "g2", "r2")
    derived = ("trust", "unit")
    own_decay = "l2"
    ranges = {"momentum": "[0, 1)", "trust_coefficient": "(0, inf)", "eps": "[0, inf)"}
    choices = {"nesterov": (False, True), "decayed_norm": (False, True)}

    def validate(self):
        if self.nesterov and self.momentum == 0:
            raise ValueError("LARS: nesterov needs momentum > 0")

    def coefficients(self, t, lr):
        return {
            "momentum": self.momentum,
            "trust_coefficient": self.trust_coefficient,
            "offset": self.eps,
            "rate": lr,
        }

    @staticmethod
    def measure(p, g, buf, weight_decay):
        r = g + weight_decay * p
        return p * p, g * g, r * r

    @staticmethod
    def adapt(p2, g2, r2, trust_coefficient, weight_decay, offset, decayed_norm):
        size = sqrt(p2)
        if decayed_norm:
            moves = sqrt(r2)
            below = moves + offset
        else:
            moves = sqrt(g2)
            below = moves + weight_decay * size + offset
        if size > 0 and moves > 0:
            # Twice the root: the reciprocal of a tiny norm is no number of single precision.
            trust = trust_coefficient * size
            unit = 1 / sqrt(below)
        else:
            trust = 1.0
            unit = 1.0
        return trust, unit

    @staticmethod
    def update(p, g, buf, trust, unit, rate, weight_decay, momentum, nesterov):
        move = rate * trust * ((g + weight_decay * p) * unit * unit)
        if momentum:
            buf = momentum * buf + move
            if nesterov:
                p = p - (move + momentum * buf)
            else:
                p = p - buf
        else:
            p = p - move
        return p, buf
