"""Activations in operators that take float64 as well as float32."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..training.mlp.activations import LEAK
from ._graph import Graph


def _leaky_relu(graph: Graph, z: str) -> str:
    return graph.node("Max", z, graph.node("Mul", z, graph.floats(LEAK)))


def _elu(graph: Graph, z: str) -> str:
    below = graph.node("Exp", graph.node("Min", z, graph.floats(0)))
    return graph.node("Add", graph.node("Relu", z), graph.node("Sub", below, graph.floats(1)))


def _gelu(graph: Graph, z: str) -> str:
    # onnxruntime has the error function only in float32.
    scaled = graph.node("Mul", z, graph.floats(math.sqrt(0.5)))
    erf = graph.to_graph_floats(graph.node("Erf", graph.to_float32(scaled)))
    share = graph.node("Mul", graph.node("Add", erf, graph.floats(1)), graph.floats(0.5))
    return graph.node("Mul", z, share)


def _silu(graph: Graph, z: str) -> str:
    return graph.node("Mul", z, graph.node("Sigmoid", z))


def _softplus(graph: Graph, z: str) -> str:
    small = graph.node("Exp", graph.node("Neg", graph.node("Abs", z)))
    log = graph.node("Log", graph.node("Add", small, graph.floats(1)))
    return graph.node("Add", graph.node("Relu", z), log)


ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "identity": lambda graph, z: z,
    "logistic": lambda graph, z: graph.node("Sigmoid", z),
    "tanh": lambda graph, z: graph.node("Tanh", z),
    "relu": lambda graph, z: graph.node("Relu", z),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "gelu": _gelu,
    "silu": _silu,
    "softplus": _softplus,
}
"""Activations by name, as in `fastlr.training.mlp.activations`."""
