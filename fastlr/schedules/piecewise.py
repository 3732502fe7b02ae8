"""Piecewise schedules: given values at given times."""

from typing import Any

import numpy as np

from ..core.hyper import check_number
from .base import Schedule
from .boundaries import boundary_steps, check_boundaries


class Piecewise(Schedule):
    r"""Values between given boundaries, or lines between given points.

    With boundaries :math:`b_1 < ... < b_n` and values :math:`v_0, ..., v_n`

    .. math::
        f(t) = v_k \text{ for } b_k \le t < b_{k+1}, \qquad b_0 = 0, \; b_{n+1} = \infty

    or, linear, a line from :math:`v_k` at :math:`b_k` to :math:`v_{k+1}` at :math:`b_{k+1}`, and
    :math:`v_n` from :math:`b_n` on.

    Parameters
    ----------
    boundaries : sequence of int, float or Epochs
        :math:`b_1, ..., b_n`, increasing: steps, fractions of the run in (0, 1), or epochs.
    values : sequence of float
        :math:`v_0, ..., v_n`, in [0, inf), dimensionless: one more than boundaries.
    interpolation : {"constant", "linear"}, default="constant"
        Curve between boundaries.

    Notes
    -----
    Matches optax's ``piecewise_constant_schedule`` and ``piecewise_interpolate_schedule``, except
    that the latter's values are factors on the previous value. keras's ``PiecewiseConstantDecay``
    changes one step after its boundary.

    Examples
    --------
    >>> from fastlr.schedules import Piecewise
    >>> Piecewise([2, 4], [1.0, 0.5, 0.2]).simulate(6).lr.tolist()
    [1.0, 1.0, 0.5, 0.5, 0.2, 0.2]
    >>> Piecewise([2, 4], [0.5, 1.0, 0.0], "linear").simulate(6).lr.tolist()
    [0.5, 0.75, 1.0, 0.5, 0.0, 0.0]
    """

    boundaries: Any
    values: Any
    interpolation: str = "constant"

    choices = {"interpolation": ("constant", "linear")}

    def validate(self):
        check_boundaries(self.boundaries, "Piecewise: boundaries")
        if not isinstance(self.values, (list, tuple, np.ndarray)):
            raise TypeError(
                f"Piecewise: values must be a list or tuple of numbers, got {self.values!r}"
            )
        for k, value in enumerate(self.values):
            check_number(value, f"Piecewise: values[{k}]", "[0, inf)")
        wanted = len(self.boundaries) + 1
        if len(self.values) != wanted:
            raise ValueError(
                f"Piecewise: values must have one number more than boundaries, {wanted}, "
                f"got {len(self.values)}"
            )

    def length(self, run):
        return int(self._boundaries(run)[-1]) if self.interpolation == "linear" else None

    def coefficients(self, run):
        return {
            "starts": [0.0, *self._boundaries(run)],
            "values": self.values,
            "linear": float(self.interpolation == "linear"),
            "one": 1.0,
            "zero": 0.0,
        }

    @staticmethod
    def factor(t, starts, values, linear, one, zero):
        k = passed(starts) - one
        value = entry(values, k)
        start = entry(starts, k)
        stop = entry(starts, k + one)
        if linear > zero and stop > start:  # the last piece has no end
            following = entry(values, k + one)
            value = following + (value - following) * (one - (t - start) / (stop - start))
        return value

    def _boundaries(self, run):
        return boundary_steps(self.boundaries, "Piecewise: boundaries", run)
