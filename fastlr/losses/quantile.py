"""Quantile loss, also called pinball loss."""

from .base import Loss


class Quantile(Loss):
    r"""Quantile loss.

    .. math::
        L(z, y) = \begin{cases} q\,(y - z) & y \ge z \\ (1 - q)(z - y) & y < z \end{cases}

    Its minimiser estimates the :math:`q`-th quantile.

    Parameters
    ----------
    quantile : float, default=0.5
        :math:`q`, in (0, 1). With 0.5 this is half the absolute error.

    References
    ----------
    Koenker & Bassett 1978, "Regression quantiles", Econometrica 46.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr.losses import Quantile
    >>> total, slopes = Quantile(0.75).evaluate(np.array([1.0, 1.0]), np.array([0.0, 2.0]))
    >>> total, slopes.tolist()
    (1.0, [0.25, -0.75])
    """

    quantile: float = 0.5
    ranges = {"quantile": "(0, 1)"}
    aliases = ("pinball",)

    def coefficients(self):
        return {"below": self.quantile, "above": 1 - self.quantile, "zero": 0.0}

    def scaled(self, factor):
        return self, 1.0

    @staticmethod
    def loss(z, y, below, above, zero):
        r = z - y
        slope = above if r > zero else zero
        slope = -below if r < zero else slope
        return slope * r, slope
