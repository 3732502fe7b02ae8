"""Training: compiled epochs, and the Python loop over them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .arena import Arena
from .epoch import EpochResult
from .linear import LinearEpoch
from .loop import Divergence, EpochInfo, Training, drive, epochs, train
from .scaling import FeatureScaling
from .stopping import Stopping

if TYPE_CHECKING:
    from .mlp import MLPEpoch
    from .side_by_side import run_side_by_side
    from .sparse import SparseEpoch

# Imported on first use: linear models of dense rows need none of them.
_HOMES = {"MLPEpoch": "mlp", "SparseEpoch": "sparse", "run_side_by_side": "side_by_side"}

__all__ = [
    "Arena",
    "Divergence",
    "EpochInfo",
    "EpochResult",
    "FeatureScaling",
    "LinearEpoch",
    "MLPEpoch",
    "SparseEpoch",
    "Stopping",
    "Training",
    "drive",
    "epochs",
    "run_side_by_side",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
