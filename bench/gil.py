"""How much of its speed a second Python thread keeps while another one fits.

    python bench/gil.py [--seconds 2]

The second thread counts in pure Python, so it runs only while it holds the GIL. Its rate beside a
fit is compared with its rate alone, and with its rate beside a thread that does work of the same
kind in another process (what two busy cores cost each other without any GIL). Needs two cores.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import threading
import time
import warnings
from collections.abc import Callable

import numpy as np
from interleave import report
from sklearn.linear_model import SGDClassifier

from fastlr import LinearClassifier, MLPClassifier

ROUNDS = 5


def counting_rate(seconds: float) -> float:
    """Count for some seconds; return counts per second."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(1000):
            count += 1
    return count / (time.perf_counter() - start)


def beside(work: Callable[[], object], seconds: float) -> float:
    """Return the counting rate while another thread repeats `work`."""
    stop, begun = threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        while not stop.is_set():
            work()

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    try:
        return counting_rate(seconds)
    finally:
        stop.set()
        thread.join()


def fits() -> dict[str, Callable[[], object]]:
    """Return the fits by name."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60_000, 784), dtype=np.float32)
    y = rng.integers(0, 10, len(X))
    few = slice(0, 20_000)
    mlp = MLPClassifier((128,), max_epochs=1, n_threads=1)
    return {
        "fastlr.LinearClassifier.fit": lambda: LinearClassifier(max_epochs=3).fit(X, y),
        "fastlr.MLPClassifier.fit": lambda: mlp.fit(X[few], y[few]),
        "SGDClassifier.fit": lambda: SGDClassifier(max_iter=1, tol=None).fit(X[few], y[few]),
    }


def other_process(ready, stop, seconds: float) -> None:
    """Work in another process until told to stop."""
    warnings.simplefilter("ignore")
    work = fits()["fastlr.LinearClassifier.fit"]
    work()
    ready.set()
    while not stop.is_set():
        work()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    work = fits()
    rates: dict[str, list[float]] = {name: [] for name in ("alone", "another process", *work)}
    context = multiprocessing.get_context("spawn")
    for _ in range(ROUNDS):
        rates["alone"].append(counting_rate(args.seconds))
        for name, each in work.items():
            rates[name].append(beside(each, args.seconds))
        ready, stop = context.Event(), context.Event()
        process = context.Process(target=other_process, args=(ready, stop, args.seconds))
        process.start()
        ready.wait()
        rates["another process"].append(counting_rate(args.seconds))
        stop.set()
        process.join()
    alone = rates["alone"]
    rows = []
    for name, each in rates.items():
        shares = [a / b for a, b in zip(each, alone, strict=True)]
        rows.append(
            {
                "beside": name,
                "counts per second, millions": f"{statistics.median(each) / 1e6:.1f}",
                "share of alone": f"{statistics.median(shares):.0%}",
                "range": f"{min(shares):.0%}-{max(shares):.0%}",
            }
        )
    report("Speed of a second Python thread during fit", rows, "gil")


if __name__ == "__main__":
    main()
