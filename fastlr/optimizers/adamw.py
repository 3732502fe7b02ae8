"""AdamW: Adam whose weight decay bypasses the adaptive scale."""

from .adam import Adam


class AdamW(Adam):
    r"""Adam with decoupled weight decay.

    .. math::
        \theta_t = (1 - \eta \lambda)\, \theta_{t-1} - \eta \,
            \frac{m_t / (1 - \beta_1^t)}{\sqrt{v_t / (1 - \beta_2^t)} + \epsilon}

    with :math:`m` and :math:`v` as in `Adam`.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate :math:`\eta`.
    beta1, beta2, eps, amsgrad, eps_mode
        As in `Adam`.
    weight_decay : float, default=0.01
        :math:`\lambda`, per unit of learning rate.
    decay : {"decoupled", "l2", "independent"}, default="decoupled"
        ``"independent"`` shrinks the parameter by :math:`\lambda` times the schedule's factor,
        independent of `lr`.
    preset : {"torch", "keras", "optax", "fastai"}, optional
        Library whose defaults and form apply to parameters not given; ``"fastai"`` is what fastai
        calls Adam.
    **common
        All keywords of `Optimizer`.

    Notes
    -----
    State: two arrays shaped like the parameter, three with `amsgrad`.

    References
    ----------
    Loshchilov & Hutter 2019, arXiv:1711.05101.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import AdamW
    >>> w = np.array([1.0, -2.0])
    >>> updater = AdamW(lr=0.1, weight_decay=0.5).bind(w)
    >>> updater.step(np.zeros(2))  # no gradient: only decay
    >>> w.tolist()
    [0.95, -1.9]
    """

    weight_decay: float = 1e-2
    decay: str = "decoupled"
    presets = {
        "torch": {},
        "keras": {"eps": 1e-7, "eps_mode": "hat", "weight_decay": 4e-3},
        "optax": {"weight_decay": 1e-4},
        "fastai": {"beta2": 0.99, "eps": 1e-5},
    }
