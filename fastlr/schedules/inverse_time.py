"""Inverse time decay: the rate falls like 1 / t."""

from .base import Schedule
from .rule import Length, epochs


class InverseTime(Schedule):
    r"""Divide the rate by a number that grows in proportion to time.

    .. math:: f(t) = \frac{1}{1 + r \, t / T}

    Parameters
    ----------
    rate : float, default=1.0
        :math:`r`, in [0, inf), per :math:`T`: the rate halves after :math:`T / r`.
    every : int, float or Epochs, default=epochs(1)
        :math:`T`: steps, fraction of the run in (0, 1), or epochs.
    staircase : bool, default=False
        Fall in one jump at the end of each :math:`T`.

    Notes
    -----
    It has no end. Matches keras's ``InverseTimeDecay``, whose ``decay_rate`` and ``decay_steps``
    are `rate` and `every`.

    References
    ----------
    Robbins & Monro 1951, "A stochastic approximation method".

    Examples
    --------
    >>> from fastlr.schedules import InverseTime
    >>> InverseTime(every=2).simulate(7).lr.round(3).tolist()
    [1.0, 0.667, 0.5, 0.4, 0.333, 0.286, 0.25]
    >>> InverseTime(every=2, staircase=True).simulate(7).lr.round(3).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.333, 0.333, 0.25]
    """

    rate: float = 1.0
    every: Length = epochs(1)
    staircase: bool = False

    lengths = {"every": 1}
    ranges = {"rate": "[0, inf)"}
    choices = {"staircase": (False, True)}

    def coefficients(self, run):
        return {
            "rate": self.rate,
            "every": self.steps_of("every", run),
            "staircase": self.staircase,
            "one": 1.0,
            "zero": 0.0,
        }

    @staticmethod
    def factor(t, rate, every, staircase, one, zero):
        x = t / every
        if staircase > zero:
            x = floor(x)
        return one / (one + rate * x)
