"""Inverse square root decay: the schedule of the first transformers, without warm-up."""

from .base import Schedule
from .rule import Length, epochs


class InverseSqrt(Schedule):
    r"""Let the rate fall with the square root of time.

    .. math:: f(t) = \sqrt{\frac{\tau}{\tau + t}}

    Parameters
    ----------
    timescale : int, float or Epochs, default=epochs(1)
        :math:`\tau`, time after which the factor is :math:`1/\sqrt 2`: steps, fraction of the run
        in (0, 1), or epochs. The count of steps is shifted by it, so that the factor begins at 1.

    Notes
    -----
    It has no end. After a warm-up of :math:`n` steps it starts at its own step 0, so ``Warmup(n,
    InverseSqrt(n))`` is continuous and falls like :math:`\sqrt{n / t}` with :math:`t` counted over
    the whole run, as in the paper. ``Warmup(n, InverseSqrt(n), start=0.0)`` matches
    ``get_inverse_sqrt_schedule(n)`` in transformers; ``InverseSqrt(timescale)`` matches its
    ``timescale``.

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
