"""REX: a rate that stays high for longer than on a line, then drops."""

from .base import Schedule
from .rule import Length


class REX(Schedule):
    r"""Reflected exponential schedule.

    .. math::
        f(t) = f_{\min} + (1 - f_{\min}) \, \frac{1 - x}{1 - x / 2},
        \qquad x = \frac{\min(t, T)}{T}

    Parameters
    ----------
    steps : int, float or Epochs, optional
        :math:`T`: steps, fraction of the run in (0, 1), or epochs; by default the whole run.
    min_factor : float, default=0.0
        :math:`f_{\min}`, in [0, 1], dimensionless; the factor at step :math:`T`.

    Notes
    -----
    The paper writes :math:`(1 - x) / (1/2 + (1 - x)/2)`, which is the same.

    References
    ----------
    Chen, Wolfe & Kyrillidis 2021, "REX: Revisiting budgeted training with an improved schedule",
    arXiv:2107.04197.

    Examples
    --------
    >>> from fastlr.schedules import REX
    >>> REX(4).simulate(6).lr.round(3).tolist()
    [1.0, 0.857, 0.667, 0.4, 0.0, 0.0]
    """

    steps: Length | None = None
    min_factor: float = 0.0

    lengths = {"steps": 1}
    ranges = {"min_factor": "[0, 1]"}

    def length(self, run):
        return self.steps_of("steps", run)

    def coefficients(self, run):
        return {
            "steps": self.steps_of("steps", run),
            "lowest": self.min_factor,
            "half": 0.5,
            "one": 1.0,
        }

    @staticmethod
    def factor(t, steps, lowest, half, one):
        x = min(t, steps) / steps
        return lowest + (one - lowest) * ((one - x) / (one - half * x))
