"""Schedule-Free AdamW: averaging instead of momentum and a falling rate."""

import numpy as np

from ._schedule_free import ScheduleFree, average_weight


class ScheduleFreeAdamW(ScheduleFree):
    r"""Schedule-Free AdamW.

    .. math::
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\, g(y_{t-1})^2, \qquad
            z_t = z_{t-1} - \eta_t \Big(\frac{g(y_{t-1})}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}
            + \lambda y_{t-1}\Big) \\
        x_t &= (1 - c_t)\, x_{t-1} + c_t z_t, \qquad
            c_t = \frac{t^r \eta_t^k}{\sum_{i \le t} i^r \eta_i^k}, \qquad
            y_t = (1 - \beta_1)\, z_t + \beta_1 x_t, \qquad
            \eta_t = \eta \min(1, t / T)

    The bound parameters are :math:`y`; compute gradients there. Predict with :math:`x`, which
    ``updater.averaged`` returns; estimators do so automatically.

    Parameters
    ----------
    lr : float, default=2.5e-3
        Learning rate :math:`\eta`. Try 1 to 10 times the rate of AdamW with a schedule.
    beta1 : float, default=0.9
        In (0, 1): where between :math:`z` and :math:`x` gradients are taken.
    beta2 : float, default=0.999
        Decay of the mean squared gradient, in [0, 1).
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    warmup_steps : int, default=0
        :math:`T`, steps over which the rate grows to its value.
    r : float, default=0.0
        Power of the step number in the weights of the average; above 0 later points count more.
    weight_lr_power : float, default=2.0
        Power :math:`k` of the warm-up's rate in these weights.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        Kind of weight decay. All kinds act at :math:`y`.
    **common
        All keywords of `Optimizer` but l1, cautious, lookahead and lookahead_alpha. No schedule is
        needed. The weights :math:`c_t` ignore it and are right only for one that never rises.

    Notes
    -----
    State: two arrays shaped like the parameter, :math:`z` and :math:`v`.

    References
    ----------
    Defazio et al. 2024, "The road less scheduled", arXiv:2405.15682.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import ScheduleFreeAdamW
    >>> y = np.array([1.0, -2.0])
    >>> updater = ScheduleFreeAdamW(lr=0.1, beta1=0.5).bind(y)
    >>> for _ in range(2):
    ...     updater.step(y.copy())
    >>> y.round(3).tolist(), updater.averaged.round(3).tolist()
    ([0.829, -1.827], [0.853, -1.851])
    """

    lr: float = 2.5e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    warmup_steps: int = 0
    r: float = 0.0
    weight_lr_power: float = 2.0
    decay: str = "decoupled"

    between = "beta1"
    state = ("z", "v")
    decays = ("beta2",)
    ranges = {
        "beta1": "(0, 1)",
        "beta2": "[0, 1)",
        "eps": "[0, inf)",
        "warmup_steps": "[0, inf)",
        "r": "[0, inf)",
        "weight_lr_power": "[0, inf)",
    }

    def coefficients(self, t, lr):
        weight, factor = average_weight(t, self.warmup_steps, self.r, self.weight_lr_power)
        return {
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "root": 1 / np.sqrt(1 - self.beta2**t),
            "lr": lr * factor,
            "ramp": factor,
            "weight": weight,
            "part": 1 - self.beta1 * (1 - weight),
        }

    @staticmethod
    def update(p, g, z, v, b2, c2, eps, root, lr, ramp, weight, part, decay_share):
        v = b2 * v + c2 * g * g
        move = lr * g / (sqrt(v) * root + eps) + ramp * decay_share * p
        p = p + weight * (z - p) - part * move
        z = z - move
        return p, z, v
