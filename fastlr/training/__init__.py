"""Compiled epochs of linear models and networks, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.discover import on_first_use
from .arena import Arena
from .linear.epoch import LinearEpoch
from .result import EpochResult
from .scaling import FeatureScaling
from .stopping import Stopping

if TYPE_CHECKING:
    from .mlp.epoch import MLPEpoch
    from .side_by_side import run_side_by_side
    from .sparse.epoch import SparseEpoch

# Imported on first use: linear models of dense rows need none of them.
_HOMES = {
    "MLPEpoch": "mlp.epoch",
    "SparseEpoch": "sparse.epoch",
    "run_side_by_side": "side_by_side",
}

__all__ = [
    "Arena",
    "EpochResult",
    "FeatureScaling",
    "LinearEpoch",
    "MLPEpoch",
    "SparseEpoch",
    "Stopping",
    "run_side_by_side",
]

__getattr__, __dir__ = on_first_use(globals(), _HOMES)
