"""Inverse square root decay: the schedule of the first transformers, its warm-up apart."""

from .base import Schedule
from .lengths import Length, epochs


class InverseSqrt(Schedule):
    r"""Let the rate fall with the square root of time.

    .. math:: f(t) = \sqrt{\frac{\tau}{\tau + t}}

    Parameters
    ----------
    timescale : int, float or Epochs, default=epochs(1)
        :math:`\tau`, the time after which the rate has fallen to :math:`1/\sqrt 2`: steps, part
        of the run in (0, 1), or epochs. It is also how far the count of steps is moved, so that
        the schedule begins at 1.

    Notes
    -----
    It has no end. After a warm-up of :math:`n` steps it starts at its own step 0, so
    ``Warmup(n, InverseSqrt(n))`` joins without a corner and falls like :math:`\sqrt{n / t}`
    of the whole run, which is the schedule of the paper. With ``start=0.0`` in `Warmup` its
    values are those of ``get_inverse_sqrt_schedule(n)`` in transformers, and
    ``InverseSqrt(timescale)`` instead of ``InverseSqrt(n)`` is its ``timescale``.

    References
    ----------
    Vaswani et al. 2017, "Attention is all you need", arXiv:1706.03762.

    Examples
    --------
    >>> from fastlr.schedules import InverseSqrt, Warmup
    >>> Warmup(4, InverseSqrt(4), start=0.0).simulate(17).lr[::4].round(3).tolist()
    [0.0, 1.0, 0.707, 0.577, 0.5]
    """

    timescale: Length = epochs(1)

    lengths = {"timescale": 1}

    def coefficients(self, run):
        return {"timescale": self.steps_of("timescale", run)}

    @staticmethod
    def factor(t, timescale):
        return sqrt(timescale / (timescale + t))
