"""Probabilities from raw scores, as `estimators/data/probability.py` computes them on arrays."""

from __future__ import annotations

import numpy as np

from ..losses import LogLoss, ModifiedHuber
from ..losses.base import Loss
from ._graph import Graph


def write_probabilities(
    graph: Graph, scores: str, outputs: int, loss: Loss, reduction: str, result: str
) -> None:
    """Write the probability of each class from raw scores of shape (rows, outputs).

    `reduction` is "softmax", "multinomial", "ovr" or "each". A user's own loss raises ValueError,
    because its probability is Python code.
    """
    if reduction == "softmax":
        graph.node("Softmax", scores, output=result, axis=1)
        return
    if reduction != "each" and outputs == 1:
        both = graph.node("Concat", graph.node("Neg", scores), scores, axis=1)
        _each(graph, both, loss, result)
        return
    if reduction == "each":
        _each(graph, scores, loss, result)
        return
    alone = _each(graph, scores, loss)
    total = graph.node("MatMul", alone, graph.floats(np.ones((outputs, 1))))
    # If all are zero, classes are equally likely: 0 + 1 over 0 + outputs.
    none = graph.to_graph_floats(graph.node("Equal", total, graph.floats(0)))
    divisor = graph.node("Add", total, graph.node("Mul", none, graph.floats(outputs)))
    graph.node("Div", graph.node("Add", alone, none), divisor, output=result)


def _each(graph: Graph, scores: str, loss: Loss, result: str | None = None) -> str:
    """Write the probability of each score separately; both losses have p(-z) = 1 - p(z)."""
    if type(loss) is LogLoss:
        return graph.node("Sigmoid", scores, output=result)
    if type(loss) is ModifiedHuber:
        above = graph.node("Max", scores, graph.floats(-1))
        clipped = graph.node("Min", above, graph.floats(1))
        doubled = graph.node("Add", clipped, graph.floats(1))
        return graph.node("Mul", doubled, graph.floats(0.5), output=result)
    raise ValueError(
        f"there is no ONNX form of the probability of {type(loss).__name__}; convert with "
        "options={'raw_scores': True}"
    )
