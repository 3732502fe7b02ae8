"""scikit-learn's `invscaling`: the rate falls as a power of the step number."""

from .base import Schedule


class InvScaling(Schedule):
    r"""The schedule ``learning_rate="invscaling"`` of scikit-learn.

    .. math:: f(t) = (t + 1)^{-p}

    scikit-learn counts steps :math:`k` from 1 and uses the rate :math:`\eta_0 / k^p`, so `lr` is
    its ``eta0``.

    Parameters
    ----------
    power : float, default=0.5
        :math:`p`, in [0, inf); scikit-learn's ``power_t``, 0.5 in its classifiers and 0.25 in
        ``SGDRegressor``.

    Notes
    -----
    It has no end. scikit-learn's SGD estimators make a step per row; its perceptrons lower the rate
    once per epoch, by the number of rows seen.

    References
    ----------
    Zhang 2004, "Solving large scale linear prediction problems using stochastic gradient descent
    algorithms".

    Examples
    --------
    >>> from fastlr.schedules import InvScaling
    >>> InvScaling().simulate(9).lr[[0, 3, 8]].round(3).tolist()
    [1.0, 0.5, 0.333]
    """

    power: float = 0.5

    ranges = {"power": "[0, inf)"}

    def coefficients(self, run):
        return {"exponent": -self.power, "one": 1.0}

    @staticmethod
    def factor(t, exponent, one):
        return pow(t + one, exponent)
