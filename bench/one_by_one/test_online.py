"""Latency of one call with a few rows, alone and beside three threads that do the same."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from bench.contenders.online import services
from bench.suites.online import data

NAMES = [
    "fastlr LinearClassifier",
    "SGDClassifier",
    "fastlr MLPClassifier",
    "scikit-learn MLPClassifier",
    "torch, linear layer",
    "river SoftmaxRegression",
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("rows", [1, 32])
@pytest.mark.parametrize("method", ["partial_fit", "predict"])
@pytest.mark.parametrize("name", NAMES)
def test_call(benchmark, plan, one_thread, name, method, rows, threads):
    X, y = data(rows)
    given = (X, y) if method == "partial_fit" else (X,)
    models = [services(*data(500)).get(name) for _ in range(threads)]
    if models[0] is None:
        pytest.skip(f"{name} is not installed")
    stop = threading.Event()

    def busy(model):
        while not stop.is_set():
            getattr(model, method)(*given)

    others = [threading.Thread(target=busy, args=(m,)) for m in models[1:]]
    for each in others:
        each.start()
    try:
        count = 3 if plan.quick else 500
        benchmark.pedantic(getattr(models[0], method), given, rounds=count, warmup_rounds=1)
    finally:
        stop.set()
        for each in others:
            each.join()
    if benchmark.stats is not None:
        times = benchmark.stats.stats.data
        benchmark.extra_info["p50"], benchmark.extra_info["p99"] = np.quantile(times, [0.5, 0.99])
