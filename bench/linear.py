"""Multinomial logistic regression on Fashion-MNIST: LinearClassifier beside what people use.

    python bench/linear.py [--threads 1] [--rounds 3] [--skip-slow]

fastlr and the torch loop do the same work: three epochs, mini-batches of 128 in a fresh random
order, AdamW at 0.01 under a one-cycle schedule, float32; a second fastlr model takes two epochs of
batch 64, which is enough for the same test loss. scikit-learn's contenders are fitted as
their users would. Every test score is taken from a timed model.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import time
import warnings

import numpy as np
from fashion import load_or_exit
from interleave import report
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, log_loss
from threadpoolctl import threadpool_limits

from fastlr import AdamW, LinearClassifier

EPOCHS, BATCH, LR = 3, 128, 0.01


def fit_fastlr(X, y, threads, epochs=EPOCHS, batch=BATCH):
    """Fit LinearClassifier."""
    return LinearClassifier(
        AdamW(weight_decay=1e-2),
        lr=LR,
        schedule="onecycle",
        batch_size=batch,
        max_epochs=epochs,
        random_state=0,
        n_threads=threads,
    ).fit(X, y)


class TorchLoop:
    """The same three epochs as a plain torch loop, with the fused optimizer."""

    def __init__(self, X, y, threads):
        import torch
        from torch.nn import functional

        torch.set_num_threads(threads)
        torch.manual_seed(0)
        X, y = torch.from_numpy(X), torch.from_numpy(y)
        weight = torch.zeros(10, X.shape[1], requires_grad=True)
        bias = torch.zeros(10, requires_grad=True)
        groups = [{"params": [weight]}, {"params": [bias], "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=LR, weight_decay=1e-2, fused=True)
        steps = EPOCHS * -(-len(X) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=LR, total_steps=steps)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(EPOCHS):
                order = torch.randperm(len(X))
                for start in range(0, len(X), BATCH):
                    rows = order[start : start + BATCH]
                    optimizer.zero_grad(set_to_none=True)
                    loss = functional.cross_entropy(
                        functional.linear(X[rows], weight, bias), y[rows]
                    )
                    loss.backward()
                    optimizer.step()
                    schedule.step()
        self.weight, self.bias = weight.detach().numpy(), bias.detach().numpy()

    def predict_proba(self, X):
        """Return softmax probabilities."""
        from scipy.special import softmax

        return softmax(X @ self.weight.T + self.bias, axis=1)


def fit_sgd(X, y, threads):
    """Fit SGDClassifier."""
    return SGDClassifier(loss="log_loss", max_iter=5, tol=None, random_state=0, n_jobs=threads).fit(
        X, y
    )


def fit_logistic(X, y, threads):
    """Fit LogisticRegression."""
    return LogisticRegression(max_iter=100).fit(X, y)


def fit_intel(X, y, threads):
    """Fit the LogisticRegression of scikit-learn-intelex, which has threads of its own."""
    import daal4py
    from sklearnex.linear_model import LogisticRegression as IntelRegression

    daal4py.daalinit(threads)
    return IntelRegression(max_iter=100).fit(X, y)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--skip-slow", action="store_true", help="leave scikit-learn out")
    options = parser.parse_args()
    X, y, X_test, y_test = load_or_exit()
    quick = functools.partial(fit_fastlr, epochs=2, batch=64)
    contenders = {
        "fastlr LinearClassifier": (fit_fastlr, 5),
        "the same, 2 epochs of batch 64": (quick, 5),
    }
    try:
        import torch  # noqa: F401

        contenders["torch loop, AdamW(fused=True)"] = (TorchLoop, 3)
    except ImportError:
        print("torch is not installed; left out")
    if importlib.util.find_spec("sklearnex") is None:
        print("scikit-learn-intelex is not installed; left out")
    elif not options.skip_slow:
        contenders["sklearnex LogisticRegression(max_iter=100)"] = (fit_intel, 1)
    if not options.skip_slow:
        contenders["SGDClassifier(log_loss, max_iter=5)"] = (fit_sgd, 1)
        contenders["LogisticRegression(max_iter=100)"] = (fit_logistic, 1)
    times = {name: [] for name in contenders}
    models = {}
    with threadpool_limits(options.threads), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(options.rounds):
            for name, (fit, repeats) in contenders.items():
                for _ in range(repeats):
                    time.sleep(0.01)
                    start = time.perf_counter()
                    models[name] = fit(X, y, options.threads)
                    times[name].append(time.perf_counter() - start)
    mine = float(np.median(times["fastlr LinearClassifier"]))
    rows = []
    for name, model in models.items():
        median = float(np.median(times[name]))
        probabilities = model.predict_proba(X_test)
        rows.append(
            {
                "model": name,
                "fit s": f"{median:.3f}",
                "spread": f"{min(times[name]):.3f}-{max(times[name]):.3f}",
                "of fastlr's time": f"{median / mine:.1f}",
                "test log-loss": f"{log_loss(y_test, probabilities):.4f}",
                "test accuracy": f"{accuracy_score(y_test, probabilities.argmax(axis=1)):.4f}",
            }
        )
    title = f"Fashion-MNIST, 60,000 x 784 float32, threads: {options.threads}"
    report(title, rows, f"linear_{options.threads}")


if __name__ == "__main__":
    main()
