"""scikit-learn's `optimal`: Bottou's rate for a loss with an L2 penalty."""

from .base import Schedule


class Optimal(Schedule):
    r"""The schedule ``learning_rate="optimal"`` of scikit-learn.

    .. math::
        f(t) = \frac{t_0}{t_0 + t}, \qquad t_0 = \alpha^{-3/4}

    scikit-learn's rate at its step :math:`k = t + 1` is
    :math:`\eta_k = 1 / (\alpha (t_0 + k - 1))`, where :math:`t_0` makes the first rate
    :math:`\alpha^{-1/4}`; :math:`f` is the ratio to it. With ``lr=alpha**-0.25`` the rates are
    scikit-learn's, and another `lr` scales them.

    Parameters
    ----------
    alpha : float, default=1e-4
        :math:`\alpha`, in (0, inf): strength of the L2 penalty, per unit of squared parameter,
        which is the curvature that the penalty adds to the loss. At the default, :math:`t_0` is
        1000 steps and scikit-learn's first rate is 10.

    Notes
    -----
    It has no end. scikit-learn counts rows, this schedule mini-batches. scikit-learn's source
    divides the first rate by ``max(1, dloss)``, which is 1 for all its losses.

    References
    ----------
    Bottou 2012, "Stochastic gradient descent tricks".

    Examples
    --------
    >>> from fastlr.schedules import Optimal
    >>> alpha = 0.01
    >>> Optimal(alpha).simulate(4, lr=alpha**-0.25).lr.round(4).tolist()
    [3.1623, 3.0653, 2.9742, 2.8883]
    """

    alpha: float = 1e-4

    ranges = {"alpha": "(0, inf)"}

    def coefficients(self, run):
        return {"t0": self.alpha**-0.75}

    @staticmethod
    def factor(t, t0):
        return t0 / (t0 + t)
