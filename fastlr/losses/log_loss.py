"""Log-loss: the negative log-likelihood of classes."""

import numpy as np
from scipy.special import expit

from .base import Loss


class LogLoss(Loss):
    r"""Log-loss of two classes, and multinomial of more.

    .. math::
        L(z, y) = \log(1 + e^{-y z}), \qquad
        \frac{\partial L}{\partial z} = \frac{-y}{1 + e^{y z}}

    with :math:`y = \pm 1`. Classifiers of three classes or more train the multinomial form,
    :math:`\log \sum_k e^{z_k} - z_y`, which is compiled apart, unless one against the rest is
    asked for. In nats; probabilities are the logistic function of :math:`z`, or softmax.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.losses import LogLoss
    >>> LogLoss().probability(np.array([0.0, 2.0])).round(3).tolist()
    [0.5, 0.881]
    """

    task = "margin"
    link = "logit"
    aliases = ("logistic", "crossentropy")

    def coefficients(self):
        return {"one": 1.0, "zero": 0.0}

    def probability(self, z):
        return np.asarray(expit(z))

    @staticmethod
    def loss(z, y, one, zero):
        margin = y * z
        small = exp(-abs(margin))  # at most 1, whatever the sign: no overflow
        wrong = small if margin > zero else one
        return max(-margin, zero) + log1p(small), -y * (wrong / (one + small))
