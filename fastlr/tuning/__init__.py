"""Finding, scaling and recommending learning rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.discover import on_first_use

if TYPE_CHECKING:
    from ..rates.grids import log_grid, log_uniform
    from ..rates.recommendations import Recommendation, recommend, scale_lr
    from .lr_range import find_lr
    from .range_test import RangeTest
    from .sweep_result import SweepResult
    from .sweeping import sweep

# Imported on first use: a fit that looks for its rate needs `auto_lr` and nothing of these. No
# module has the name of a function, or its import would take the place of that.
_HOMES = {
    "RangeTest": "range_test",
    "Recommendation": ".rates.recommendations",
    "SweepResult": "sweep_result",
    "find_lr": "lr_range",
    "log_grid": ".rates.grids",
    "log_uniform": ".rates.grids",
    "recommend": ".rates.recommendations",
    "scale_lr": ".rates.recommendations",
    "sweep": "sweeping",
}

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

__getattr__, __dir__ = on_first_use(globals(), _HOMES)
