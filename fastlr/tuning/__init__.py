"""Finding, scaling and recommending learning rates."""

from __future__ import annotations

from .find_lr import find_lr
from .grids import log_grid, log_uniform
from .range_test import RangeTest
from .recommend import Recommendation, recommend, scale_lr
from .sweep_result import SweepResult
from .sweeping import sweep

__all__ = [
    "RangeTest",
    "Recommendation",
    "SweepResult",
    "find_lr",
    "log_grid",
    "log_uniform",
    "recommend",
    "scale_lr",
    "sweep",
]
