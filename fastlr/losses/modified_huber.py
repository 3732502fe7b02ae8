"""Modified Huber loss: a squared hinge with bounded slope and probabilities."""

import numpy as np

from .base import Loss


class ModifiedHuber(Loss):
    r"""Modified Huber loss.

    .. math::
        L(z, y) = \begin{cases} \max(0, 1 - y z)^2 & y z \ge -1 \\ -4 y z & y z < -1 \end{cases}

    with :math:`y = \pm 1`; for the multinomial form see `Hinge`. Rows far on the wrong side have a
    slope of 4 at most. Its minimiser estimates probabilities,
    :math:`(\mathrm{clip}(z, -1, 1) + 1) / 2`.

    References
    ----------
    Zhang 2004, "Solving large scale linear prediction problems using stochastic gradient descent
    algorithms", ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.losses import ModifiedHuber
    >>> ModifiedHuber().probability(np.array([-3.0, 0.5])).tolist()
    [0.0, 0.75]
    """

    task = "margin"

    def coefficients(self):
        return {"one": 1.0, "zero": 0.0, "four": 4.0}

    def probability(self, z):
        return np.asarray((np.clip(z, -1, 1) + 1) / 2)

    @staticmethod
    def loss(z, y, one, zero, four):
        margin = y * z
        short = max(one - margin, zero)
        if margin >= -one:
            value = short * short
            slope = -y * (short + short)
        else:
            value = -four * margin
            slope = -four * y
        return value, slope
