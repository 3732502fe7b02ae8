"""Warm-up, stable, decay: a trapezoid with a long middle."""

import math

from .base import Schedule
from .rule import Length


class WarmupStableDecay(Schedule):
    r"""Raise the rate linearly, keep it, and lower it at the end.

    .. math::
        f(t) = \begin{cases}
            s + (1 - s)\, t / n & t < n \\
            1 & n \le t < T - d \\
            f_{\min} + (1 - f_{\min}) \, h(x), \quad x = (t - T + d) / d & t < T \\
            f_{\min} & \text{otherwise}
        \end{cases}

    with :math:`h(x) = 1 - x`, :math:`(1 + \cos \pi x) / 2` or :math:`1 - \sqrt x`.

    Parameters
    ----------
    warmup : int, float or Epochs, default=0.1
        :math:`n`: steps (0: none), fraction of the run in (0, 1), or epochs.
    decay : int, float or Epochs, default=0.2
        :math:`d`, likewise. Warm-up and decay together may not exceed `steps`.
    steps : int, float or Epochs, optional
        :math:`T`; by default the whole run.
    shape : {"1-sqrt", "linear", "cosine"}, default="1-sqrt"
        :math:`h`. The default was best in the comparison by Hägele et al.
    min_factor : float, default=0.0
        :math:`f_{\min}`, in [0, 1], dimensionless; the factor at step :math:`T`.
    start : float, optional
        :math:`s`, in [0, 1], the factor of step 0; by default :math:`1 / (n + 1)`, as in
        `Warmup`.

    Notes
    -----
    With ``start=min_factor`` it matches ``get_wsd_schedule`` in transformers.

    References
    ----------
    Hu et al. 2024, "MiniCPM", arXiv:2404.06395; Hägele et al. 2024, "Scaling laws and
    compute-optimal training beyond fixed training durations", arXiv:2405.18392.

    Examples
    --------
    >>> from fastlr.schedules import WarmupStableDecay
    >>> WarmupStableDecay(2, 4, shape="linear").simulate(8).lr.round(3).tolist()
    [0.333, 0.667, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    """

    warmup: Length = 0.1
    decay: Length = 0.2
    steps: Length | None = None
    shape: str = "1-sqrt"
    min_factor: float = 0.0
    start: float | None = None

    aliases = ("wsd",)
    lengths = {"warmup": 0, "decay": 1, "steps": 1}
    ranges = {"min_factor": "[0, 1]", "start": "[0, 1]"}
    choices = {"shape": ("1-sqrt", "linear", "cosine")}

    def length(self, run):
        return self.steps_of("steps", run)

    def coefficients(self, run):
        total, rise, fall = (self.steps_of(name, run) for name in ("steps", "warmup", "decay"))
        if rise + fall > total + 1:  # rounding may have added a step
            raise ValueError(
                f"WarmupStableDecay: warmup and decay must fit into steps, got "
                f"{rise} + {fall} > {total}"
            )
        return {
            "rise": rise,
            "start": 1 / (rise + 1) if self.start is None else self.start,
            "fall_at": max(total - fall, rise),
            "total": total,
            "lowest": self.min_factor,
            "cosine": self.shape == "cosine",
            "root": self.shape == "1-sqrt",
            "pi": math.pi,
            "half": 0.5,
            "one": 1.0,
            "zero": 0.0,
        }

    @staticmethod
    def factor(t, rise, start, fall_at, total, lowest, cosine, root, pi, half, one, zero):
        if t < rise:
            value = start + (one - start) * (t / rise)
        elif t < fall_at:
            value = one
        elif t < total:
            x = (t - fall_at) / (total - fall_at)
            if cosine > zero:
                left = half * (one + cos(pi * x))
            elif root > zero:
                left = one - sqrt(x)
            else:
                left = one - x
            value = lowest + (one - lowest) * left
        else:
            value = lowest
        return value
