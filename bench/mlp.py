"""Training a multi-layer perceptron: MLPClassifier beside torch and scikit-learn.

    python bench/mlp.py [--threads 1] [--rounds 5] [--epochs 10] [--skip-sklearn]

784-128-10 on Fashion-MNIST in mini-batches of 128, and 64-32-10 on digits in mini-batches of 32:
relu, Adam at 0.001, float32, a fresh random order in each epoch, the same for all. Everybody
trains from the start in turn; times are those of a whole fit, divided by its epochs. The torch
loop has its data in memory as tensors, takes mini-batches by index, and steps with the fused
Adam. Accuracies, which at a constant rate differ by a per cent from seed to seed, are means over
the rounds, each with another seed. The last table says how fast matrix products alone are on this
machine.
"""

from __future__ import annotations

import argparse
import functools
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from fashion import MISSING, load
from interleave import interleave, report
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier as SklearnMLP
from threadpoolctl import threadpool_limits

from fastlr import Adam, MLPClassifier

LR = 1e-3


def fit_fastlr(X, y, hidden, batch, epochs, threads, seed):
    """Fit MLPClassifier; return what predicts."""
    model = MLPClassifier(
        hidden,
        optimizer=Adam(lr=LR),
        schedule=None,
        batch_size=batch,
        max_epochs=epochs,
        standardize=False,
        random_state=seed,
        n_threads=threads,
    )
    return model.fit(X, y).predict


def fit_sklearn(X, y, hidden, batch, epochs, threads, seed):
    """Fit scikit-learn's."""
    model = SklearnMLP(
        hidden,
        batch_size=batch,
        learning_rate_init=LR,
        alpha=0.0,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs,
        random_state=seed,
    )
    return model.fit(X, y).predict


def fit_torch(X, y, hidden, batch, epochs, threads, seed):
    """Train in a plain loop."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    net = nn.Sequential(
        nn.Linear(X.shape[1], hidden), nn.ReLU(), nn.Linear(hidden, int(y.max()) + 1)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=LR, fused=True)
    for _ in range(epochs):
        order = torch.randperm(len(X))
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(net(X[rows]), y[rows]).backward()
            optimizer.step()

    def predict(X):
        with torch.no_grad():
            return net(torch.from_numpy(X)).argmax(1).numpy()

    return predict


def race(
    title: str, name: str, data: Any, hidden: int, batch: int, epochs: int, options: Any
) -> None:
    """Let everybody train in turn, and print what an epoch took."""
    X, y, X_test, y_test = data
    fits: dict[str, Callable[..., Any]] = {"fastlr MLPClassifier": fit_fastlr}
    try:
        import torch  # noqa: F401

        fits["torch loop, Adam(fused=True)"] = fit_torch
    except ImportError:
        print("torch is not installed; left out")
    if not options.skip_sklearn:
        fits["scikit-learn MLPClassifier"] = fit_sklearn
    times: dict[str, list[float]] = {label: [] for label in fits}
    correct: dict[str, list[float]] = {label: [] for label in fits}
    with threadpool_limits(options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for fit in fits.values():
            fit(X[:1000], y[:1000], hidden, batch, 1, options.threads, 0)  # imports, first calls
        for seed in range(options.rounds):
            for label, fit in fits.items():
                time.sleep(0.02)  # threads of the one before may still be spinning
                start = time.perf_counter()
                predict = fit(X, y, hidden, batch, epochs, options.threads, seed)
                times[label].append((time.perf_counter() - start) / epochs)
                correct[label].append(float((predict(X_test) == y_test).mean()))
    mine = float(np.median(times["fastlr MLPClassifier"]))
    steps = -(-len(X) // batch)
    rows = []
    for label, each in times.items():
        median = float(np.median(each))
        rows.append(
            {
                "model": label,
                "ms per epoch": f"{1e3 * median:.4g}",
                "spread": f"{1e3 * min(each):.4g}-{1e3 * max(each):.4g}",
                "us per step": f"{1e6 * median / steps:.4g}",
                "fastlr's share of it": f"{mine / median:.2f}",
                f"test accuracy after {epochs} epochs": f"{np.mean(correct[label]):.4f}",
            }
        )
    report(f"{title}, float32, threads: {options.threads}", rows, f"{name}_{options.threads}")


def products(options: Any) -> None:
    """Time the two large products of a step of 784-128-10 through BLAS, and a square one."""
    rng = np.random.default_rng(0)
    draw: Callable[..., np.ndarray] = functools.partial(rng.standard_normal, dtype=np.float32)
    x, w, d, big = draw((128, 784)), draw((784, 128)), draw((128, 128)), draw((1024, 1024))
    shapes: dict[str, tuple[Callable[[], Any], float]] = {
        "forward, (128, 784) (784, 128)": (lambda: x @ w, 2 * 128 * 784 * 128),
        "backward, (784, 128) (128, 128)": (lambda: x.T @ d, 2 * 128 * 784 * 128),
        "square, 1024": (lambda: big @ big, 2 * 1024**3),
    }
    with threadpool_limits(options.threads):
        timed = interleave({name: call for name, (call, _) in shapes.items()}, repeats=5)
    rows = [
        {
            "product": name,
            "us": f"{1e6 * timed[name]['median']:.4g}",
            "GFLOP/s": f"{work / timed[name]['median'] / 1e9:.3g}",
        }
        for name, (_, work) in shapes.items()
    ]
    report(f"NumPy's BLAS, threads: {options.threads}", rows, f"mlp_products_{options.threads}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--skip-sklearn", action="store_true")
    options = parser.parse_args()
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X.astype(np.float32) / 16, y, random_state=0)
    digits = X, y, X_test, y_test
    epochs = options.epochs
    race("64-32-10 on digits, batch 32", "mlp_digits", digits, 32, 32, 10 * epochs, options)
    fashion = load()
    if fashion is None:
        print(MISSING)
    else:
        title = "784-128-10 on Fashion-MNIST, batch 128"
        race(title, "mlp_fashion", fashion, 128, 128, epochs, options)
    products(options)


if __name__ == "__main__":
    main()
