"""From a fitted estimator to nodes: its scores, then labels and probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from skl2onnx.common.utils_classifier import get_label_classes

from ..estimators import LinearClassifier
from ._graph import Graph

_CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "raw_scores": [True, False],
    "nocl": [True, False],
    "output_class_labels": [False, True],
}


def register_all() -> None:
    """Register every estimator."""
    update_registered_converter(
        LinearClassifier,
        "FastlrLinearClassifier",
        calculate_linear_classifier_output_shapes,
        _convert_classifier,
        options=_CLASSIFIER_OPTIONS,
    )


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    model = operator.raw_operator
    graph = Graph(scope, operator, container)
    label, values = (variable.full_name for variable in operator.outputs)
    scores = graph.dense(graph.rows, model.coef_.T, model.intercept_)
    binary = len(model.intercept_) == 1
    _labels(graph, scores, binary, get_label_classes(scope, model), label)
    raw = container.get_options(model, {"raw_scores": False})["raw_scores"]
    if binary:
        both = graph.node("Concat", graph.node("Neg", scores), scores, axis=1)
        graph.node("Identity" if raw else "Sigmoid", both, output=values)
    elif raw:
        graph.node("Identity", scores, output=values)
    else:
        graph.node("Softmax", scores, output=values, axis=1)


def _labels(graph: Graph, scores: str, binary: bool, classes: np.ndarray, output: str) -> None:
    """Write the class of the highest score; `classes` are labels in the order of the scores."""
    if binary:
        codes = graph.to_integers(graph.node("Greater", scores, graph.floats(0)))
        codes = graph.node("Reshape", codes, graph.integers([-1]))
    else:
        codes = graph.node("ArgMax", scores, axis=1, keepdims=0)
    if classes.dtype.kind in "OUS":
        labels = graph.strings(classes, "classes")
    else:
        labels = graph.integers(classes.astype(np.int64), "classes")
    graph.node("Gather", labels, codes, output=output)
