"""Finding, scaling and recommending learning rates."""

from __future__ import annotations

from .find_lr import find_lr
from .range_test import RangeTest

__all__ = ["RangeTest", "find_lr"]
