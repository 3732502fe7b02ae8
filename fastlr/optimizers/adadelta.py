"""Adadelta: gradients scaled by the ratio of past steps to past gradients."""

from .optimizer import Optimizer


class Adadelta(Optimizer):
    r"""Adadelta.

    .. math::
        v_t &= \rho v_{t-1} + (1 - \rho) g_t^2, \qquad
            \Delta_t = \frac{\sqrt{d_{t-1} + \epsilon}}{\sqrt{v_t + \epsilon}} \, g_t \\
        d_t &= \rho d_{t-1} + (1 - \rho) \Delta_t^2, \qquad
            \theta_t = \theta_{t-1} - \eta \Delta_t

    Parameters
    ----------
    lr : float, default=1.0
        Factor :math:`\eta` on the step, which is in units of the parameter (keras: 0.001).
    rho : float, default=0.9
        Decay of both means, in [0, 1) (keras: 0.95).
    eps : float, default=1e-6
        Added under both roots; it sets the size of the first steps (keras: 1e-7).
    preset : {"torch", "keras", "tf", "optax"}, optional
        Library whose defaults and form apply to parameters not given; ``"tf"`` is
        ``tf.compat.v1.train.AdadeltaOptimizer``.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter.

    References
    ----------
    Zeiler 2012, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Adadelta
    >>> w = np.array([1.0, -2.0])
    >>> updater = Adadelta(rho=0.75, eps=0.01).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(4).tolist()
    [0.8039, -1.801]
    """

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6

    state = ("v", "d")
    decays = ("rho",)
    ranges = {"rho": "[0, 1)", "eps": "(0, inf)"}
    presets = {
        "torch": {},
        "keras": {"lr": 1e-3, "rho": 0.95, "eps": 1e-7, "decay": "decoupled"},
        "tf": {"lr": 1e-3, "rho": 0.95, "eps": 1e-8},
        "optax": {},
    }

    def coefficients(self, t, lr):
        return {"b": self.rho, "c": 1 - self.rho, "eps_root": self.eps, "lr": lr}

    @staticmethod
    def update(p, g, v, d, b, c, eps_root, lr):
        v = b * v + c * g * g
        move = sqrt(d + eps_root) / sqrt(v + eps_root) * g  # the ratio of squares may underflow
        d = b * d + c * move * move
        p = p - lr * move
        return p, v, d
