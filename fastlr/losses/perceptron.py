"""Perceptron loss: only rows on the wrong side have a gradient."""

from .base import Loss


class Perceptron(Loss):
    r"""Loss of the perceptron.

    .. math::
        L(z, y) = \max(0, -y z), \qquad
        \frac{\partial L}{\partial z} = -y\, [y z \le 0]

    with :math:`y = \pm 1`; for the multinomial form see `Hinge`. A model of zeros has the smallest
    possible loss, so judge a model by its accuracy and not by this loss.

    References
    ----------
    Rosenblatt 1958, "The perceptron", Psychological Review 65.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.losses import Perceptron
    >>> total, slopes = Perceptron().evaluate(np.array([-0.5, 0.5]), np.ones(2))
    >>> total, slopes.tolist()
    (0.5, [-1.0, 0.0])
    """

    task = "margin"

    def coefficients(self):
        return {"zero": 0.0}

    @staticmethod
    def loss(z, y, zero):
        margin = y * z
        return max(-margin, zero), -y if margin <= zero else zero
