"""Stochastic gradient descent, plain or with momentum."""

import numpy as np

from .optimizer import Optimizer


class SGD(Optimizer):
    r"""Stochastic gradient descent with heavy-ball or Nesterov momentum.

    .. math::
        b_t &= \mu b_{t-1} + (1 - \tau) g_t, \qquad b_1 = g_1 \\
        \theta_t &= \theta_{t-1} - \eta b_t
            \quad\text{or, Nesterov,}\quad \theta_{t-1} - \eta (g_t + \mu b_t)

    Parameters
    ----------
    lr : float, default=0.01
        Learning rate :math:`\eta`, in units of parameter per unit of gradient.
    momentum : float, default=0.0
        :math:`\mu`, in [0, 1). At 0 no buffer is kept.
    dampening : float, default=0.0
        :math:`\tau`, in [0, 1]; it spares the first gradient.
    nesterov : bool, default=False
        Look ahead along the momentum; needs ``momentum > 0`` and ``dampening == 0``.
    lr_in_momentum : bool, default=False
        Put the rate inside the buffer, as keras and scikit-learn do. This matters only when the
        rate changes.
    preset : {"torch", "keras", "optax", "sklearn", "fastai"}, optional
        Library whose defaults and form apply to parameters not given; ``"sklearn"`` is
        ``MLPClassifier(solver="sgd")``.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: one array shaped like the parameter with momentum, none without.

    References
    ----------
    Polyak 1964, "Some methods of speeding up the convergence of iteration methods";
    Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import SGD
    >>> w = np.array([1.0, -2.0])
    >>> updater = SGD(lr=0.1, momentum=0.9).bind(w)
    >>> for _ in range(2):
    ...     updater.step(w.copy())  # the gradient of ||w||^2 / 2 is w
    >>> w.round(4).tolist()
    [0.72, -1.44]
    """

    lr: float = 0.01
    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False
    lr_in_momentum: bool = False

    batch_rule = "linear"
    squares = False
    state = ("buf",)
    flags = ("momentum", "nesterov")
    ranges = {"momentum": "[0, 1)", "dampening": "[0, 1]"}
    choices = {"nesterov": (False, True), "lr_in_momentum": (False, True)}
    presets = {
        "torch": {"lr": 1e-3},
        "keras": {"lr_in_momentum": True, "decay": "decoupled"},
        "optax": {},
        "sklearn": {"lr": 1e-3, "momentum": 0.9, "nesterov": True, "lr_in_momentum": True},
        "fastai": {"lr": 1e-3, "decay": "decoupled"},
    }

    def validate(self):
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("SGD: nesterov needs momentum > 0 and dampening == 0")

    @property
    def is_linear(self):
        return True

    def coefficients(self, t, lr):
        fresh = np.where(np.asarray(t) == 1, 1.0, 1.0 - self.dampening)
        inside = lr if self.lr_in_momentum else 1.0
        return {
            "momentum": self.momentum,
            "fresh": fresh * inside,
            "ahead": inside,
            "rate": 1.0 if self.lr_in_momentum else lr,
        }

    @staticmethod
    def update(p, g, buf, momentum, fresh, ahead, rate, nesterov):
        if momentum:
            buf = momentum * buf + fresh * g
            if nesterov:
                step = ahead * g + momentum * buf
            else:
                step = buf
        else:
            step = ahead * g
        p = p - rate * step
        return p, buf
