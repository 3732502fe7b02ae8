"""LinearClassifier's fit and its online calls, for ``pytest bench``."""

from __future__ import annotations

import numpy as np
import pytest
from fashion import MISSING, load
from sklearn.datasets import load_digits

from fastlr import LinearClassifier


def test_fit_digits(benchmark):
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    model = benchmark(lambda: LinearClassifier(random_state=0).fit(X, y))
    assert model.score(X, y) > 0.95


def test_fit_fashion(benchmark):
    data = load()
    if data is None:
        pytest.skip(MISSING)
    X, y, X_test, y_test = data
    model = benchmark.pedantic(
        lambda: LinearClassifier(max_epochs=3, random_state=0).fit(X, y), rounds=3
    )
    assert model.score(X_test, y_test) > 0.84


@pytest.mark.parametrize("rows", [1, 32])
@pytest.mark.parametrize("call", ["partial_fit", "predict"])
def test_online(benchmark, call, rows):
    X, y = load_digits(return_X_y=True)
    model = LinearClassifier(schedule=None).partial_fit(X, y, classes=np.unique(y))
    if call == "partial_fit":
        benchmark(model.partial_fit, X[:rows], y[:rows])
    else:
        benchmark(model.predict, X[:rows])
