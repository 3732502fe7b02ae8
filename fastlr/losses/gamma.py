"""Gamma loss, for positive numbers whose deviation is proportional to their mean."""

from .base import Loss


class Gamma(Loss):
    r"""Half the Gamma deviance, with a log link, without terms in :math:`y` alone.

    .. math::
        L(z, y) = z + y e^{-z}, \qquad \frac{\partial L}{\partial z} = 1 - y e^{-z}

    The prediction is :math:`e^z`.

    Examples
    --------
    >>> from fastlr.losses import Gamma
    >>> Gamma().scaled(10.0)
    (Gamma(), 0.0)
    """

    task = "positive"
    link = "log"
    targets = "(0, inf)"

    def coefficients(self):
        return {"one": 1.0}

    def scaled(self, factor):
        return self, 0.0

    @staticmethod
    def loss(z, y, one):
        ratio = y * exp(-z)
        return z + ratio, one - ratio
