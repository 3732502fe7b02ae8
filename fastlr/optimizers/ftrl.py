"""FTRL-Proximal: Adagrad's rates with an L1 penalty that makes exact zeros."""

import numpy as np

from .optimizer import Optimizer

_TINY = float(np.finfo(np.float32).tiny)


class FTRL(Optimizer):
    r"""Follow the regularised leader, proximal.

    .. math::
        a_t &= a_{t-1} + g_t^2, \qquad
            z_t = z_{t-1} + \eta g_t - \big(\sqrt{a_t} - \sqrt{a_{t-1}}\big)\, \theta_{t-1} \\
        \theta_t &= -\,\frac{z_t - \mathrm{clip}(z_t, -\eta \lambda_1, \eta \lambda_1)}
            {\beta + \sqrt{a_t} + \eta \lambda_2}

    This is the paper's rule with :math:`z` times the rate, so that a rate may change: the
    factors of a schedule and of parameter groups scale gradients, not :math:`\lambda`, and a
    rate of zero holds the parameter still.

    Parameters
    ----------
    lr : float, default=0.1
        Learning rate :math:`\eta`.
    beta : float, default=1.0
        Added to the root of the accumulator, in units of gradient (keras: 0).
    l1, l2 : float, default=0.0, 0.0
        Strengths :math:`\lambda_1` and :math:`\lambda_2` of the penalties
        :math:`\lambda_1 |\theta| + \lambda_2 \theta^2 / 2` (keras has no half).
    initial_accumulator : float, default=0.0
        What :math:`a` starts from (keras: 0.1).
    preset : {"keras"}, optional
        Whose defaults are taken for what is not given. `l2` keeps its half, so keras' strength is
        to be given twice as large; and keras divides by the rate of the step, so paths are the
        same only while the rate is.
    **common
        See `Optimizer`: schedule, schedules, weight_decay, decay, clip_norm, clip_scope,
        clip_value, maximize, nonfinite, average, average_decay, cautious, lookahead,
        lookahead_alpha. ``weight_decay`` with ``decay="l2"`` is keras' L2 shrinkage; decoupled
        decay hardly acts, since parameters are computed anew.

    Notes
    -----
    State: two arrays shaped like the parameter, :math:`z` and :math:`\sqrt{a}`. Parameters
    should start from zero, as :math:`z` does: others are pulled there in the first step, by more
    the larger beta and the initial accumulator are.

    References
    ----------
    McMahan et al. 2013, "Ad click prediction: a view from the trenches", KDD, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import FTRL
    >>> w = np.zeros(2)
    >>> updater = FTRL(lr=1.0, l1=1.0).bind(w)
    >>> updater.step(np.array([0.5, -3.0]))
    >>> w.tolist()
    [0.0, 0.5]
    """

    lr: float = 0.1
    beta: float = 1.0
    l1: float = 0.0
    l2: float = 0.0
    initial_accumulator: float = 0.0

    state = ("z", "root")
    own_fields = ("l1", "l2")
    can_wait = False  # parameters are made of the state, which starts from zero
    ranges = {
        "beta": "[0, inf)",
        "l1": "[0, inf)",
        "l2": "[0, inf)",
        "initial_accumulator": "[0, inf)",
    }

    presets = {"keras": {"lr": 1e-3, "beta": 0.0, "initial_accumulator": 0.1, "decay": "decoupled"}}

    def validate(self):
        if self.beta + self.initial_accumulator == 0:
            raise ValueError("FTRL: beta or initial_accumulator must be above 0")

    def initial_state(self):
        return {"root": self.initial_accumulator**0.5}

    def coefficients(self, t, lr):
        return {
            "lr": lr,
            "bound": self.lr * self.l1,
            "soft": self.beta + self.lr * self.l2,
            "tiny": _TINY,
        }

    @staticmethod
    def update(p, g, z, root, lr, bound, soft, tiny):
        square = g * g
        grown = sqrt(root * root + square)
        # The difference of the roots, without its cancellation.
        z = z + (lr * g - square / max(grown + root, tiny) * p)
        p = (min(max(z, -bound), bound) - z) / (grown + soft)
        root = grown
        return p, z, root
