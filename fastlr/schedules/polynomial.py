"""Polynomial decay: the rate falls as a power of the remaining time."""

from .base import Schedule
from .rule import Length


class Polynomial(Schedule):
    r"""Lower the rate as a power of the remaining time.

    .. math:: f(t) = f_{\min} + (1 - f_{\min}) \left(1 - \frac{\min(t, T)}{T}\right)^p

    Parameters
    ----------
    steps : int, float or Epochs, optional
        :math:`T`: steps, fraction of the run in (0, 1), or epochs; by default the whole run.
    power : float, default=1.0
        :math:`p`, in (0, inf): 1 is a line; the rate falls earlier above 1 and later below 1.
    min_factor : float, default=0.0
        :math:`f_{\min}`, in [0, 1], dimensionless; the factor at step :math:`T`.

    Notes
    -----
    Matches torch's ``PolynomialLR`` (``min_factor=0``), keras's ``PolynomialDecay`` and optax's
    ``polynomial_schedule``.

    Examples
    --------
    >>> from fastlr.schedules import Polynomial
    >>> Polynomial(4, power=2.0).simulate(6).lr.tolist()
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    steps: Length | None = None
    power: float = 1.0
    min_factor: float = 0.0

    aliases = ("poly",)
    lengths = {"steps": 1}
    ranges = {"power": "(0, inf)", "min_factor": "[0, 1]"}

    def length(self, run):
        return self.steps_of("steps", run)

    def coefficients(self, run):
        return {
            "steps": self.steps_of("steps", run),
            "power": self.power,
            "lowest": self.min_factor,
            "one": 1.0,
        }

    @staticmethod
    def factor(t, steps, power, lowest, one):
        return lowest + (one - lowest) * pow(one - min(t, steps) / steps, power)
