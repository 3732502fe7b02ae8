"""Training: compiled epochs, and the Python loop over them."""

from .arena import Arena
from .epoch import EpochResult
from .linear import LinearEpoch
from .loop import Divergence, EpochInfo, Training, train
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
    "SparseEpoch",
    "Stopping",
    "Training",
    "train",
]
