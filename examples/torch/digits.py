"""A plain PyTorch loop: an MLP on scikit-learn's digits, with torch's AdamW and with fastlr's.

Run it as ``python examples/torch/digits.py [--short]``. It prints the accuracy on held-out digits,
the time of the run, and the share of it that optimizer steps took.
"""

import argparse
import time

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastlr.torch


def data():
    """Return training and test digits as tensors, scaled to [0, 1]."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        (X / 16.0).astype("float32"), y, stratify=y, random_state=0
    )
    return map(torch.from_numpy, (X_train, y_train, X_test, y_test))


def train(make_optimizer, epochs):
    """Train one network; return accuracy, seconds, and seconds within optimizer steps."""
    torch.manual_seed(0)
    X, y, X_test, y_test = data()
    network = torch.nn.Sequential(
        torch.nn.Linear(64, 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 10),
    )
    optimizer = make_optimizer(network.parameters())
    loss = torch.nn.CrossEntropyLoss()
    started, stepping = time.perf_counter(), 0.0
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(32):
            optimizer.zero_grad()
            loss(network(X[rows]), y[rows]).backward()
            before = time.perf_counter()
            optimizer.step()
            stepping += time.perf_counter() - before
    seconds = time.perf_counter() - started
    with torch.no_grad():
        right = (network(X_test).argmax(1) == y_test).float().mean()
    return float(right), seconds, stepping


def main():
    """Compare three optimizers of the same rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="two epochs instead of thirty")
    epochs = 2 if parser.parse_args().short else 30
    torch.set_num_threads(1)
    makers = {
        "torch.optim.AdamW": lambda p: torch.optim.AdamW(p, lr=3e-3),
        "torch.optim.AdamW(fused=True)": lambda p: torch.optim.AdamW(p, lr=3e-3, fused=True),
        "fastlr.torch.AdamW": lambda p: fastlr.torch.AdamW(p, lr=3e-3),
    }
    for name, make in makers.items():
        accuracy, seconds, stepping = train(make, epochs)
        print(
            f"{name:30s} accuracy {accuracy:.3f}  {seconds:.2f} s  steps {stepping / seconds:.0%}"
        )


if __name__ == "__main__":
    main()
