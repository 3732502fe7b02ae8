"""Squared hinge loss: a smooth hinge."""

from .base import Loss


class SquaredHinge(Loss):
    r"""Squared hinge loss.

    .. math::
        L(z, y) = \max(0, 1 - y z)^2, \qquad
        \frac{\partial L}{\partial z} = -2 y \max(0, 1 - y z)

    with :math:`y = \pm 1`; for the multinomial form see `Hinge`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.losses import SquaredHinge
    >>> total, slopes = SquaredHinge().evaluate(np.array([0.5, 2.0]), np.ones(2))
    >>> total, slopes.tolist()
    (0.25, [-1.0, -0.0])
    """

    task = "margin"

    def coefficients(self):
        return {"one": 1.0, "zero": 0.0}

    @staticmethod
    def loss(z, y, one, zero):
        short = max(one - y * z, zero)
        return short * short, -y * (short + short)
