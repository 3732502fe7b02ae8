"""Adam: momentum scaled by a running estimate of the gradient's size."""

import numpy as np

from .optimizer import Optimizer


class Adam(Optimizer):
    r"""Adam, with AMSGrad as an option and weight decay as an L2 term by default.

    .. math::
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1) g_t, \qquad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2 \\
        \theta_t &= \theta_{t-1} - \eta \,
            \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`: roughly the largest change of a parameter in one step.
    beta1, beta2 : float, default=0.9, 0.999
        Decay of the mean gradient and the mean squared gradient, in [0, 1).
    eps : float, default=1e-8
        Added to the denominator, in units of gradient.
    amsgrad : bool, default=False
        Divide by the largest :math:`v` so far.
    amsgrad_of : {"v", "v_hat"}, default="v"
        AMSGrad's maximum is over :math:`v`, whose bias is corrected afterwards (torch, keras), or
        over :math:`v / (1 - \beta_2^t)` (optax).
    eps_mode : {"outside", "hat"}, default="outside"
        Add eps after the bias correction of :math:`v` (``"outside"``: torch, optax) or before it
        (``"hat"``: keras, scikit-learn).
    preset : {"torch", "keras", "tf", "optax", "sklearn", "fastai"}, optional
        Library whose defaults and form apply to parameters not given; ``"tf"`` is
        ``tf.compat.v1.train.AdamOptimizer``, ``"sklearn"`` is ``MLPClassifier``.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter, three with `amsgrad`.

    References
    ----------
    Kingma & Ba 2015, arXiv:1412.6980; Reddi et al. 2018, arXiv:1904.09237 (AMSGrad).

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import Adam
    >>> w = np.array([1.0, -2.0])
    >>> updater = Adam(lr=0.1).bind(w)
    >>> updater.step(w.copy())
    >>> w.round(6).tolist()
    [0.9, -1.9]
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    amsgrad: bool = False
    eps_mode: str = "outside"
    amsgrad_of: str = "v"

    state = ("m", "v", "vmax")
    flags = ("amsgrad",)
    decays = ("beta1", "beta2")
    ranges = {"beta1": "[0, 1)", "beta2": "[0, 1)", "eps": "[0, inf)"}
    choices = {
        "amsgrad": (False, True),
        "eps_mode": ("outside", "hat"),
        "amsgrad_of": ("v", "v_hat"),
    }
    presets = {
        "torch": {},
        "keras": {"eps": 1e-7, "eps_mode": "hat", "decay": "decoupled"},
        "tf": {"eps_mode": "hat"},
        "optax": {"amsgrad_of": "v_hat"},
        "sklearn": {"eps_mode": "hat"},
        "fastai": {"beta2": 0.99, "eps": 1e-5, "weight_decay": 1e-2, "decay": "decoupled"},
    }

    def validate(self):
        if self.amsgrad_of == "v_hat" and self.eps_mode == "hat":
            raise ValueError(
                f"{type(self).__name__}: amsgrad_of='v_hat' corrects the bias first and "
                "eps_mode='hat' corrects it last; choose one of them"
            )

    def coefficients(self, t, lr):
        root = 1 / np.sqrt(1 - self.beta2**t)
        step = lr / (1 - self.beta1**t)
        lift = np.ones_like(root)
        if self.amsgrad and self.amsgrad_of == "v_hat":
            lift, root = root * root, lift
        if self.eps_mode == "hat":
            step, root = step / root, np.ones_like(root)
        return {
            "b1": self.beta1,
            "c1": 1 - self.beta1,
            "b2": self.beta2,
            "c2": 1 - self.beta2,
            "eps": self.eps,
            "step": step,
            "root": root,
            "lift": lift,
        }

    @staticmethod
    def update(p, g, m, v, vmax, b1, c1, b2, c2, eps, step, root, lift, amsgrad):
        m = b1 * m + c1 * g
        v = b2 * v + c2 * g * g
        if amsgrad:
            vmax = max(vmax, lift * v)
            scale = vmax
        else:
            scale = v
        p = p - step * m / (sqrt(scale) * root + eps)
        return p, m, v, vmax
