"""skorch: a scikit-learn estimator around a torch module, stepped by fastlr.

Run it as ``python examples/torch/skorch_digits.py [--short]``. Needs ``pip install skorch``.
"""

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from skorch import NeuralNetClassifier

import fastlr.torch


class Network(torch.nn.Sequential):
    """Two hidden layers."""

    def __init__(self, units=64):
        super().__init__(
            torch.nn.Linear(64, units),
            torch.nn.ReLU(),
            torch.nn.Linear(units, units),
            torch.nn.ReLU(),
            torch.nn.Linear(units, 10),
        )


def main():
    """Cross-validate the network with torch's AdamW and with fastlr's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="two epochs instead of twenty")
    epochs = 2 if parser.parse_args().short else 20
    X, y = load_digits(return_X_y=True)
    X = (X / 16.0).astype("float32")
    for optimizer in (torch.optim.AdamW, fastlr.torch.AdamW):
        torch.manual_seed(0)
        model = NeuralNetClassifier(
            Network,
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=optimizer,
            lr=3e-3,
            batch_size=32,
            max_epochs=epochs,
            train_split=None,
            verbose=0,
        )
        scores = cross_val_score(model, X, y, cv=3)
        print(f"{optimizer.__module__}: accuracy {scores.mean():.3f}")


if __name__ == "__main__":
    main()
