"""Schedule-Free SGD: averaging instead of a falling rate."""

from ._schedule_free import ScheduleFree, average_weight


class ScheduleFreeSGD(ScheduleFree):
    r"""Schedule-Free SGD.

    .. math::
        z_t &= z_{t-1} - \eta_t \big(g(y_{t-1}) + \lambda y_{t-1}\big), \qquad
            x_t = (1 - c_t)\, x_{t-1} + c_t z_t, \qquad
            c_t = \frac{\eta_t^2}{\sum_{i \le t} \eta_i^2} \\
        y_t &= (1 - \mu)\, z_t + \mu\, x_t, \qquad
            \eta_t = \eta \min(1, t / T)

    The bound parameters are :math:`y`; compute gradients there. Predict with :math:`x`, which
    ``updater.averaged`` returns; estimators do so automatically.

    Parameters
    ----------
    lr : float, default=1.0
        Learning rate :math:`\eta`. Try 1 to 10 times the rate of SGD with a schedule.
    momentum : float, default=0.9
        :math:`\mu`, in (0, 1): where between :math:`z` and :math:`x` gradients are taken.
    warmup_steps : int, default=0
        :math:`T`, steps over which the rate grows to its value.
    r : float, default=0.0
        Power of the step number in the weights of the average; above 0 later points count more.
    weight_lr_power : float, default=2.0
        Power :math:`k` of the warm-up's rate in these weights.
    **common
        All keywords of `Optimizer` but l1, cautious, lookahead and lookahead_alpha. All kinds of
        decay act at :math:`y`. No schedule is needed. The weights :math:`c_t` ignore it and are
        right only for one that never rises.

    Notes
    -----
    State: one array shaped like the parameter, :math:`z`.

    References
    ----------
    Defazio et al. 2024, "The road less scheduled", arXiv:2405.15682.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import ScheduleFreeSGD
    >>> y = np.array([1.0, -2.0])
    >>> updater = ScheduleFreeSGD(lr=0.5, momentum=0.5).bind(y)
    >>> for _ in range(2):
    ...     updater.step(y.copy())  # the gradient of ||y||^2 / 2
    >>> y.tolist(), updater.averaged.tolist()
    ([0.3125, -0.625], [0.375, -0.75])
    """

    lr: float = 1.0
    momentum: float = 0.9
    warmup_steps: int = 0
    r: float = 0.0
    weight_lr_power: float = 2.0

    batch_rule = "linear"
    squares = False
    state = ("z",)
    ranges = {
        "momentum": "(0, 1)",
        "warmup_steps": "[0, inf)",
        "r": "[0, inf)",
        "weight_lr_power": "[0, inf)",
    }

    def coefficients(self, t, lr):
        weight, factor = average_weight(t, self.warmup_steps, self.r, self.weight_lr_power)
        return {
            "lr": lr * factor,
            "ramp": factor,
            "weight": weight,
            "part": 1 - self.momentum * (1 - weight),
        }

    @staticmethod
    def update(p, g, z, lr, ramp, weight, part, decay_share):
        move = lr * g + ramp * decay_share * p
        p = p + weight * (z - p) - part * move
        z = z - move
        return p, z
