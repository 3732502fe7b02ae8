"""Step decay: the rate drops by the same factor at regular intervals."""

from .base import Schedule
from .rule import Length, epochs


class StepDecay(Schedule):
    r"""Multiply the rate by a constant at regular intervals.

    .. math:: f(t) = \gamma^{\lfloor t / T \rfloor}

    Parameters
    ----------
    every : int, float or Epochs, default=epochs(30)
        :math:`T`: steps, fraction of the run in (0, 1), or epochs.
    gamma : float, default=0.1
        :math:`\gamma`, in (0, 1], dimensionless.

    Notes
    -----
    It has no end. Matches torch's ``StepLR``.

    Examples
    --------
    >>> from fastlr.schedules import StepDecay
    >>> StepDecay(every=2, gamma=0.5).simulate(6).lr.tolist()
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    every: Length = epochs(30)
    gamma: float = 0.1

    aliases = ("step",)
    lengths = {"every": 1}
    ranges = {"gamma": "(0, 1]"}

    def coefficients(self, run):
        return {"every": self.steps_of("every", run), "gamma": self.gamma}

    @staticmethod
    def factor(t, every, gamma):
        return pow(gamma, floor(t / every))
