"""Plain training loops in torch, and skorch around the same networks.

The optimizer is fused, the data are in memory, and mini-batches are taken by index.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..workloads.data import Data

DECAY = 1e-2


class Network:
    """A trained module, with scikit-learn's methods."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return softmax probabilities."""
        import torch

        with torch.no_grad():
            return torch.softmax(self.module(torch.from_numpy(X)), 1).numpy()

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return class codes."""
        return self.predict_proba(X).argmax(axis=1)


def module_of(sizes: list[int]) -> Any:
    """Return linear layers with relu between them."""
    from torch import nn

    layers: list[Any] = []
    for k, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.ReLU()] * (k > 0) + [nn.Linear(fan_in, fan_out)]
    return nn.Sequential(*layers)


def loop(
    data: Data, epochs: int, lr: float, hidden: list[int], batch: int, one_cycle: bool, seed: int
) -> Network:
    """Train: AdamW under one-cycle, biases not decayed, or Adam at a constant rate."""
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)
    X, y = torch.from_numpy(data.X), torch.from_numpy(data.y)
    module = module_of([X.shape[1], *hidden, data.classes])
    if one_cycle:
        weights = [p for p in module.parameters() if p.ndim > 1]
        biases = [p for p in module.parameters() if p.ndim == 1]
        groups = [{"params": weights}, {"params": biases, "weight_decay": 0.0}]
        optimizer: Any = torch.optim.AdamW(groups, lr=lr, weight_decay=DECAY, fused=True)
        steps = epochs * -(-len(X) // batch)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=lr, total_steps=steps)
    else:
        optimizer, schedule = torch.optim.Adam(module.parameters(), lr=lr, fused=True), None
    for _ in range(epochs):
        order = torch.randperm(len(X))
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(module(X[rows]), y[rows]).backward()
            optimizer.step()
            if schedule is not None:
                schedule.step()
    return Network(module)


def skorch_net(
    data: Data, epochs: int, lr: float, hidden: list[int], batch: int, one_cycle: bool, seed: int
) -> Any:
    """Train the same with skorch, validation and printing switched off."""
    import torch
    from skorch import NeuralNetClassifier
    from skorch.callbacks import LRScheduler

    torch.manual_seed(seed)
    module = module_of([data.X.shape[1], *hidden, data.classes])
    settings: dict[str, Any] = {"optimizer": torch.optim.Adam, "optimizer__fused": True}
    if one_cycle:
        steps = epochs * -(-len(data.X) // batch)
        policy = LRScheduler(
            torch.optim.lr_scheduler.OneCycleLR, max_lr=lr, total_steps=steps, step_every="batch"
        )
        settings |= {
            "optimizer": torch.optim.AdamW,
            "optimizer__weight_decay": DECAY,
            "callbacks": [("rate", policy)],
        }
    net = NeuralNetClassifier(
        module,
        criterion=torch.nn.CrossEntropyLoss,
        lr=lr,
        max_epochs=epochs,
        batch_size=batch,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        **settings,
    )
    return net.fit(data.X, data.y)
