"""Schedule-Free SGD: an average of points in the place of a falling rate."""

from ._schedule_free import average_of, average_weight, check_constant
from .optimizer import Optimizer


class ScheduleFreeSGD(Optimizer):
    r"""Schedule-Free SGD.

    .. math::
        z_t &= z_{t-1} - \eta_t \big(g(y_{t-1}) + \lambda y_{t-1}\big), \qquad
            x_t = (1 - c_t)\, x_{t-1} + c_t z_t, \qquad
            c_t = \frac{\eta_t^2}{\sum_{i \le t} \eta_i^2} \\
        y_t &= (1 - \mu)\, z_t + \mu\, x_t, \qquad
            \eta_t = \eta \min(1, t / T)

    The bound parameters are :math:`y`, at which gradients are to be taken. Predictions are made
    with :math:`x`, which ``updater.averaged`` returns; estimators do so by themselves.

    Parameters
    ----------
    lr : float, default=1.0
        Learning rate :math:`\eta`. Larger than that of SGD with a schedule: try 1 to 10 times.
    momentum : float, default=0.9
        :math:`\mu`, in (0, 1): where between :math:`z` and :math:`x` gradients are taken.
    warmup_steps : int, default=0
        :math:`T`, steps in which the rate grows to its value.
    r : float, default=0.0
        Power of the step number in the weights of the average: later points count more.
    weight_lr_power : float, default=2.0
        Power :math:`k` of the warm-up's rate in these weights.
    **common
        See `Optimizer`: schedule, schedules, weight_decay, decay, l2, clip_norm, clip_scope,
        clip_value, maximize, nonfinite, average, average_decay. All kinds of decay act at
        :math:`y`. A schedule is not needed; the weights :math:`c_t` do not know it, and are right
        for one that never rises.

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
    state = ("z",)
    ranges = {
        "momentum": "(0, 1)",
        "warmup_steps": "[0, inf)",
        "r": "[0, inf)",
        "weight_lr_power": "[0, inf)",
    }

    def validate(self):
        check_constant(self, "momentum")

    def momentum_field(self):
        return None  # a schedule's momentum has nothing to drive here

    def initial_state(self):
        return {"z": "p"}

    def evaluate(self, p, state):
        return average_of(p, state["z"], self.momentum)

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
