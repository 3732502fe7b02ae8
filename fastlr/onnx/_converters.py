"""Converters from fitted estimators to nodes: scores, then labels and probabilities or numbers.

They use only standard operators that onnxruntime's CPU provider has for both float32 and float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx._parse import _parse_sklearn_classifier, update_registered_parser
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from skl2onnx.common.utils_classifier import get_label_classes
from sklearn.base import is_classifier

from .. import compat
from ..estimators import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from ..estimators.settings.mlp_params import activations_of
from ..losses import get_loss
from ._graph import Graph
from ._layers import ACTIVATIONS
from ._probability import write_probabilities

_CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "raw_scores": [True, False],
    "nocl": [True, False],
    "output_class_labels": [False, True],
}


def register_all() -> None:
    """Register every estimator."""
    for cls in (LinearClassifier, MLPClassifier):
        update_registered_converter(
            cls,
            f"Fastlr{cls.__name__}",
            calculate_linear_classifier_output_shapes,
            _convert_classifier,
            options=_CLASSIFIER_OPTIONS,
        )
    for regressor in (LinearRegressor, MLPRegressor):
        update_registered_converter(
            regressor, f"Fastlr{regressor.__name__}", _regressor_shape, _convert_regressor
        )
    for name in compat.__all__:
        _register_as_scikit_learns(getattr(compat, name))


def _register_as_scikit_learns(cls: type) -> None:
    """Let skl2onnx convert a class of `fastlr.compat` like its scikit-learn base."""
    own = next(base for base in cls.__mro__ if base in sklearn_operator_name_map and base != cls)
    sklearn_operator_name_map[cls] = sklearn_operator_name_map[own]
    if is_classifier(cls()):
        update_registered_parser(cls, _parse_sklearn_classifier)


def _scores(graph: Graph, model: Any) -> tuple[str, int]:
    """Return the raw scores and their number per row."""
    if not hasattr(model, "coefs_"):
        coef = model._fitted_params()["coef"]  # dense after sparsify() too
        return graph.dense(graph.rows, coef.T, model.intercept_), len(model.intercept_)
    values, last = graph.rows, len(model.coefs_) - 1
    names = activations_of(model.activation, last)
    for k, (coef, intercept) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        values = graph.dense(values, coef, intercept)
        if k < last:
            values = ACTIVATIONS[names[k]](graph, values)
    return values, len(model.intercepts_[-1])


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    model = operator.raw_operator
    graph = Graph(scope, operator, container)
    label, values = (variable.full_name for variable in operator.outputs)
    scores, outputs = _scores(graph, model)
    loss, reduction = model._training_loss(model._known_targets())
    loss = get_loss(loss)
    if reduction == "each":
        codes = graph.to_integers(graph.node("Greater", scores, graph.floats(0)))
        graph.node("Identity", codes, output=label)
    else:
        _labels(graph, scores, outputs == 1, get_label_classes(scope, model), label)
    raw = container.get_options(model, {"raw_scores": False})["raw_scores"]
    if raw or not loss.has_probability:
        if outputs == 1 and reduction != "each":
            scores = graph.node("Concat", graph.node("Neg", scores), scores, axis=1)
        graph.node("Identity", scores, output=values)
    else:
        write_probabilities(graph, scores, outputs, loss, reduction, values)


def _labels(graph: Graph, scores: str, binary: bool, classes: np.ndarray, output: str) -> None:
    """Write the label of the highest score; `classes` are in the order of the scores."""
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


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    model = operator.raw_operator
    graph = Graph(scope, operator, container)
    scores, _ = _scores(graph, model)
    kind = "Exp" if model._loss().link == "log" else "Identity"
    graph.node(kind, scores, output=operator.outputs[0].full_name)


def _regressor_shape(operator: Any) -> None:
    rows = operator.inputs[0]
    double = isinstance(rows.type, DoubleTensorType)
    outputs = operator.raw_operator._known_targets().outputs
    kind = DoubleTensorType if double else FloatTensorType
    operator.outputs[0].set_type(kind([rows.get_first_dimension(), outputs]))
