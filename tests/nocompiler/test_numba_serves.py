"""What must work where no C compiler did; run by .ci/run in an install made with CC=/bin/false."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_digits

import fastlr
from fastlr import (
    Adam,
    CosineAnnealing,
    LinearClassifier,
    LinearRegressor,
    OneCycle,
    Warmup,
)

pytestmark = pytest.mark.skipif(
    fastlr.backend_info()["cython"], reason="the compiled core was built here"
)


def test_backend_info_says_what_is_missing():
    info = fastlr.backend_info()
    assert info["stepper"] == "python"
    assert info["isa"] is None
    assert any("compiler" in sentence for sentence in info["missing"])


def test_cython_asked_for_by_name_is_refused_with_the_reason():
    with pytest.raises(ValueError, match=r"backend='cython'.*no compiler"):
        Adam().bind(np.zeros(3), backend="cython")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_have_the_right_values(dtype):
    p = np.array([1.0, -2.0, 0.5], dtype)
    updater = Adam(lr=0.1, beta1=0.8, beta2=0.95, weight_decay=0.01, clip_norm=0.5).bind(p)
    expected = p.astype(np.float64)
    m = v = np.zeros(3)
    for t in range(1, 21):
        g = np.sin(np.arange(3) + t)
        updater.step(g.astype(dtype))
        norm = np.sqrt((g * g).sum())
        g = g * (1.0 if norm <= 0.5 else 0.5 / (norm + 5e-7)) + 0.01 * expected
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g * g
        expected = expected - 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-8)
    assert updater.backend == "numba"
    np.testing.assert_allclose(p, expected, rtol=1e-12 if dtype == np.float64 else 1e-5)


def test_schedules_have_the_right_values():
    rates = Warmup(4, CosineAnnealing()).simulate(24, lr=0.1).lr
    t = np.arange(20)
    np.testing.assert_allclose(rates[4:], 0.05 * (1 + np.cos(np.pi * t / 20)), atol=1e-15)
    assert OneCycle().simulate(10).momentum.argmin() == OneCycle().simulate(10).lr.argmax()


def test_sparse_rows_are_trained_on_as_dense_ones_are():
    X, y = load_digits(return_X_y=True)
    X[X < 12] = 0
    models = [
        LinearClassifier(fastlr.SGD(lr=1e-3), standardize=False, max_epochs=2, random_state=0)
        for _ in range(2)
    ]
    for model, rows in zip(models, (X, csr_array(X)), strict=True):
        model.fit(rows, y)
    np.testing.assert_allclose(models[1].coef_, models[0].coef_, rtol=1e-9, atol=1e-12)


def test_classifier_trains_and_is_reproducible():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    first, second = (LinearClassifier(random_state=3).fit(X, y) for _ in range(2))
    assert first.score(X, y) > 0.95
    assert first.coef_.dtype == np.float32
    np.testing.assert_array_equal(first.coef_, second.coef_)


def test_losses_and_penalties_train():
    X, y = load_digits(return_X_y=True)
    svm = LinearClassifier(loss="hinge", penalty="l1", alpha=1e-3, random_state=0).fit(X, y)
    assert svm.score(X, y) > 0.95
    assert (svm.coef_ == 0).any()
    X = np.random.default_rng(0).standard_normal((300, 4))
    y = 1e4 * (X @ np.arange(4.0)) + 1e6
    for loss in ("huber", "quantile", "squared_error"):
        assert LinearRegressor(loss=loss, random_state=0).fit(X, y).score(X, y) > 0.99
