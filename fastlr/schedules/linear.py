"""A straight line from one factor to another."""

from .base import Schedule
from .rule import Length


class Linear(Schedule):
    r"""Move the rate along a straight line, down or up.

    .. math:: f(t) = b + (a - b) \left(1 - \frac{\min(t, T)}{T}\right)

    Parameters
    ----------
    steps : int, float or Epochs, optional
        :math:`T`: steps, fraction of the run in (0, 1), or epochs; by default the whole run.
    start : float, default=1.0
        :math:`a`, in [0, inf), the factor of step 0, dimensionless.
    end : float, default=0.0
        :math:`b`, in [0, inf), the factor from step :math:`T` on.

    Notes
    -----
    Matches torch's ``LinearLR`` (start, end and steps are its ``start_factor``, ``end_factor`` and
    ``total_iters``) and optax's ``linear_schedule``. For a warm-up before any schedule use
    `Warmup`.

    Examples
    --------
    >>> from fastlr.schedules import Linear
    >>> Linear(4).simulate(6).lr.tolist()
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """

    steps: Length | None = None
    start: float = 1.0
    end: float = 0.0

    lengths = {"steps": 1}
    ranges = {"start": "[0, inf)", "end": "[0, inf)"}

    def length(self, run):
        return self.steps_of("steps", run)

    def coefficients(self, run):
        steps = self.steps_of("steps", run)
        return {"steps": steps, "end": self.end, "span": self.start - self.end, "one": 1.0}

    @staticmethod
    def factor(t, steps, end, span, one):
        # Measured from the end, so that the end value is exact.
        return end + span * (one - min(t, steps) / steps)
