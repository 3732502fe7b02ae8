"""Exponential decay: the rate falls by the same factor in equal times."""

from .base import Schedule
from .rule import Length, epochs


class ExponentialDecay(Schedule):
    r"""Let the rate fall exponentially.

    .. math:: f(t) = \max(\gamma^{t / T}, f_{\min})

    Parameters
    ----------
    gamma : float, default=0.95
        :math:`\gamma`, factor on the rate per `every`; in (0, 1], dimensionless.
    every : int, float or Epochs, default=epochs(1)
        :math:`T`: steps, fraction of the run in (0, 1), or epochs. With 1 it matches torch's
        ``ExponentialLR``; otherwise it is ``decay_steps`` of keras and optax.
    staircase : bool, default=False
        Fall in one jump at the end of each :math:`T`.
    min_factor : float, default=0.0
        :math:`f_{\min}`, in [0, 1], lowest factor.

    Examples
    --------
    >>> from fastlr.schedules import ExponentialDecay
    >>> ExponentialDecay(gamma=0.25, every=2).simulate(5).lr.tolist()
    [1.0, 0.5, 0.25, 0.125, 0.0625]
    >>> ExponentialDecay(gamma=0.25, every=2, staircase=True).simulate(5).lr.tolist()
    [1.0, 1.0, 0.25, 0.25, 0.0625]
    """

    gamma: float = 0.95
    every: Length = epochs(1)
    staircase: bool = False
    min_factor: float = 0.0

    aliases = ("exponential",)
    lengths = {"every": 1}
    ranges = {"gamma": "(0, 1]", "min_factor": "[0, 1]"}
    choices = {"staircase": (False, True)}

    def coefficients(self, run):
        return {
            "gamma": self.gamma,
            "every": self.steps_of("every", run),
            "staircase": self.staircase,
            "lowest": self.min_factor,
            "zero": 0.0,
        }

    @staticmethod
    def factor(t, gamma, every, staircase, lowest, zero):
        x = t / every
        if staircase > zero:
            x = floor(x)
        return max(pow(gamma, x), lowest)
