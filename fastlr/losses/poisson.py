"""Poisson loss, for counts."""

from .base import Loss


class Poisson(Loss):
    r"""Half the Poisson deviance, with a log link, without terms in :math:`y` alone.

    .. math::
        L(z, y) = e^z - y z, \qquad \frac{\partial L}{\partial z} = e^z - y

    The prediction is :math:`e^z`.

    Examples
    --------
    >>> from fastlr.losses import Poisson
    >>> Poisson().scaled(10.0)
    (Poisson(), 1.0)
    """

    task = "positive"
    link = "log"
    targets = "[0, inf)"

    def scaled(self, factor):
        return self, 1.0

    @staticmethod
    def loss(z, y):
        mean = exp(z)
        return mean - y * z, mean - y
