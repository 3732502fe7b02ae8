"""Tweedie loss, of which Poisson and Gamma are special cases."""

from .base import Loss


class Tweedie(Loss):
    r"""Half the Tweedie deviance, with a log link, without terms in :math:`y` alone.

    .. math::
        L(z, y) = \phi_{2-p}(z) - y\, \phi_{1-p}(z), \qquad
        \phi_c(z) = \frac{e^{c z} - 1}{c}, \quad \phi_0(z) = z

    .. math::
        \frac{\partial L}{\partial z} = e^{(2-p) z} - y e^{(1-p) z}

    The prediction is :math:`e^z`. At powers 1 and 2 this form has no pole and equals `Poisson` and
    `Gamma` up to a constant.

    Parameters
    ----------
    power : float, default=1.5
        :math:`p` in [1, inf): the variance is proportional to this power of the mean. Between 1 and
        2 targets may be zero, as in rainfall and insurance claims; 3 is the inverse Gaussian
        distribution.

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
        """Interval of the targets; zeros have a likelihood only for powers below 2."""
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
