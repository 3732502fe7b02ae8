"""The perceptron's loss: only rows on the wrong side pull."""

from .base import Loss


class Perceptron(Loss):
    r"""Loss of the perceptron.

    .. math::
        L(z, y) = \max(0, -y z), \qquad
        \frac{\partial L}{\partial z} = -y\, [y z \le 0]

    with :math:`y = \pm 1`; multinomial as `Hinge` is. A model of zeros has the smallest loss
    there is, so do not ask how small it became, but how many rows are on the right side.

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
