"""SM3: Adagrad with sums per row and column instead of per element."""

import functools

import numpy as np

from ._array import ArrayOptimizer


class SM3(ArrayOptimizer):
    r"""Square-root of minima of sums of maxima of squared gradients (SM3-II).

    Each slice of an array along each dimension has one number. Element :math:`i` lies in one slice
    of each dimension :math:`r`, called :math:`r_i` here:

    .. math::
        \nu_t(i) &= \beta_2 \min_r \mu_{t-1}(r_i) + b\, g_t(i)^2, \qquad
        \mu_t(s) = \max_{i \in s} \nu_t(i) \\
        m_t &= \mu m_{t-1} + (1 - \mu) \frac{g_t}{\sqrt{\nu_t + \epsilon}}, \qquad
        \theta_t = \theta_{t-1} - \eta m_t

    with :math:`b = 1` for :math:`\beta_2 = 1`, otherwise :math:`b = 1 - \beta_2`, and 0 for
    :math:`0 / 0`. In a vector each element is one slice, which gives Adagrad.

    Parameters
    ----------
    lr : float, default=0.1
        Learning rate :math:`\eta`, in units of parameter.
    momentum : float, default=0.9
        :math:`\mu`, in [0, 1). At 0 no array :math:`m` is kept.
    beta2 : float, default=1.0
        Decay of the sums of squares, in [0, 1]; 1 as in the paper means no decay.
    eps : float, default=1e-8
        Added to :math:`\nu`, in units of squared gradient.
    **common
        All keywords of `Optimizer` but l1, cautious, lookahead and lookahead_alpha.

    Notes
    -----
    State: m + n numbers for an m by n matrix, and with momentum an array like the parameter. The
    rule is array code on the CPU (``updater.backend == "numpy"``) and makes temporary arrays of the
    parameter's size.

    References
    ----------
    Anil, Gupta, Koren & Singer 2019, "Memory-efficient adaptive optimization", arXiv:1901.11150,
    algorithm SM3-II; momentum, `beta2` and `eps` as in ``optax.sm3``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import SM3
    >>> w = np.zeros((2, 2))
    >>> updater = SM3(lr=0.5, momentum=0.0, eps=0.0).bind(w)
    >>> updater.step(np.array([[3.0, 0.0], [0.0, 4.0]]))
    >>> w.tolist(), updater.state_dict()["state"]["slices0"]["0"].ravel().tolist()
    ([[-0.5, 0.0], [0.0, -0.5]], [9.0, 16.0])
    """

    lr: float = 0.1
    momentum: float = 0.9
    beta2: float = 1.0
    eps: float = 1e-8

    flags = ("momentum",)
    ranges = {"momentum": "[0, 1)", "beta2": "[0, 1]", "eps": "[0, inf)"}

    def coefficients(self, t, lr):
        beta2 = np.asarray(self.beta2)
        return {
            "beta2": beta2,
            "weight": np.where(beta2 == 1, 1.0, 1 - beta2),
            "eps": self.eps,
            "c1": 1 - self.momentum,
            "rate": lr,
        }

    def state_shapes(self, shape):
        if len(shape) < 2:
            shapes = {"slices0": shape}
        else:
            shapes = {
                f"slices{r}": tuple(n if k == r else 1 for k, n in enumerate(shape))
                for r in range(len(shape))
            }
        return {**shapes, "m": shape} if self.momentum else shapes

    def step_array(self, p, g, state, coefficients):
        c = coefficients
        slices = [a for name, a in state.items() if name.startswith("slices") and a.size]
        least = functools.reduce(np.minimum, slices)
        nu = c["beta2"] * least + c["weight"] * (g * g)
        for r, each in enumerate(slices):
            rest = tuple(k for k in range(p.ndim) if k != r) if p.ndim > 1 else ()
            each[...] = nu.max(axis=rest, keepdims=True) if rest else nu
        scale = np.sqrt(nu + c["eps"])
        u = np.divide(g, scale, out=np.zeros_like(p), where=nu > 0)
        if self.momentum:
            m = state["m"]
            m -= c["c1"] * m
            m += c["c1"] * u
            u = m
        p -= c["rate"] * u
