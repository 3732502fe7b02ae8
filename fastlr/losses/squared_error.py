"""Squared error: least squares."""

from .base import Loss


class SquaredError(Loss):
    r"""Half the squared error.

    .. math::
        L(z, y) = \tfrac12 (z - y)^2, \qquad \frac{\partial L}{\partial z} = z - y

    Its minimiser estimates the mean.

    Examples
    --------
    >>> from fastlr.losses import SquaredError
    >>> SquaredError().scaled(10.0)
    (SquaredError(), 2.0)
    """

    aliases = ("mse",)

    def coefficients(self):
        return {"half": 0.5}

    def scaled(self, factor):
        return self, 2.0

    @staticmethod
    def loss(z, y, half):
        r = z - y
        return half * r * r, r
