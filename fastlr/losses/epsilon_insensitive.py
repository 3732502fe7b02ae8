"""Epsilon-insensitive loss, for support vector regression."""

from .base import Loss


class EpsilonInsensitive(Loss):
    r"""Epsilon-insensitive loss.

    .. math::
        L(z, y) = \max(0, |z - y| - \epsilon)

    Parameters
    ----------
    epsilon : float, default=0.1
        :math:`\epsilon`, largest error without loss, in units of the target. With 0 this is the
        absolute error, whose minimiser estimates the median.

    Examples
    --------
    >>> from fastlr.losses import EpsilonInsensitive
    >>> EpsilonInsensitive(epsilon=5.0).scaled(10.0)
    (EpsilonInsensitive(epsilon=0.5), 1.0)
    """

    epsilon: float = 0.1
    ranges = {"epsilon": "[0, inf)"}

    def coefficients(self):
        return {"epsilon": self.epsilon, "zero": 0.0}

    def scaled(self, factor):
        return self.replace(epsilon=self.epsilon / factor), 1.0

    @staticmethod
    def loss(z, y, epsilon, zero):
        r = z - y
        beyond = abs(r) - epsilon
        return max(beyond, zero), sign(r) if beyond > zero else zero
