"""Log-cosh loss: a smooth Huber loss."""

import math

from .base import Loss


class LogCosh(Loss):
    r"""Logarithm of the hyperbolic cosine of the error.

    .. math::
        L(z, y) = s^2 \log \cosh \frac{z - y}{s}, \qquad
        \frac{\partial L}{\partial z} = s \tanh \frac{z - y}{s}

    It is near half the squared error for errors well below :math:`s`, and near :math:`s` times the
    absolute error for errors well above.

    Parameters
    ----------
    scale : float, default=1.0
        :math:`s`, in units of the target.

    Examples
    --------
    >>> from fastlr.losses import LogCosh
    >>> LogCosh(scale=2.0).scaled(10.0)
    (LogCosh(scale=0.2), 2.0)
    """

    scale: float = 1.0
    ranges = {"scale": "(0, inf)"}

    def coefficients(self):
        return {
            "scale": self.scale,
            "inverse": 1 / self.scale,
            "one": 1.0,
            "half": 0.5,
            "log2": math.log(2.0),
        }

    def scaled(self, factor):
        return self.replace(scale=self.scale / factor), 2.0

    @staticmethod
    def loss(z, y, scale, inverse, one, half, log2):
        r = (z - y) * inverse
        size = abs(r)
        if size < one:
            # log cosh r = log1p(cosh r - 1) in terms of tanh(r / 2) keeps the digits of small r.
            t = tanh(half * r)
            square = t * t
            value = log1p((square + square) / (one - square))
        else:
            value = size - log2 + log1p(exp(-(size + size)))
        return scale * scale * value, scale * tanh(r)
