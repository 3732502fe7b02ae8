"""Squared epsilon-insensitive loss: least squares outside a band."""

from .base import Loss


class SquaredEpsilonInsensitive(Loss):
    r"""Squared epsilon-insensitive loss.

    .. math::
        L(z, y) = \max(0, |z - y| - \epsilon)^2

    Parameters
    ----------
    epsilon : float, default=0.1
        :math:`\epsilon`, largest error without loss, in units of the target.

    Examples
    --------
    >>> from fastlr.losses import SquaredEpsilonInsensitive
    >>> SquaredEpsilonInsensitive(epsilon=5.0).scaled(10.0)
    (SquaredEpsilonInsensitive(epsilon=0.5), 2.0)
    """

    epsilon: float = 0.1
    ranges = {"epsilon": "[0, inf)"}

    def coefficients(self):
        return {"epsilon": self.epsilon, "zero": 0.0}

    def scaled(self, factor):
        return self.replace(epsilon=self.epsilon / factor), 2.0

    @staticmethod
    def loss(z, y, epsilon, zero):
        r = z - y
        beyond = max(abs(r) - epsilon, zero)
        return beyond * beyond, sign(r) * (beyond + beyond)
