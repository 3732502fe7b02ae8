"""fastlr.compat beside the scikit-learn classes that it stands for: the same fits.

    python bench/compat.py

One thread, BLAS too; both do the same number of epochs.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
from interleave import interleave, report
from sklearn import linear_model, neural_network
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from fastlr import compat

PEERS: dict[str, type] = {
    "SGDClassifier": linear_model.SGDClassifier,
    "SGDRegressor": linear_model.SGDRegressor,
    "MLPClassifier": neural_network.MLPClassifier,
    "MLPRegressor": neural_network.MLPRegressor,
}
SGD = {"tol": None, "max_iter": 2}


def cases() -> list[tuple[str, str, np.ndarray, np.ndarray, dict[str, Any]]]:
    """Return what is fitted: title, class, rows, targets, parameters."""
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(20_000, 784))
    labels = (wide @ rng.normal(size=(784, 10))).argmax(axis=1)
    narrow = rng.normal(size=(50_000, 20))
    number = narrow @ rng.normal(size=20)
    digits, digit = load_digits(return_X_y=True)
    digits = digits / 16
    wide32 = wide.astype(np.float32)
    return [
        ("20,000 x 784, 10 classes", "SGDClassifier", wide, labels, SGD),
        ("the same, float32", "SGDClassifier", wide32, labels, SGD),
        ("the same, float32, L1", "SGDClassifier", wide32, labels, SGD | {"penalty": "l1"}),
        (
            "the same, float32, class weights",
            "SGDClassifier",
            wide32,
            labels,
            SGD | {"class_weight": "balanced"},
        ),
        ("20,000 x 784, 2 classes", "SGDClassifier", wide, labels > 4, SGD),
        ("50,000 x 20, 2 classes", "SGDClassifier", narrow, number > 0, SGD),
        ("50,000 x 20", "SGDRegressor", narrow, number, SGD),
        ("digits, 64-100-10", "MLPClassifier", digits, digit, {"max_iter": 10}),
        (
            "digits, 64-32-10, batches of 32",
            "MLPClassifier",
            digits,
            digit,
            {"max_iter": 10, "hidden_layer_sizes": (32,), "batch_size": 32},
        ),
        (
            "20,000 x 784 float32, 784-128-10",
            "MLPClassifier",
            wide32,
            labels,
            {"max_iter": 2, "hidden_layer_sizes": (128,)},
        ),
        (
            "digits as numbers, SGD",
            "MLPRegressor",
            digits,
            digit / 9,
            {"max_iter": 10, "solver": "sgd"},
        ),
    ]


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")  # neither is meant to converge
    rows = []
    for title, name, X, y, params in cases():
        ours = getattr(compat, name)(random_state=0, **params)
        theirs = PEERS[name](random_state=0, **params)
        with threadpool_limits(1):
            times = interleave(
                {
                    "fastlr": functools.partial(ours.fit, X, y),
                    "scikit-learn": functools.partial(theirs.fit, X, y),
                },
                rounds=7,
            )
        a, b = (times[n]["median"] for n in ("fastlr", "scikit-learn"))
        rows.append(
            {
                "class": name,
                "data": title,
                "fastlr ms": f"{a * 1e3:.1f}",
                "scikit-learn ms": f"{b * 1e3:.1f}",
                "scikit-learn / fastlr": f"{b / a:.2f}",
            }
        )
    report("fastlr.compat beside scikit-learn, time of fit", rows, "compat")


if __name__ == "__main__":
    main()
