"""The compiled core of multi-layer perceptrons: where it is, and outputs without training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import compiled
from ..losses import REDUCTIONS
from ..sparse.data import of_one_width
from . import reference as mlp_numpy
from .activations import ACTIVATIONS


def activation_number(name: str) -> int:
    """Return by which number the core knows an activation."""
    return list(ACTIVATIONS).index(name)


def network_outputs(
    X: Any,
    weights: Sequence[np.ndarray],
    biases: Sequence[np.ndarray],
    activations: Sequence[str],
    n_threads: int = 1,
) -> np.ndarray:
    """Return the raw outputs of a network, to the bit the same for a row alone and among others.

    Without the compiled core NumPy computes them, and rounding depends on the other rows.
    """
    core = compiled("mlp")
    if core is not None:
        weights, biases = (
            [np.ascontiguousarray(a) for a in arrays] for arrays in (weights, biases)
        )
        loop = core.MLPLoop(
            weights,
            biases,
            None,
            None,
            None,
            None,
            [activation_number(name) for name in activations],
            [0.0] * len(weights),
            REDUCTIONS.index("each"),
            None,
            None,
            None,
            0,
            n_threads,
        )
        outputs: np.ndarray | None = loop.forward(of_one_width(X))
        if outputs is not None:
            return outputs
    return mlp_numpy.outputs_of(X, weights, biases, activations)
