"""Models in a service: each learns from a few rows at a time, and predicts a few."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..measure.peers import load

CLASSES = 5


class RiverModel:
    """River's SoftmaxRegression, which takes one row at a time, as a dict."""

    def __init__(self, optimizer: Any) -> None:
        from river import linear_model

        self.model = linear_model.SoftmaxRegression(optimizer)

    def partial_fit(self, X: np.ndarray, y: np.ndarray) -> RiverModel:
        """Learn from rows one by one."""
        for row, label in zip(X.tolist(), y.tolist(), strict=True):
            self.model.learn_one(dict(enumerate(row)), label)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return class codes."""
        return np.array([self.model.predict_one(dict(enumerate(row))) for row in X.tolist()])


class TorchModel:
    """A linear layer in torch, which makes one step of AdamW for the rows it is given."""

    def __init__(self, features: int) -> None:
        import torch

        self.layer = torch.nn.Linear(features, CLASSES)
        self.optimizer = torch.optim.AdamW(self.layer.parameters(), fused=True)

    def partial_fit(self, X: np.ndarray, y: np.ndarray) -> TorchModel:
        """Make a step."""
        import torch

        self.optimizer.zero_grad(set_to_none=True)
        scores = self.layer(torch.from_numpy(X))
        torch.nn.functional.cross_entropy(scores, torch.from_numpy(y)).backward()
        self.optimizer.step()
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return class codes."""
        import torch

        with torch.no_grad():
            return self.layer(torch.from_numpy(X)).argmax(1).numpy()


def services(X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return models that have seen all classes, by name."""
    from sklearn.linear_model import SGDClassifier
    from sklearn.neural_network import MLPClassifier as SklearnMLP

    import fastlr

    models: dict[str, Any] = {
        "fastlr LinearClassifier": fastlr.LinearClassifier(random_state=0),
        "SGDClassifier": SGDClassifier(loss="log_loss", random_state=0),
        "fastlr MLPClassifier": fastlr.MLPClassifier((32,), random_state=0),
        "scikit-learn MLPClassifier": SklearnMLP((32,), random_state=0),
    }
    for model in models.values():
        model.partial_fit(X, y, classes=np.arange(CLASSES))
    if load("torch") is not None:
        models["torch, linear layer"] = TorchModel(X.shape[1]).partial_fit(X, y)
    if load("river") is not None:
        from river import optim

        models["river SoftmaxRegression"] = RiverModel(optim.Adam(1e-3)).partial_fit(X[:50], y[:50])
    return models


def calls(models: dict[str, Any], X: np.ndarray, y: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return what a service calls, by model and method."""
    found: dict[str, Callable[[], Any]] = {}
    for name, model in models.items():
        found[f"{name}.partial_fit"] = functools.partial(model.partial_fit, X, y)
        found[f"{name}.predict"] = functools.partial(model.predict, X)
    return found
