"""The graph that skl2onnx builds: nodes, constants and the float type."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType, guess_proto_type
from skl2onnx.proto import onnx_proto

_TENSOR = onnx_proto.TensorProto


class Graph:
    """The nodes of one estimator: skl2onnx's scope gives names, its container takes nodes.

    `rows` is the operator's input as floats, float64 if it has that type and float32 otherwise.
    """

    def __init__(self, scope: Any, operator: Any, container: Any) -> None:
        self._scope = scope
        self._container = container
        kind = operator.inputs[0].type
        self._float = _TENSOR.DOUBLE if isinstance(kind, DoubleTensorType) else _TENSOR.FLOAT
        self.rows = operator.inputs[0].full_name
        if guess_proto_type(kind) != self._float:
            self.rows = self.node("Cast", self.rows, to=self._float)

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        name = output or self._scope.get_unique_variable_name(kind.lower())
        self._container.add_node(
            kind, list(inputs), name, name=self._scope.get_unique_operator_name(kind), **attributes
        )
        return name

    def floats(self, values: Any, name: str = "constant") -> str:
        """Add a constant in the graph's float type."""
        return self._constant(name, self._float, np.asarray(values, dtype=np.float64))

    def integers(self, values: Any, name: str = "constant") -> str:
        """Add a constant of int64."""
        return self._constant(name, _TENSOR.INT64, np.asarray(values, dtype=np.int64))

    def strings(self, values: Any, name: str = "constant") -> str:
        """Add a constant of strings."""
        encoded = np.array([str(v).encode() for v in values], dtype=object)
        return self._constant(name, _TENSOR.STRING, encoded)

    def dense(self, rows: str, weights: np.ndarray, intercept: np.ndarray) -> str:
        """Return ``rows @ weights + intercept``."""
        products = self.node("MatMul", rows, self.floats(weights, "coef"))
        return self.node("Add", products, self.floats(intercept, "intercept"))

    def to_integers(self, name: str) -> str:
        """Return a value as int64."""
        return self.node("Cast", name, to=_TENSOR.INT64)

    def to_float32(self, name: str) -> str:
        """Return a float as float32."""
        return name if self._float == _TENSOR.FLOAT else self.node("Cast", name, to=_TENSOR.FLOAT)

    def to_graph_floats(self, name: str) -> str:
        """Return numbers of any type in the graph's float type."""
        return self.node("Cast", name, to=self._float)

    def _constant(self, name: str, kind: int, values: np.ndarray) -> str:
        unique = self._scope.get_unique_variable_name(name)
        self._container.add_initializer(unique, kind, values.shape, values.ravel().tolist())
        return unique
