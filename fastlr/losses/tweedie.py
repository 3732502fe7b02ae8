"""Tweedie loss: from Poisson to Gamma and beyond."""

from .base import Loss


class Tweedie(Loss):
    r"""Half the Tweedie deviance, with a log link, without terms of :math:`y` alone.

    .. math::
        L(z, y) = \phi_{2-p}(z) - y\, \phi_{1-p}(z), \qquad
        \phi_c(z) = \frac{e^{c z} - 1}{c}, \quad \phi_0(z) = z

    .. math::
        \frac{\partial L}{\partial z} = e^{(2-p) z} - y e^{(1-p) z}

    The prediction is :math:`e^z`. This form has no pole at 1 and 2, where it is that of
    `Poisson` and `Gamma` but for a constant.

    Parameters
    ----------
    power : float, default=1.5
        :math:`p` in [1, inf): the variance is proportional to the mean to this power. Between 1
        and 2 there may be zeros among the targets, as in rainfall and insurance claims; 3 is the
        inverse Gaussian distribution.

    Examples
    --------
    >>> from fastlr.losses import Tweedie
    >>> Tweedie(power=1.2).scaled(10.0)
    (Tweedie(power=1.2), 0.8)
    """

    power: float = 1.5
    ranges = {"power": "[1, inf)"}
    task = "positive"
    link = "log"

    @property
    def targets(self):  # type: ignore[override]
        """Interval that the targets lie in; zeros have a likelihood below a power of 2 only."""
        return "[0, inf)" if self.power < 2 else "(0, inf)"

    def coefficients(self):
        return {"first": 2 - self.power, "second": 1 - self.power, "zero": 0.0}

    def scaled(self, factor):
        return self, 2 - self.power

    @staticmethod
    def loss(z, y, first, second, zero):
        a = z if first == zero else expm1(first * z) / first
        b = z if second == zero else expm1(second * z) / second
        return a - y * b, exp(first * z) - y * exp(second * z)
