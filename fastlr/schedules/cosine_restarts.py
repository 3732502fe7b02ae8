"""Cosine annealing with warm restarts (SGDR)."""

import math

from .base import Schedule
from .rule import Length, epochs


class CosineRestarts(Schedule):
    r"""Cosine annealing in cycles that may grow longer and lower.

    Cycle :math:`i = 0, 1, ...` has length :math:`T_i = T_0 M^i` and starts at
    :math:`s_i = T_0 (M^i - 1) / (M - 1)`, or :math:`i T_0` if :math:`M = 1`. Inside it

    .. math::
        f(t) = f_{\min} + (1 - f_{\min}) \, d^i \, \frac{1 + \cos(\pi (t - s_i) / T_i)}{2}

    Parameters
    ----------
    steps : int, float or Epochs, default=epochs(10)
        :math:`T_0`, the first cycle: steps, fraction of the run in (0, 1), or epochs.
    T_mult : float, default=1
        :math:`M`, in [1, inf): ratio of each cycle's length to the one before. For whole numbers
        the starts of all cycles are exact, whereas torch's logarithm is wrong at some boundaries.
    decay : float, default=1.0
        :math:`d`, in (0, 1]: ratio of each peak to the one before.
    min_factor : float, default=0.0
        :math:`f_{\min}`, in [0, 1], dimensionless.
    cycles : int, optional
        Number of cycles before the rate stays at its lowest; unlimited by default.

    References
    ----------
    Loshchilov & Hutter 2017, arXiv:1608.03983.

    Examples
    --------
    >>> from fastlr.schedules import CosineRestarts
    >>> CosineRestarts(2, T_mult=2, decay=0.5, cycles=2).simulate(8).lr.round(3).tolist()
    [1.0, 0.5, 0.5, 0.427, 0.25, 0.073, 0.0, 0.0]
    """

    steps: Length = epochs(10)
    T_mult: float = 1
    decay: float = 1.0
    min_factor: float = 0.0
    cycles: int | None = None

    aliases = ("restarts", "sgdr")
    lengths = {"steps": 1}
    ranges = {"T_mult": "[1, inf)", "decay": "(0, 1]", "min_factor": "[0, 1]", "cycles": "[1, inf)"}

    def validate(self):
        if self.cycles is not None and self.cycles != int(self.cycles):
            raise ValueError(f"CosineRestarts: cycles must be a whole number, got {self.cycles!r}")

    def length(self, run):
        return None if self.cycles is None else math.ceil(self._end(self.steps_of("steps", run)))

    def _end(self, steps):
        if self.cycles is None:
            return math.inf
        if self.T_mult == 1:
            return steps * self.cycles
        # Exact for a whole T_mult: a ratio of Python integers.
        growth = int(self.T_mult) if self.T_mult == int(self.T_mult) else self.T_mult
        return steps * (growth**self.cycles - 1) / (growth - 1)

    def coefficients(self, run):
        steps = self.steps_of("steps", run)
        return {
            "steps": steps,
            "growth": self.T_mult,
            "log_growth": math.log(self.T_mult),
            "whole": self.T_mult == int(self.T_mult),
            "end": self._end(steps),
            "decay": self.decay,
            "lowest": self.min_factor,
            "half_span": (1 - self.min_factor) / 2,
            "pi": math.pi,
            "half": 0.5,
            "one": 1.0,
            "zero": 0.0,
        }

    @staticmethod
    def factor(
        t, steps, growth, log_growth, whole, end, decay, lowest, half_span, pi, half, one, zero
    ):
        if growth > one:
            # The rounded logarithm is the number of this cycle or the next. The start of that
            # cycle, which is exact for a whole growth, decides.
            cycle = floor(log(t * (growth - one) / steps + one) / log_growth + half)
            scale = pow(growth, cycle)
            if whole > zero:
                scale = floor(scale + half)
            start = steps * (scale - one) / (growth - one)
            if t < start:
                cycle = cycle - one
                scale = scale / growth
                start = start - steps * scale
            span = steps * scale
        else:
            cycle = floor(t / steps)
            start = cycle * steps
            span = steps
        value = lowest
        if t < end:
            value += half_span * pow(decay, cycle) * (one + cos(pi * (t - start) / span))
        return value
