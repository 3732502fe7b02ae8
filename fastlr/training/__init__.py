"""Training: compiled epochs, and the Python loop over them."""

from .arena import Arena
from .epoch import EpochResult
from .linear import LinearEpoch
from .loop import Divergence, EpochInfo, Orders, Training, drive, epochs, train
from .mlp import MLPEpoch
from .scaling import FeatureScaling
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
    "Orders",
    "SparseEpoch",
    "Stopping",
    "Training",
    "drive",
    "epochs",
    "train",
]
