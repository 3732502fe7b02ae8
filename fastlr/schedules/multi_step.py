"""Multi-step decay: the rate drops by the same factor at each milestone."""

from typing import Any

from .base import Schedule
from .boundaries import boundary_steps, check_boundaries


class MultiStep(Schedule):
    r"""Multiply the rate by a constant at given points in time.

    .. math:: f(t) = \gamma^{k}, \qquad k = \#\{i : m_i \le t\}

    Parameters
    ----------
    milestones : sequence of int, float or Epochs, default=(0.5, 0.75)
        :math:`m_i`, increasing: steps, fractions of the run in (0, 1), or epochs.
    gamma : float, default=0.1
        :math:`\gamma`, in (0, 1], dimensionless.

    Notes
    -----
    It has no end. Matches torch's ``MultiStepLR``. For a different factor at each milestone use
    `Piecewise`.

    References
    ----------
    He et al. 2016, "Deep residual learning for image recognition", arXiv:1512.03385: a tenth at
    half and at three quarters of the run, the default here.

    Examples
    --------
    >>> from fastlr.schedules import MultiStep
    >>> MultiStep([2, 3], gamma=0.5).simulate(5).lr.tolist()
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """

    milestones: Any = (0.5, 0.75)
    gamma: float = 0.1

    ranges = {"gamma": "(0, 1]"}

    def validate(self):
        check_boundaries(self.milestones, "MultiStep: milestones")

    def coefficients(self, run):
        steps = boundary_steps(self.milestones, "MultiStep: milestones", run)
        return {"milestones": steps, "gamma": self.gamma}

    @staticmethod
    def factor(t, milestones, gamma):
        return pow(gamma, passed(milestones))
