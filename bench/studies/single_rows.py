"""Microseconds of learning and predicting one row, beside river's logistic regression.

    python -m bench.studies.single_rows [--busy] [--rows 20000] [--repeats 3]

Rows are binary, in float32; each call is timed by itself. With ``--busy`` another thread computes
all the while, as in a service. The last column is the mean of the thread's processor time, which
waiting for other programs does not add to. river is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastlr import LinearClassifier

Timed = tuple[np.ndarray, float]
FEATURES, FIRST = (5, 100), 1000  # rows before the first that is timed


def main() -> None:
    """Print a table of medians, means and 99th percentiles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--busy", action="store_true", help="compute in another thread meanwhile")
    options = parser.parse_args()
    print("us of each repeat     features   median     mean      p99  CPU mean")
    for n_features in FEATURES:
        for repeat in range(options.repeats):
            with busy() if options.busy else quiet():
                for name, (micros, cpu) in timings(n_features, options.rows, repeat):
                    median, p99 = np.percentile(micros, [50, 99])
                    print(
                        f"{name:<20} {n_features:>9} {median:>8.2f} {micros.mean():>8.2f} "
                        f"{p99:>8.2f} {cpu:>9.2f}",
                        flush=True,
                    )


def timings(n_features: int, n_rows: int, seed: int) -> Iterator[tuple[str, Timed]]:
    """Yield names of calls, and what they took."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows + FIRST, n_features)).astype(np.float32)
    scores = X @ rng.normal(size=n_features) + rng.normal(size=len(X))
    y = (scores > 0).astype(np.int64).tolist()
    rows = list(X)
    model = LinearClassifier(random_state=0).partial_fit(X[:5], y[:5], classes=[0, 1])
    online = model.online()
    yield "learn_one", timed(online.learn_one, rows, y)
    yield "predict_one", timed(online.predict_one, rows)
    try:
        linear = importlib.import_module("river.linear_model")
    except ImportError:
        return
    named = [dict(enumerate(row)) for row in X.tolist()]
    theirs = linear.LogisticRegression()
    yield "river learn_one", timed(theirs.learn_one, named, [bool(each) for each in y])
    yield "river predict_one", timed(theirs.predict_one, named)


def timed(call: Callable[..., Any], *arguments: list[Any]) -> Timed:
    """Return the microseconds of each call but the first `FIRST`, and their mean on the CPU."""
    found, cpu = np.empty(len(arguments[0])), 0.0
    clock = time.perf_counter
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k, each in enumerate(zip(*arguments, strict=True)):
            if k == FIRST:
                cpu = time.thread_time()
            start = clock()
            call(*each)
            found[k] = clock() - start
        cpu = time.thread_time() - cpu
    return found[FIRST:] * 1e6, cpu * 1e6 / (len(found) - FIRST)


@contextmanager
def quiet() -> Iterator[None]:
    """Do nothing meanwhile."""
    yield


@contextmanager
def busy() -> Iterator[None]:
    """Compute in another thread meanwhile."""
    stop = threading.Event()

    def compute() -> None:
        a = np.random.default_rng(0).normal(size=(200, 200))
        while not stop.is_set():
            np.sort(a, axis=None)

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


if __name__ == "__main__":
    main()
