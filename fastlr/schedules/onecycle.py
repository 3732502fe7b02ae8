"""The one-cycle policy: the rate rises, then falls; the momentum does the opposite."""

import math

from .base import Schedule
from .rule import Length


class OneCycle(Schedule):
    r"""One-cycle policy.

    From step 0 to step :math:`N - 1` the factor goes :math:`1/D \to 1 \to 1/(D F)`, with the peak
    at :math:`pN - 1`. With `three_phase` it goes :math:`1/D \to 1 \to 1/D \to 1/(D F)`, with
    corners at :math:`pN - 1` and :math:`2pN - 2`. Without `reach_end` they are :math:`N`,
    :math:`pN` and :math:`2pN`. At a fraction :math:`x` of the way from :math:`a` to :math:`b`,

    .. math:: f = b + (a - b) \, \frac{1 + \cos \pi x}{2}
        \quad\text{or, linear,}\quad b + (a - b)(1 - x)

    The momentum goes :math:`\mu_{\max} \to \mu_{\mathrm{base}} \to \mu_{\max}` along the same
    curve.

    Parameters
    ----------
    total_steps : int, float or Epochs, optional
        :math:`N`: steps, fraction of the run in (0, 1), or epochs; by default the whole run.
    pct_start : float, default=0.3
        :math:`p`, in [0, 1]: fraction of the cycle that rises; at most 0.5 with `three_phase`.
    anneal : {"cos", "linear"}, default="cos"
        Curve between corners.
    cycle_momentum : bool, default=True
        Also drive the momentum (beta1 for Adam).
    base_momentum, max_momentum : float, default=0.85, 0.95
        Momentum at the peak and at both ends, in [0, 1).
    div_factor : float, default=25.0
        :math:`D`, in [1, inf): peak over initial rate.
    final_div_factor : float or None, default=1e4
        :math:`F`, in [1, inf): initial over final rate. With None the peak is 1e5 times the final
        rate, whatever the initial rate.
    three_phase : bool, default=False
        Fall to the initial rate as fast as the rate rose, then to the final rate.
    reach_end : bool, default=True
        Reach the peak and the final rate in the last step of a phase, as torch does, or in the
        step after it, as fastai does.
    preset : {"torch", "fastai"}, optional
        Library whose defaults apply to parameters not given: fastai has ``pct_start=0.25``,
        ``final_div_factor=None`` and ``reach_end=False``.

    Notes
    -----
    Matches torch's ``OneCycleLR`` with ``max_lr=lr``, or fastai's ``fit_one_cycle``. Past its end
    it keeps the last value, where torch raises or becomes negative. Phases without steps are
    omitted, where torch divides by zero.

    References
    ----------
    Smith & Topin 2018, arXiv:1708.07120.

    Examples
    --------
    >>> from fastlr.schedules import OneCycle
    >>> rates, momentum = OneCycle(pct_start=0.5).simulate(8, lr=0.1)
    >>> rates.round(4).tolist()
    [0.004, 0.028, 0.076, 0.1, 0.0854, 0.05, 0.0146, 0.0]
    >>> momentum.round(3).tolist()
    [0.95, 0.925, 0.875, 0.85, 0.865, 0.9, 0.935, 0.95]
    """

    total_steps: Length | None = None
    pct_start: float = 0.3
    anneal: str = "cos"
    cycle_momentum: bool = True
    base_momentum: float = 0.85
    max_momentum: float = 0.95
    div_factor: float = 25.0
    final_div_factor: float | None = 1e4
    three_phase: bool = False
    reach_end: bool = True

    presets = {
        "torch": {},
        "fastai": {"pct_start": 0.25, "final_div_factor": None, "reach_end": False},
    }
    lengths = {"total_steps": 1}
    ranges = {
        "pct_start": "[0, 1]",
        "base_momentum": "[0, 1)",
        "max_momentum": "[0, 1)",
        "div_factor": "[1, inf)",
        "final_div_factor": "[1, inf)",
    }
    choices = {
        "anneal": ("cos", "linear"),
        "cycle_momentum": (False, True),
        "three_phase": (False, True),
        "reach_end": (False, True),
    }

    def validate(self):
        if self.three_phase and self.pct_start > 0.5:
            raise ValueError(
                f"OneCycle: three_phase needs pct_start <= 0.5, got {self.pct_start!r}"
            )

    def length(self, run):
        return self.steps_of("total_steps", run)

    def coefficients(self, run):
        initial = 1 / self.div_factor
        final = 1e-5 if self.final_div_factor is None else initial / self.final_div_factor
        return self._curve(run, initial, 1.0, initial, final)

    def momentum_coefficients(self, run):
        if not self.cycle_momentum:
            return None
        high = self.max_momentum
        return self._curve(run, high, self.base_momentum, high, high)

    def _curve(self, run, initial, peak, middle, final):
        total, part = self.steps_of("total_steps", run), self.pct_start
        early = int(self.reach_end)
        # With fewer steps than a phase needs, torch has corners before step 0.
        top = max(part * total - early, 0.0)
        corner = max(2 * part * total - 2 * early, top) if self.three_phase else top
        return {
            "top": top,
            "corner": corner,
            "last": total - early,
            "initial": initial,
            "peak": peak,
            "middle": middle if self.three_phase else peak,
            "final": final,
            "linear": self.anneal == "linear",
            "tiny": 1e-300,
            "pi": math.pi,
            "half": 0.5,
            "one": 1.0,
            "zero": 0.0,
        }

    @staticmethod
    def factor(
        t, top, corner, last, initial, peak, middle, final, linear, tiny, pi, half, one, zero
    ):
        t = min(t, last)
        if t < top:
            x = t / top
            a = initial
            b = peak
        elif t < corner:
            x = (t - top) / (corner - top)
            a = peak
            b = middle
        else:
            x = (t - corner) / max(last - corner, tiny)  # 0 / tiny in a phase without length
            a = middle
            b = final
        part = one - x if linear > zero else (one + cos(pi * x)) * half
        return b + (a - b) * part
