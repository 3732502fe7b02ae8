"""Lion: the sign of a mean of momentum and gradient."""

from .optimizer import Optimizer


class Lion(Optimizer):
    r"""Lion.

    .. math::
        \theta_t = \theta_{t-1} - \eta \, \mathrm{sign}(\beta_1 m_{t-1} + (1 - \beta_1) g_t),
        \qquad m_t = \beta_2 m_{t-1} + (1 - \beta_2) g_t

    Parameters
    ----------
    lr : float, default=1e-4
        Learning rate :math:`\eta`: change of every parameter in each step. Use a third to a tenth
        of AdamW's rate, and a weight decay larger by the same factor.
    beta1 : float, default=0.9
        Weight of the momentum in the step, in [0, 1).
    beta2 : float, default=0.99
        Decay of the momentum, in [0, 1).
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        Kind of weight decay; the paper's is decoupled.
    preset : {"keras"}, optional
        Library whose defaults apply to parameters not given.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: one array shaped like the parameter.

    References
    ----------
    Chen et al. 2023, "Symbolic discovery of optimization algorithms", arXiv:2302.06675.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Lion
    >>> w = np.array([1.0, -2.0])
    >>> updater = Lion(lr=0.25).bind(w)
    >>> updater.step(np.array([4.0, -1e-6]))
    >>> w.tolist()
    [0.75, -1.75]
    """

    lr: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99
    decay: str = "decoupled"

    squares = False
    state = ("m",)
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)"}
    presets = {"keras": {"lr": 1e-3}}

    def coefficients(self, t, lr):
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "lr": lr,
        }

    @staticmethod
    def update(p, g, m, b1, c1, b2, c2, lr):
        p = p - lr * sign(b1 * m + c1 * g)
        m = b2 * m + c2 * g
        return p, m
