"""FTRL-Proximal: Adagrad's rates and an L1 penalty that gives exact zeros."""

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

    This is the paper's rule with :math:`z` multiplied by the rate, so that the rate may change:
    factors of a schedule and of parameter groups scale gradients but not :math:`\lambda`, and a
    rate of zero keeps the parameter unchanged.

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
        Initial value of :math:`a` (keras: 0.1).
    preset : {"keras"}, optional
        Library whose defaults apply to parameters not given. `l2` has the factor 1/2, so give twice
        the strength of keras. keras divides by the rate of the step, so results agree only while
        the rate is constant.
    **common
        All keywords of `Optimizer`. ``weight_decay`` with ``decay="l2"`` is keras' L2 shrinkage;
        decoupled decay has little effect, because parameters are recomputed.

    Notes
    -----
    State: two arrays shaped like the parameter, :math:`z` and :math:`\sqrt{a}`. Parameters should
    start at zero, like :math:`z`. Others are pulled towards zero in the first step, the more the
    larger beta and the initial accumulator are.

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
    rebuilds = True
    can_wait = False  # parameters are computed from the state, which starts at zero
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
            "zero": 0.0,
        }

    @staticmethod
    def update(p, g, z, root, lr, bound, soft, tiny, zero):
        square = g * g
        grown = sqrt(root * root + square)
        # The difference of the roots, without its cancellation.
        z = z + (lr * g - square / max(grown + root, tiny) * p)
        minimum = (min(max(z, -bound), bound) - z) / (grown + soft)
        p = minimum if lr > zero else p
        root = grown
        return p, z, root
