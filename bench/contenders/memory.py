"""What is measured for its memory: fits beside scikit-learn's, and one step of AdamW."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..workloads.images import blobs
from ..workloads.sparse_rows import wide


def models() -> dict[str, tuple[str, Callable[[], Any]]]:
    """Return the kind of data, and what makes the estimator, by name."""
    import sklearn.linear_model as linear
    import sklearn.neural_network as network

    import fastlr

    def sgd() -> Any:
        return linear.SGDClassifier(loss="log_loss", max_iter=2, tol=None)

    return {
        "fastlr LinearClassifier": ("dense", lambda: fastlr.LinearClassifier(max_epochs=2)),
        "SGDClassifier": ("dense", sgd),
        "LogisticRegression": ("dense", lambda: linear.LogisticRegression(max_iter=2)),
        "fastlr LinearRegressor": ("numbers", lambda: fastlr.LinearRegressor(max_epochs=2)),
        "SGDRegressor": ("numbers", lambda: linear.SGDRegressor(max_iter=2, tol=None)),
        "fastlr MLPClassifier": ("MLP", lambda: fastlr.MLPClassifier((128,), max_epochs=1)),
        "scikit-learn MLPClassifier": (
            "MLP",
            lambda: network.MLPClassifier((128,), max_iter=1),
        ),
        "fastlr LinearClassifier, CSR": ("CSR", lambda: fastlr.LinearClassifier(max_epochs=2)),
        "SGDClassifier, CSR": ("CSR", sgd),
    }


def fit_of(name: str, rows: int) -> tuple[int, Callable[[], Any]]:
    """Return the bytes of the data, and a fit of a model that has been fitted to a few rows."""
    kind, make = models()[name]
    data = wide(rows) if kind == "CSR" else blobs(rows * 5 // 4, 784, 10)
    few = 300
    make().fit(data.X[:few], data.y[:few])
    arrays = [data.X.data, data.X.indices, data.X.indptr] if kind == "CSR" else [data.X]
    return sum(a.nbytes for a in arrays), lambda: make().fit(data.X, data.y)


def step_of(name: str, size: int) -> tuple[int, Callable[[], Any]]:
    """Return the bytes of the parameters, and what makes state for them and a step."""
    from .steps import steppers

    few = [np.ones(10, np.float32)]
    steppers("AdamW", few, few)[name]()
    params = [np.ones(size, np.float32)]
    grads = [np.ones(size, np.float32)]

    def state_and_step() -> None:
        from . import steps

        maker: dict[str, Callable[[], Any]] = {
            "fastlr": lambda: steps.fastlr_step("AdamW", params, grads),
            "torch fused": lambda: steps.torch_step("AdamW", "fused", params, grads),
            "torch foreach": lambda: steps.torch_step("AdamW", "foreach", params, grads),
            "optax under jit": lambda: steps.optax_step("AdamW", params, grads),
            "NumPy": lambda: steps.numpy_step("AdamW", params, grads),
        }
        step = maker[name]()
        for _ in range(2):
            step()

    return params[0].nbytes, state_and_step


STEPS = {
    "fastlr": None,
    "torch fused": "torch",
    "torch foreach": "torch",
    "optax under jit": "optax",
    "NumPy": None,
}
