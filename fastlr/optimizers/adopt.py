"""ADOPT: gradients scaled by the mean square of earlier gradients."""

import numpy as np

from .optimizer import Optimizer


class ADOPT(Optimizer):
    r"""ADOPT, with the clipping of its second version.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) \, \mathrm{clip}\Big(
            \frac{g_t}{\max(\sqrt{v_{t-1}}, \epsilon)},\, -c_t,\, c_t\Big), \qquad
            c_t = (t - 1)^{1/4} \\
        \theta_t &= \theta_{t-1} - \eta \, m_t, \qquad
            v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \qquad v_1 = g_1^2

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`.
    beta1, beta2 : float, default=0.9, 0.9999
        Decay of the mean scaled gradient and the mean squared gradient, in [0, 1).
    eps : float, default=1e-6
        Smallest denominator, in units of gradient.
    clip_scaled : bool, default=True
        Clip scaled gradients at :math:`c_t`. Without clipping, a gradient that is zero only in the
        first step makes a huge second step.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter. The first step only initialises :math:`v` and,
    unlike in the authors' code, applies decoupled decay.

    References
    ----------
    Taniguchi et al. 2024, "ADOPT: modified Adam can converge with any beta2 with the optimal
    rate", arXiv:2411.02853.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import ADOPT
    >>> w = np.array([1.0, -2.0])
    >>> updater = ADOPT(lr=0.1).bind(w)
    >>> for _ in range(2):
    ...     updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.99, -1.99]
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.9999
    eps: float = 1e-6
    clip_scaled: bool = True

    state = ("m", "v")
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "(0, inf)"}
    choices = {"clip_scaled": (False, True)}

    def coefficients(self, t, lr):
        first = np.asarray(t) == 1
        bound = (t - 1.0) ** 0.25 if self.clip_scaled else np.inf
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": np.where(first, 0.0, self.beta2),
            "c2": np.where(first, 1.0, 1 - self.beta2),
            "eps": self.eps,
            "bound": np.where(first, 0.0, bound),  # zero: the first step does not move
            "lr": lr,
        }

    @staticmethod
    def update(p, g, m, v, b1, c1, b2, c2, eps, bound, lr):
        scaled = min(max(g / max(sqrt(v), eps), -bound), bound)
        m = b1 * m + c1 * scaled
        p = p - lr * m
        v = b2 * v + c2 * g * g
        return p, m, v
