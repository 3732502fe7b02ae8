"""DoG: a learning rate computed from distance and gradients."""

from .optimizer import Optimizer


class DoG(Optimizer):
    r"""Distance over gradients: stochastic gradient descent that computes its rate.

    .. math::
        \bar r_t &= \max(\alpha (1 + \|\theta_0\|),\ \max_{i < t} \|\theta_i - \theta_0\|), \qquad
        G_t = \sum_{i \le t} \|g_i\|^2 \\
        \theta_t &= \theta_{t-1} - \eta \frac{\bar r_t}{\sqrt{G_t + \epsilon}}\, g_t

    The norms are over all parameters together.

    Parameters
    ----------
    lr : float, default=1.0
        Factor :math:`\eta` on the computed rate; the authors keep it at 1.
    initial_distance : float, default=1e-6
        :math:`\alpha`, above 0: length of the first step, in units of :math:`1 + \|\theta_0\|`. The
        authors use 1e-4 for models with batch normalisation.
    eps : float, default=1e-8
        Added to the sum of squared norms.
    **common
        All keywords of `Optimizer`. The authors average the parameters.

    Notes
    -----
    State: one array shaped like the parameter, its initial value, and two numbers. A step reads
    parameter, gradient and this array twice.

    References
    ----------
    Ivgi, Hinder & Carmon 2023, "DoG is SGD's best friend: a parameter-free dynamic step size
    schedule", arXiv:2302.12022.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import DoG
    >>> w = np.array([3.0, -4.0])
    >>> updater = DoG(initial_distance=0.1).bind(w)
    >>> updater.step(np.array([0.0, 20.0]))  # any size: the step is 0.1 * (1 + 5)
    >>> w.round(6).tolist()
    [3.0, -4.6]
    """

    lr: float = 1.0
    initial_distance: float = 1e-6
    eps: float = 1e-8

    batch_rule = "none"
    state = ("start",)
    sums = ("away2", "start2", "g2")
    scope = "all"
    scalars = ("farthest", "total")
    derived = ("unit",)
    ranges = {"initial_distance": "(0, inf)", "eps": "[0, inf)"}

    def initial_state(self):
        return {"start": "p"}

    def coefficients(self, t, lr):
        return {"initial": self.initial_distance, "offset": self.eps, "rate": lr}

    @staticmethod
    def measure(p, g, start):
        away = p - start
        return away * away, start * start, g * g

    @staticmethod
    def adapt(away2, start2, g2, farthest, total, initial, offset):
        total = total + g2
        farthest = max(max(farthest, initial * (1 + sqrt(start2))), sqrt(away2))
        below = sqrt(total + offset)
        if below > 0:
            unit = 1 / sqrt(below)  # applied twice: 1 / below may overflow single precision
        else:
            unit = 0.0
        return unit, farthest, total

    @staticmethod
    def update(p, g, start, rate, farthest, unit):
        p = p - rate * farthest * (g * unit * unit)
        return p, start
