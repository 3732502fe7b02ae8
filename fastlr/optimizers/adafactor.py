"""Adafactor: Adam with a second moment factored into a row and a column."""

import numpy as np

from ._array import ArrayOptimizer


class Adafactor(ArrayOptimizer):
    r"""Adaptive steps with sublinear memory.

    For an array of two or more dimensions, with means over its last (:math:`R`) and second-to-last
    (:math:`C`) dimension,

    .. math::
        w_t &= t^{-c}, \qquad
        R_t = R_{t-1} + w_t (\operatorname{mean}_{cols} g_t^2 - R_{t-1}), \qquad
        C_t = C_{t-1} + w_t (\operatorname{mean}_{rows} g_t^2 - C_{t-1}) \\
        \hat V_t &= \frac{R_t C_t}{\max(\operatorname{mean} R_t, \epsilon_1)}, \qquad
        u_t = \frac{g_t}{\max(\sqrt{\hat V_t}, \epsilon_1)} \\
        \theta_t &= (1 - \eta \lambda) \theta_{t-1} - \max(\epsilon_2, \operatorname{RMS}
            (\theta_{t-1})) \min(\eta, t^{-1/2}) \frac{u_t}{\max(1, \operatorname{RMS}(u_t) / d)}

    For vectors and single numbers, :math:`\hat V_t` is the running mean of :math:`g_t^2` itself.

    Parameters
    ----------
    lr : float, default=0.01
        :math:`\eta`: largest step relative to the size of the parameter, dimensionless.
    decay_rate : float, default=0.8
        :math:`c`, in [0, inf): how fast the mean of squares lengthens; the negative of torch's
        `beta2_decay`.
    eps1 : float, optional
        :math:`\epsilon_1`, in units of gradient; by default the machine epsilon.
    eps2 : float, default=1e-3
        :math:`\epsilon_2`: smallest size that steps are relative to, in units of the parameter.
    d : float, default=1.0
        Largest root mean square of :math:`u_t`, in [1, inf).
    weight_decay : float, default=0.0
        :math:`\lambda`.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        Kind of weight decay; see `Optimizer`.
    **common
        All keywords of `Optimizer` but l1, cautious, lookahead and lookahead_alpha.

    Notes
    -----
    State: m + n numbers for an m by n matrix; an array like the parameter for vectors. The rule is
    array code on the CPU (``updater.backend == "numpy"``) and makes temporary arrays of the
    parameter's size. Steps are relative to the parameter. One that starts at zero, as in linear
    models, first moves by ``eps2 * lr``; raise `eps2` there.

    References
    ----------
    Shazeer & Stern 2018, "Adafactor: adaptive learning rates with sublinear memory cost",
    arXiv:1804.04235, algorithms 4 and 5; eps enters as in ``torch.optim.Adafactor``.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Adafactor
    >>> w = np.full((2, 2), 2.0)
    >>> updater = Adafactor(lr=0.1).bind(w)
    >>> updater.step(np.array([[3.0, 3.0], [-5.0, -5.0]]))  # a tenth of the size of w
    >>> w.round(6).tolist()
    [[1.8, 1.8], [2.2, 2.2]]
    """

    lr: float = 1e-2
    decay_rate: float = 0.8
    eps1: float | None = None
    eps2: float = 1e-3
    d: float = 1.0
    decay: str = "decoupled"

    own_decay = "decoupled"  # the size of p is taken before decay
    ranges = {"decay_rate": "[0, inf)", "eps1": "(0, inf)", "eps2": "[0, inf)", "d": "[1, inf)"}

    def coefficients(self, t, lr):
        given = {} if self.eps1 is None else {"eps1": self.eps1}
        return {
            "weight": t**-self.decay_rate,
            "rate": np.minimum(lr, t**-0.5),
            "lr": lr,
            "eps2": self.eps2,
            "d": self.d,
            **given,
        }

    def state_shapes(self, shape):
        if len(shape) < 2:
            return {"v": shape}
        return {"row": (*shape[:-1], 1), "column": (*shape[:-2], 1, shape[-1])}

    def step_array(self, p, g, state, coefficients):
        c = coefficients
        eps1 = c.get("eps1", float(np.finfo(p.dtype).eps))
        size = max(c["eps2"], _rms(p))
        squares = g * g
        if p.ndim < 2:
            v = state["v"]
            v -= c["weight"] * v
            v += c["weight"] * squares
            scale = np.sqrt(v)
        else:
            row, column = state["row"], state["column"]
            row -= c["weight"] * row
            row += c["weight"] * squares.mean(axis=-1, keepdims=True)
            column -= c["weight"] * column
            column += c["weight"] * squares.mean(axis=-2, keepdims=True)
            relative = row / np.maximum(row.mean(axis=-2, keepdims=True), eps1)
            scale = np.sqrt(relative * column)
        u = g / np.maximum(scale, eps1)
        p -= (c["lr"] * c["weight_decay"]) * p
        p -= (c["rate"] * size / max(1.0, _rms(u) / c["d"])) * u


def _rms(x: np.ndarray) -> float:
    return float(np.linalg.norm(x)) / x.size**0.5
