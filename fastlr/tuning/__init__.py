"""Finding, scaling and recommending learning rates."""

from __future__ import annotations

from .find_lr import find_lr
from .grids import log_grid, log_uniform
from .range_test import RangeTest
from .recommend import Recommendation, recommend, scale_lr

__all__ = [
    "RangeTest",
    "Recommendation",
    "find_lr",
    "log_grid",
    "log_uniform",
    "recommend",
    "scale_lr",
]
