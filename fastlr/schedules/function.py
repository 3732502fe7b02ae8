"""A user's own schedule, as any Python function of time."""

from typing import Any

import numpy as np

from ._calling import values_of
from .base import Schedule


class Function(Schedule):
    r"""Take the factor from a Python function.

    .. math:: f(t) = \mathrm{fn}(t / u)

    Parameters
    ----------
    fn : callable
        Maps a time, a float, to a factor in [0, inf), and depends on nothing else. It is called for
        a block of steps at once if it accepts arrays, otherwise for each step, and never inside the
        training loop.
    unit : {"step", "epoch", "run"}, default="step"
        :math:`u`: whether `fn` takes time in steps, in epochs, or as the completed fraction of the
        run, from 0 to 1, and 1 past its end.

    Notes
    -----
    Where the length of the run is known, `fn` is not asked past its end: its last value holds. It
    can be pickled and cloned if `fn` can: a module-level function can, a lambda cannot. Where a
    schedule is expected, a plain function means ``Function(fn)``. For a compiled schedule write a
    rule; see `Schedule`.

    Examples
    --------
    >>> from fastlr.schedules import Function
    >>> Function(lambda t: 1 / (1 + t)).simulate(4).lr.tolist()
    [1.0, 0.5, 0.3333333333333333, 0.25]
    >>> Function(lambda x: 1.0 if x < 0.5 else 0.1, unit="run").simulate(4).lr.tolist()
    [1.0, 1.0, 0.1, 0.1]
    """

    fn: Any
    unit: str = "step"

    choices = {"unit": ("step", "epoch", "run")}

    def validate(self):
        if not callable(self.fn) or isinstance(self.fn, type):
            raise TypeError(f"Function: fn must be a function of time, got {self.fn!r}")

    def length(self, run):
        return self._total(run) if self.unit == "run" else None

    def evaluate(self, t, run, metric_state=None):
        t = np.asarray(t, dtype=np.float64)
        if self.unit != "run" and run.total_steps is not None:
            t = np.minimum(t, max(run.total_steps - 1, 0))
        if self.unit == "run":
            t = np.minimum(t / self._total(run), 1.0)
        elif self.unit == "epoch":
            if run.steps_per_epoch is None:
                raise ValueError(
                    "Function: unit='epoch' needs steps_per_epoch, which is not known here; "
                    "pass it along (to `bind` or `simulate`)"
                )
            t = t / run.steps_per_epoch
        return values_of(self.fn, t, "Function: fn"), None

    def _total(self, run):
        if run.total_steps is None:
            raise ValueError(
                "Function: unit='run' needs total_steps, which is not known here; pass it along "
                "(to `bind`)"
            )
        return max(run.total_steps, 1)
