"""Training: compiled epochs, and the Python loop over them."""

from .arena import Arena
from .epoch import EpochResult
from .linear import LinearEpoch
from .loop import Divergence, EpochInfo, Training, drive, epochs, train
from .mlp import MLPEpoch
from .scaling import FeatureScaling
from .side_by_side import run_side_by_side
from .sparse import SparseEpoch
from .stopping import Stopping

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
