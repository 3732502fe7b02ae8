"""Networks and data that the tests of multi-layer perceptrons share."""

import importlib
import itertools

import numpy as np

from fastlr import SGD
from fastlr.kernels.find import info
from fastlr.training import Arena, MLPEpoch

LOSSES = [
    # reduction, loss, outputs
    ("softmax", "log_loss", 5),
    ("ovr", "log_loss", 1),
    ("ovr", "squared_hinge", 4),
    ("multinomial", "modified_huber", 5),
    ("each", "log_loss", 3),
    ("each", "squared_error", 1),
    ("each", "huber", 3),
    ("each", "poisson", 2),
]


def isas():
    """Instruction sets whose core was built and that this processor has."""
    names = []
    for isa in info.backend_info()["isas_supported"]:
        try:
            importlib.import_module(f"fastlr.training.mlp._mlp_{isa}")
        except ImportError:
            continue
        names.append(isa)
    return names


def shapes_of(sizes):
    """Shapes of the parameters of a network, by name."""
    shapes = {}
    for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        shapes |= {f"coef_{k}": (n_in, n_out), f"intercept_{k}": (n_out,)}
    return shapes


def network(
    sizes, activations, dtype="float64", optimizer=None, loss=("softmax", "log_loss"), **kw
):
    """Make arena and epoch of a network whose first weights are always the same."""
    arena = Arena(shapes_of(sizes), dtype)
    rng = np.random.default_rng(1)
    arena.params[:] = rng.standard_normal(arena.params.size) / np.sqrt(max(sizes))
    arena.grads[:] = np.nan  # whatever was there before must not matter
    optimizer = optimizer or SGD(lr=0.1, momentum=0.9, nonfinite="raise")
    updater = optimizer.bind(arena.param, n_threads=kw.get("n_threads", 1))
    reduction, name = loss
    return arena, MLPEpoch(arena, updater, name, reduction, activations, **kw)


def data(reduction, loss, features, outputs, dtype="float64", rows=75):
    """Make rows, targets, weights and an order."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, features)).astype(dtype)
    if reduction != "each":
        y = rng.integers(0, max(outputs, 2), rows)
    elif loss == "log_loss":
        y = rng.choice([-1.0, 1.0], (rows, outputs)).astype(dtype)
    elif loss == "poisson":
        y = rng.poisson(2.0, (rows, outputs)).astype(dtype)
    else:
        y = rng.standard_normal((rows, outputs)).astype(dtype)
    return X, y, rng.uniform(0.1, 3.0, rows), rng.permutation(rows)
