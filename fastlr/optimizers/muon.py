"""Muon: momentum with all singular values brought near one."""

import numbers

import numpy as np

from ._array import ArrayOptimizer
from .adamw import AdamW
from .optimizer import Optimizer


class Muon(ArrayOptimizer):
    r"""Momentum orthogonalised by Newton-Schulz iterations.

    For a matrix :math:`\theta` of A rows and B columns,

    .. math::
        B_t &= \mu B_{t-1} + (1 - \mu) g_t, \qquad
        X_0 = \frac{(1 - \mu) g_t + \mu B_t}{\max(\|(1 - \mu) g_t + \mu B_t\|_F, \epsilon)} \\
        X_{k+1} &= a X_k + (b\, S_k + c\, S_k^2) X_k, \qquad S_k = X_k X_k^T \\
        \theta_t &= (1 - \eta \lambda) \theta_{t-1} - \eta s X_K, \qquad
        s = \sqrt{\max(1, A / B)} \;\text{ or }\; 0.2 \sqrt{\max(A, B)}

    Without `nesterov`, :math:`X_0` is :math:`B_t` over its norm. `AdamW` steps all parameters that
    are not matrices.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`; the spectral norm of a step is about :math:`\eta s`.
    momentum : float, default=0.95
        :math:`\mu`, in [0, 1).
    nesterov : bool, default=True
        Look ahead along the momentum, as in the equation.
    ns_steps : int, default=5
        Iterations :math:`K`, in [1, 100).
    ns_a, ns_b, ns_c : float, default=3.4445, -4.775, 2.0315
        Coefficients of an iteration. With the defaults, small singular values grow fast, and all
        end between about 0.7 and 1.2.
    eps : float, default=1e-7
        Smallest norm used as a divisor, in units of gradient.
    adjust_lr_fn : {"original", "match_rms_adamw"}, default="original"
        Form of :math:`s`: Jordan's, or the one that makes steps as large as AdamW's, so that
        AdamW's learning rate and decay can be used.
    adamw_lr : float, optional
        Learning rate of AdamW, by default `lr`; the schedule and groups scale it, too.
    adamw_beta1, adamw_beta2, adamw_eps : float, default=0.9, 0.999, 1e-8
        As in `AdamW`. A schedule that drives the momentum drives `adamw_beta1`.
    weight_decay : float, default=0.1
        :math:`\lambda` of all parameters; groups may set another.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        Kind of weight decay; see `Optimizer`.
    **common
        All keywords of `Optimizer` but l1, cautious, lookahead and lookahead_alpha.

    Notes
    -----
    State: one array shaped like the parameter; two where AdamW steps. The iterations run in BLAS,
    in the parameter's precision; torch rounds to bfloat16 in between, which changes a step by about
    one per cent. A step of an m by n matrix, m <= n, takes about ``2 K m (2 m n + m^2)``
    operations. The rule is array code on the CPU (``updater.backend == "numpy"``); `backend` is the
    compiler of AdamW.

    References
    ----------
    Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks",
    https://kellerjordan.github.io/posts/muon/; the mean instead of the sum of gradients and the
    options as in ``torch.optim.Muon``. "match_rms_adamw": Liu et al. 2025, arXiv:2502.16982.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Muon
    >>> params = {"w": np.zeros((2, 2)), "bias": np.zeros(2)}
    >>> updater = Muon(lr=0.1).bind(params)
    >>> updater.step({"w": np.diag([9.0, -4.0]), "bias": np.array([5.0, -0.1])})
    >>> params["w"].round(2).tolist(), params["bias"].round(2).tolist()
    ([[-0.07, 0.0], [0.0, 0.11]], [-0.1, 0.1])
    """

    lr: float = 1e-3
    momentum: float = 0.95
    nesterov: bool = True
    ns_steps: int = 5
    ns_a: float = 3.4445
    ns_b: float = -4.775
    ns_c: float = 2.0315
    eps: float = 1e-7
    adjust_lr_fn: str = "original"
    adamw_lr: float | None = None
    adamw_beta1: float = 0.9
    adamw_beta2: float = 0.999
    adamw_eps: float = 1e-8
    weight_decay: float = 0.1
    decay: str = "decoupled"

    flags = ("nesterov",)
    ranges = {
        "momentum": "[0, 1)",
        "ns_steps": "[1, 100)",
        "ns_a": "(-inf, inf)",
        "ns_b": "(-inf, inf)",
        "ns_c": "(-inf, inf)",
        "eps": "(0, inf)",
        "adamw_lr": "[0, inf)",
        "adamw_beta1": "[0, 1)",
        "adamw_beta2": "[0, 1)",
        "adamw_eps": "[0, inf)",
    }
    choices = {"nesterov": (False, True), "adjust_lr_fn": ("original", "match_rms_adamw")}

    def validate(self):
        if not isinstance(self.ns_steps, numbers.Integral):
            raise TypeError(f"Muon: ns_steps must be a whole number, got {self.ns_steps!r}")

    def coefficients(self, t, lr):
        return {
            "c1": 1 - self.momentum,
            "momentum": self.momentum,
            "a": self.ns_a,
            "b": self.ns_b,
            "c": self.ns_c,
            "eps": self.eps,
            "rate": lr,
        }

    def handles(self, shape):
        return len(shape) == 2

    def fallback(self):
        common = {name: getattr(self, name) for name in Optimizer.parameter_defaults}
        # Schedules of Muon's own hyper-parameters do not apply to AdamW.
        schedules = {
            k: v for k, v in (self.schedules or {}).items() if k in Optimizer.parameter_defaults
        }
        common |= {"schedules": schedules or None, "clip_norm": None, "nonfinite": "ignore"}
        return AdamW(
            lr=self.lr if self.adamw_lr is None else self.adamw_lr,
            beta1=self.adamw_beta1,
            beta2=self.adamw_beta2,
            eps=self.adamw_eps,
            **common,
        )

    def state_shapes(self, shape):
        return {"buf": shape}

    def step_array(self, p, g, state, coefficients):
        c, buf = coefficients, state["buf"]
        buf -= c["c1"] * buf
        buf += c["c1"] * g
        pull = g + c["momentum"] * (buf - g) if self.nesterov else buf
        rows, columns = p.shape
        if self.adjust_lr_fn == "original":
            scale = max(1.0, rows / columns) ** 0.5
        else:
            scale = 0.2 * max(rows, columns) ** 0.5
        p -= (c["rate"] * scale) * self._orthogonal(pull, c)

    def _orthogonal(self, x: np.ndarray, c: dict[str, float]) -> np.ndarray:
        """Bring the singular values of a matrix near 1."""
        tall = x.shape[0] > x.shape[1]
        x = (x.T if tall else x) / max(float(np.linalg.norm(x)), c["eps"])
        for _ in range(self.ns_steps):
            gram = x @ x.T
            x = c["a"] * x + (c["b"] * gram + c["c"] * (gram @ gram)) @ x
        return x.T if tall else x
