"""Cosine annealing: half a cosine from the full rate down to the lowest."""

import math

from .base import Schedule
from .rule import Length


class CosineAnnealing(Schedule):
    r"""Lower the rate along half a cosine.

    .. math::
        f(t) = f_{\min} + (1 - f_{\min}) \, \frac{1 + \cos(\pi \min(t, T) / T)}{2}

    Parameters
    ----------
    steps : int, float or Epochs, optional
        :math:`T`: steps, fraction of the run in (0, 1), or epochs; by default the whole run.
    min_factor : float, default=0.0
        :math:`f_{\min}`, in [0, 1], dimensionless.
    after : {"hold", "periodic"}, default="hold"
        Past :math:`T`, stay at the lowest rate, or rise again along the cosine with period
        :math:`2 T`, as torch's ``CosineAnnealingLR`` does.

    Notes
    -----
    Step :math:`T` has the lowest rate, so a run of :math:`T` steps ends just above it, as in torch
    and optax.

    References
    ----------
    Loshchilov & Hutter 2017, arXiv:1608.03983.

    Examples
    --------
    >>> from fastlr.schedules import CosineAnnealing
    >>> CosineAnnealing(4).simulate(6).lr.round(3).tolist()
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    steps: Length | None = None
    min_factor: float = 0.0
    after: str = "hold"

    aliases = ("cosine",)
    lengths = {"steps": 1}
    ranges = {"min_factor": "[0, 1]"}
    choices = {"after": ("hold", "periodic")}

    def length(self, run):
        return self.steps_of("steps", run) if self.after == "hold" else None

    def coefficients(self, run):
        steps = self.steps_of("steps", run)
        return {
            "steps": steps,
            "end": steps if self.after == "hold" else math.inf,
            "lowest": self.min_factor,
            "half_span": (1 - self.min_factor) / 2,
            "pi": math.pi,
            "one": 1.0,
        }

    @staticmethod
    def factor(t, steps, end, lowest, half_span, pi, one):
        return lowest + half_span * (one + cos(pi * min(t, end) / steps))
