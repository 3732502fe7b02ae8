"""Hinge loss, for support vector machines."""

from .base import Loss


class Hinge(Loss):
    r"""Hinge loss.

    .. math::
        L(z, y) = \max(0, 1 - y z), \qquad
        \frac{\partial L}{\partial z} = -y\, [y z \le 1]

    with :math:`y = \pm 1`. Multinomial classifiers replace :math:`y z` by the difference between
    the score of a row's class and the largest other score, the multi-class machine of Crammer &
    Singer 2001 (JMLR 2).

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.losses import Hinge
    >>> total, slopes = Hinge().evaluate(np.array([0.5, 2.0]), np.ones(2))
    >>> total, slopes.tolist()
    (0.5, [-1.0, 0.0])
    """

    task = "margin"

    def coefficients(self):
        return {"one": 1.0, "zero": 0.0}

    @staticmethod
    def loss(z, y, one, zero):
        short = one - y * z
        return max(short, zero), -y if short >= zero else zero
