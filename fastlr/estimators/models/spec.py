"""What is decided about a model before its first step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...losses.base import Loss
from ..data.targets import Targets

Shapes = dict[str, tuple[int, ...]]
Groups = list[dict[str, Any]]  # as `Optimizer.bind` takes them


class ModelSpec(NamedTuple):
    """What is decided about a model before its first step.

    Attributes
    ----------
    targets : ClassTargets or RealTargets
        What was learned of y.
    inputs : dict of str to ndarray
        What was learned of X, by names of the model's choice; empty if nothing.
    shapes : dict of str to tuple of int
        Shapes of the parameters. Those whose names begin with ``intercept`` are not decayed.
    dtype : numpy.dtype
        float32 or float64.
    loss : Loss or str
        What to minimise, in the units of training.
    reduction : {"softmax", "multinomial", "ovr", "each"}
        How the loss of a row comes from its raw scores.
    n_features : int
        Columns of X.
    """

    targets: Targets
    inputs: dict[str, np.ndarray]
    shapes: Shapes
    dtype: np.dtype
    loss: Loss | str
    reduction: str
    n_features: int

    @property
    def n_params(self) -> int:
        """Return how many parameters there are."""
        return sum(math.prod(shape) for shape in self.shapes.values())
