"""Huber loss: quadratic near the target, linear far from it."""

from .base import Loss


class Huber(Loss):
    r"""Huber loss.

    .. math::
        L(z, y) = \begin{cases} \tfrac12 r^2 & |r| \le \delta \\
            \delta (|r| - \tfrac12 \delta) & |r| > \delta \end{cases}, \qquad r = z - y

    Parameters
    ----------
    delta : float, default=1.35
        :math:`\delta`, in units of the target. At 1.35 standard deviations of normal noise it is 5
        % less efficient than least squares.

    References
    ----------
    Huber 1964, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35.

    Examples
    --------
    >>> from fastlr.losses import Huber
    >>> Huber(delta=2.0).scaled(10.0)
    (Huber(delta=0.2), 2.0)
    """

    delta: float = 1.35
    ranges = {"delta": "(0, inf)"}

    def coefficients(self):
        return {"delta": self.delta, "half": 0.5}

    def scaled(self, factor):
        return self.replace(delta=self.delta / factor), 2.0

    @staticmethod
    def loss(z, y, delta, half):
        r = z - y
        slope = min(max(r, -delta), delta)
        return slope * (r - half * slope), slope
