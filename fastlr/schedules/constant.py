"""A constant factor on the rate."""

from .base import Schedule


class Constant(Schedule):
    r"""The same factor at every step.

    .. math:: f(t) = c

    Parameters
    ----------
    value : float, default=1.0
        :math:`c`, in [0, inf), dimensionless.

    Examples
    --------
    >>> from fastlr.schedules import Constant
    >>> Constant(0.5).simulate(3, lr=0.1).lr.tolist()
    [0.05, 0.05, 0.05]
    """

    value: float = 1.0

    ranges = {"value": "[0, inf)"}

    def coefficients(self, run):
        return {"value": self.value}

    @staticmethod
    def factor(t, value):
        return value
