"""RMSprop: gradients divided by their running root mean square."""

import numpy as np

from .optimizer import Optimizer


class RMSprop(Optimizer):
    r"""RMSprop, optionally centered and with momentum.

    .. math::
        v_t &= \rho v_{t-1} + (1 - \rho) g_t^2, \qquad
        a_t = \rho a_{t-1} + (1 - \rho) g_t \\
        b_t &= \mu b_{t-1} + \frac{g_t}{\sqrt{v_t - a_t^2} + \epsilon}, \qquad
        \theta_t = \theta_{t-1} - \eta b_t

    with :math:`a = 0` unless centered and :math:`\mu = 0` unless momentum is set.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta` (torch: 0.01).
    rho : float, default=0.9
        Decay of the mean squared gradient, in [0, 1) (torch: ``alpha=0.99``).
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    momentum : float, default=0.0
        :math:`\mu`, in [0, 1).
    centered : bool, default=False
        Divide by the estimated standard deviation rather than the root mean square.
    eps_in_sqrt : bool, default=False
        Put eps under the root (keras, optax).
    lr_in_momentum : bool, default=False
        Put the rate inside the momentum buffer (TensorFlow).
    initial_scale : float, default=0.0
        Initial value of :math:`v` (TensorFlow: 1).
    preset : {"torch", "keras", "tf", "optax"}, optional
        Library whose defaults and form apply to parameters not given; ``"tf"`` is
        ``tf.compat.v1.train.RMSPropOptimizer``.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: one array shaped like the parameter, one more with `centered`, one more with
    `momentum`.

    References
    ----------
    Tieleman & Hinton 2012, Coursera lecture 6.5; Graves 2013, arXiv:1308.0850 (centered).

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import RMSprop
    >>> w = np.array([1.0, -2.0])
    >>> updater = RMSprop(lr=0.01, rho=0.75).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.98, -1.98]
    """

    lr: float = 1e-3
    rho: float = 0.9
    eps: float = 1e-8
    momentum: float = 0.0
    centered: bool = False
    eps_in_sqrt: bool = False
    lr_in_momentum: bool = False
    initial_scale: float = 0.0

    state = ("v", "a", "buf")
    flags = ("momentum", "centered", "eps_in_sqrt")
    decays = ("rho",)
    ranges = {"rho": "[0, 1)", "eps": "[0, inf)", "momentum": "[0, 1)", "initial_scale": "[0, inf)"}
    choices = {
        "centered": (False, True),
        "eps_in_sqrt": (False, True),
        "lr_in_momentum": (False, True),
    }
    presets = {
        "torch": {"lr": 0.01, "rho": 0.99},
        "keras": {"eps": 1e-7, "eps_in_sqrt": True, "lr_in_momentum": True, "decay": "decoupled"},
        "tf": {"eps": 1e-10, "eps_in_sqrt": True, "lr_in_momentum": True, "initial_scale": 1.0},
        "optax": {"eps_in_sqrt": True, "lr_in_momentum": True},
    }

    def initial_state(self):
        return {"v": self.initial_scale}

    def coefficients(self, t, lr):
        one = np.ones_like(lr)
        return {
            "b": self.rho,
            "c": 1 - self.rho,
            "spread": self.rho * (1 - self.rho),
            "eps": self.eps,
            "eps_root": self.eps,
            "momentum": self.momentum,
            "inner": lr if self.lr_in_momentum else one,
            "outer": one if self.lr_in_momentum else lr,
        }

    @staticmethod
    def update(
        p, g, v, a, buf, b, c, spread, eps, eps_root, momentum, inner, outer, centered, eps_in_sqrt
    ):
        if centered:
            # From the mean before this step: v is the mean square less the squared mean.
            off = g - a
            v = b * v + spread * off * off
            a = b * a + c * g
        else:
            v = b * v + c * g * g
        if eps_in_sqrt:
            scaled = g / sqrt(v + eps_root)
        else:
            scaled = g / (sqrt(v) + eps)
        if momentum:
            buf = momentum * buf + inner * scaled
            p = p - outer * buf
        else:
            p = p - outer * (inner * scaled)
        return p, v, a, buf
