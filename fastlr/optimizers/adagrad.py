"""Adagrad: gradients divided by the root of their summed squares."""

from .optimizer import Optimizer


class Adagrad(Optimizer):
    r"""Adagrad.

    .. math::
        s_t = s_{t-1} + g_t^2, \qquad
        \theta_t = \theta_{t-1} - \frac{\eta}{1 + (t - 1)\,\delta} \,
            \frac{g_t}{\sqrt{s_t} + \epsilon}

    Parameters
    ----------
    lr : float, default=0.01
        Learning rate :math:`\eta`.
    lr_decay : float, default=0.0
        :math:`\delta`, per step.
    eps : float, default=1e-10
        Added to the denominator, in units of gradient.
    initial_accumulator : float, default=0.0
        Initial value of :math:`s` (keras, optax: 0.1).
    eps_in_sqrt : bool, default=False
        Put eps under the root (keras, optax).
    preset : {"torch", "keras", "tf", "optax"}, optional
        Library whose defaults and form apply to parameters not given; ``"tf"`` is
        ``tf.compat.v1.train.AdagradOptimizer``.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: one array shaped like the parameter.

    References
    ----------
    Duchi, Hazan & Singer 2011, JMLR 12:2121-2159.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Adagrad
    >>> w = np.array([1.0, -2.0])
    >>> updater = Adagrad(lr=0.1).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.9, -1.9]
    """

    lr: float = 0.01
    lr_decay: float = 0.0
    eps: float = 1e-10
    initial_accumulator: float = 0.0
    eps_in_sqrt: bool = False

    state = ("s",)
    flags = ("eps_in_sqrt",)
    ranges = {"lr_decay": "[0, inf)", "eps": "[0, inf)", "initial_accumulator": "[0, inf)"}
    choices = {"eps_in_sqrt": (False, True)}
    presets = {
        "torch": {},
        "keras": {
            "lr": 1e-3,
            "eps": 1e-7,
            "initial_accumulator": 0.1,
            "eps_in_sqrt": True,
            "decay": "decoupled",
        },
        "tf": {"eps": 0.0, "initial_accumulator": 0.1},
        "optax": {"eps": 1e-7, "initial_accumulator": 0.1, "eps_in_sqrt": True},
    }

    def initial_state(self):
        return {"s": self.initial_accumulator}

    def coefficients(self, t, lr):
        return {"rate": lr / (1 + (t - 1) * self.lr_decay), "eps": self.eps, "eps_root": self.eps}

    @staticmethod
    def update(p, g, s, rate, eps, eps_root, eps_in_sqrt):
        s = s + g * g
        if eps_in_sqrt:
            p = p - rate * g / sqrt(s + eps_root)
        else:
            p = p - rate * g / (sqrt(s) + eps)
        return p, s
