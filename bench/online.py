"""Latency of `partial_fit` and `predict` in a service: median and 99th percentile.

    python bench/online.py [--calls 2000]

A model of 100 features and 5 classes, float32, takes 1 or 32 rows a call, alone or with three
other threads that do the same to models of their own. Contenders take turns call by call, so that
whatever else the machine does hits all of them alike.
"""

from __future__ import annotations

import argparse
import threading
import time
import warnings

import numpy as np
from interleave import report
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier as SklearnMLP

import fastlr

FEATURES, CLASSES = 100, 5


def data(rows: int):
    """Return rows and labels."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, FEATURES), dtype=np.float32)
    return X, rng.integers(0, CLASSES, rows)


def contenders() -> dict[str, object]:
    """Return fitted models by name."""
    X, y = data(2000)
    models = {
        "fastlr.LinearClassifier": fastlr.LinearClassifier(random_state=0),
        "SGDClassifier": SGDClassifier(loss="log_loss", random_state=0),
        "fastlr.MLPClassifier": fastlr.MLPClassifier((32,), random_state=0),
        "MLPClassifier": SklearnMLP((32,), random_state=0),
    }
    for model in models.values():
        model.partial_fit(X, y, classes=np.arange(CLASSES))
    return models


def latencies(rows: int, calls: int) -> dict[tuple[str, str], np.ndarray]:
    """Return the seconds of every call by contender and method."""
    X, y = data(rows)
    models = contenders()
    work = {}
    for name, model in models.items():
        work[name, "partial_fit"] = lambda model=model: model.partial_fit(X, y)
        work[name, "predict"] = lambda model=model: model.predict(X)
    times = {each: np.empty(calls) for each in work}
    for i in range(-50, calls):
        for each, call in work.items():
            start = time.perf_counter()
            call()
            if i >= 0:
                times[each][i] = time.perf_counter() - start
    return times


def in_threads(rows: int, calls: int, threads: int) -> dict[tuple[str, str], np.ndarray]:
    """Do the same in several threads at once and put their calls together."""
    found: list[dict[tuple[str, str], np.ndarray]] = []
    workers = [
        threading.Thread(target=lambda: found.append(latencies(rows, calls // threads)))
        for _ in range(threads)
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    return {key: np.concatenate([one[key] for one in found]) for key in found[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=2000)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    table = []
    for threads in (1, 4):
        for rows in (1, 32):
            for (name, method), times in in_threads(rows, args.calls, threads).items():
                middle, late = np.quantile(times * 1e6, [0.5, 0.99])
                table.append(
                    {
                        "call": f"{name}.{method}",
                        "rows": rows,
                        "threads": threads,
                        "p50, us": f"{middle:.0f}",
                        "p99, us": f"{late:.0f}",
                    }
                )
    report("Latency of a call", table, "online")


if __name__ == "__main__":
    main()
