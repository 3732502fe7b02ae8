"""Log-loss: the negative log-likelihood of classes."""

import numpy as np
from scipy.special import expit

from .base import Loss


class LogLoss(Loss):
    r"""Log-loss for two classes, or multinomial for more.

    .. math::
        L(z, y) = \log(1 + e^{-y z}), \qquad
        \frac{\partial L}{\partial z} = \frac{-y}{1 + e^{y z}}

    with :math:`y = \pm 1`, in nats. Classifiers of three or more classes use the multinomial form
    :math:`\log \sum_k e^{z_k} - z_y`, which is compiled separately, unless ``multi_class="ovr"``.
    Probabilities are the logistic function of :math:`z`, or softmax.

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
        small = exp(-abs(margin))  # at most 1, so no overflow
        wrong = small if margin > zero else one
        return max(-margin, zero) + log1p(small), -y * (wrong / (one + small))
