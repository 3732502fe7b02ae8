"""Cyclical learning rates: up and down in triangles."""

import math
from typing import Any

import numpy as np

from ._calling import values_of
from .base import Schedule
from .rule import Length, epochs


class Cyclical(Schedule):
    r"""Rise and fall linearly between a lowest rate and the full rate, repeatedly.

    With a cycle of :math:`u` steps up and :math:`d` steps down, cycle number
    :math:`i = 1, 2, ...` and triangle :math:`z(t)` going from 0 to 1 and back,

    .. math:: f(t) = f_{\min} + (1 - f_{\min}) \, z(t) \, w

    where :math:`w` is 1 for ``"triangular"``, :math:`2^{1 - i}` for ``"triangular2"`` and
    :math:`\gamma^t` for ``"exp_range"``, or the value of `scale`. The momentum runs the other way,
    :math:`\mu_{\max} - (\mu_{\max} - \mu_{\mathrm{base}}) \, z(t) \, w`.

    Parameters
    ----------
    up : int, float or Epochs, default=epochs(2)
        :math:`u`: steps, fraction of the run in (0, 1), or epochs.
    down : int, float or Epochs, optional
        :math:`d`; by default as long as `up`.
    min_factor : float, default=0.25
        :math:`f_{\min}`, in [0, 1], dimensionless: lowest rate over highest.
    mode : {"triangular", "triangular2", "exp_range"}, default="triangular"
        How peaks change from cycle to cycle.
    gamma : float, default=0.9999
        :math:`\gamma` of ``"exp_range"``, in (0, 1].
    scale_mode : {"iterations", "cycle"}, default="iterations"
        Whether ``"exp_range"`` and `scale` depend on the step or the cycle (:math:`\gamma^i`).
    cycle_momentum : bool, default=True
        Also drive the momentum (beta1 for Adam).
    base_momentum, max_momentum : float, default=0.8, 0.9
        Momentum at the highest and the lowest rate, in [0, 1).
    cycles : int, optional
        Number of cycles before the rate stays at its lowest; unlimited by default.
    scale : callable, optional
        :math:`w` in [0, 1] as a Python function of :math:`t` or, by `scale_mode`, :math:`i`. It
        replaces `mode` and is called as described in `Function`.

    Notes
    -----
    Matches torch's ``CyclicLR``.

    References
    ----------
    Smith 2017, arXiv:1506.01186.

    Examples
    --------
    >>> from fastlr.schedules import Cyclical
    >>> Cyclical(2, min_factor=0.5).simulate(6).lr.tolist()
    [0.5, 0.75, 1.0, 0.75, 0.5, 0.75]
    >>> Cyclical(2).simulate(6).momentum.round(3).tolist()
    [0.9, 0.85, 0.8, 0.85, 0.9, 0.85]
    """

    up: Length = epochs(2)
    down: Length | None = None
    min_factor: float = 0.25
    mode: str = "triangular"
    gamma: float = 0.9999
    scale_mode: str = "iterations"
    cycle_momentum: bool = True
    base_momentum: float = 0.8
    max_momentum: float = 0.9
    cycles: int | None = None
    scale: Any = None

    aliases = ("cyclic", "clr")
    lengths = {"up": 1, "down": 1}
    ranges = {
        "min_factor": "[0, 1]",
        "gamma": "(0, 1]",
        "base_momentum": "[0, 1)",
        "max_momentum": "[0, 1)",
        "cycles": "[1, inf)",
    }
    choices = {
        "mode": ("triangular", "triangular2", "exp_range"),
        "scale_mode": ("iterations", "cycle"),
        "cycle_momentum": (False, True),
    }

    def validate(self):
        if self.cycles is not None and self.cycles != int(self.cycles):
            raise ValueError(f"Cyclical: cycles must be a whole number, got {self.cycles!r}")
        if self.scale is None:
            return
        if not callable(self.scale) or isinstance(self.scale, type):
            raise TypeError(f"Cyclical: scale must be a function, got {self.scale!r}")
        if self.mode != "triangular":
            raise ValueError(f"Cyclical: scale replaces mode, got mode={self.mode!r}")

    def length(self, run):
        up, down = self._sides(run)
        return None if self.cycles is None else int(self.cycles) * (up + down)

    def evaluate(self, t, run, metric_state=None):
        factor, momentum = super().evaluate(t, run)
        if self.scale is None:
            return factor, momentum
        # The curves have mode="triangular" here; multiply their heights by w.
        w = self._scaled(np.asarray(t, dtype=np.float64), run)
        factor = self.min_factor + (factor - self.min_factor) * w
        if momentum is not None:
            momentum = self.max_momentum + (momentum - self.max_momentum) * w
        return factor, momentum

    def coefficients(self, run):
        return self._curve(run, self.min_factor, 1.0)

    def momentum_coefficients(self, run):
        if not self.cycle_momentum:
            return None
        return self._curve(run, self.max_momentum, self.base_momentum)

    def _sides(self, run):
        up = self.steps_of("up", run)
        return up, up if self.down is None else self.steps_of("down", run)

    def _scaled(self, t, run):
        up, down = self._sides(run)
        if self.cycles is not None:
            t = np.minimum(t, self.cycles * (up + down))
        x = t if self.scale_mode == "iterations" else np.floor(t / (up + down)) + 1
        return values_of(self.scale, x, "Cyclical: scale", highest=1.0)

    def _curve(self, run, low, high):
        up, down = self._sides(run)
        end = math.inf if self.cycles is None else self.cycles * (up + down)
        by_step = self.mode == "exp_range" and self.scale_mode == "iterations"
        shrink = {"triangular": 1.0, "triangular2": 0.5, "exp_range": self.gamma}[self.mode]
        return {
            "up": up,
            "down": down,
            "end": end,
            "low": low,
            "span": high - low,
            "shrink": shrink,
            "by_step": by_step,
            # exp_range counts its first cycle as 1, triangular2 as 0.
            "before": self.mode == "exp_range",
            "zero": 0.0,
        }

    @staticmethod
    def factor(t, up, down, end, low, span, shrink, by_step, before, zero):
        t = min(t, end)
        period = up + down
        cycle = floor(t / period)
        place = t - cycle * period
        height = place / up if place < up else (period - place) / down
        age = t if by_step > zero else cycle + before
        return low + span * height * pow(shrink, age)
