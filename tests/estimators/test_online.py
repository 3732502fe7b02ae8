"""Models that go on learning after a run: their rate, and chunks that would ruin them."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split

from fastlr import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from fastlr.estimators.session.online_rate import DRIFT, LOWEST, OnlineRate
from fastlr.exceptions import DivergenceWarning


def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16, y, random_state=0)


def lines():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((1500, 5))
    return train_test_split(X, X @ [1, 2, -1, 0.5, 0] + 0.1 * rng.standard_normal(1500))


@pytest.mark.parametrize("size", [1, 32, 1000])
@pytest.mark.parametrize(
    ("cls", "data"),
    [
        (LinearClassifier, digits),
        (MLPClassifier, digits),
        (LinearRegressor, lines),
        (MLPRegressor, lines),
    ],
)
def test_a_fitted_model_keeps_its_score_while_it_learns_from_more_of_the_same(cls, data, size):
    X, X_test, y, y_test = data()
    model = cls(random_state=0).fit(X, y)
    score, rng, worst = model.score(X_test, y_test), np.random.default_rng(1), np.inf
    for k in range({1: 2000, 32: 400, 1000: 40}[size]):
        rows = rng.integers(len(X), size=size)
        model.partial_fit(X[rows], y[rows])
        if k % 10 == 0:
            worst = min(worst, model.score(X_test, y_test))
    assert worst >= score - 0.01


def test_a_fitted_model_follows_when_the_data_change():
    X, X_test, y, y_test = lines()
    model = LinearRegressor(random_state=0).fit(X, y)
    rng = np.random.default_rng(1)
    for k in range(3000):
        rows = rng.integers(len(X), size=1)
        model.partial_fit(X[rows], y[rows] if k < 1000 else -y[rows])
    assert model.score(X_test, -y_test) > 0.9


@pytest.mark.parametrize(("rows", "share"), [(12, 1.0), (3, 0.5)])
def test_smaller_batches_than_those_of_the_fit_have_a_lower_rate(rows, share):
    X, y = load_diabetes(return_X_y=True)
    model = LinearRegressor(lr=0.01, batch_size=12, random_state=0).fit(X, y)
    model.partial_fit(X[:rows], y[:rows])
    assert model.history_["lr"][-1] == pytest.approx(0.01 * share * 2**-5, rel=1e-12)


@pytest.mark.parametrize("trained", [True, False])
def test_a_pickle_between_two_chunks_changes_no_bit(trained):
    X, _, y, _ = lines()
    models = [LinearRegressor(random_state=0) for _ in range(2)]
    if trained:
        models = [m.fit(X, y) for m in models]
    for k in range(60):
        rows = slice(17 * k, 17 * k + 17)
        sign = 1 if k < 40 else -1
        for m in models:
            m.partial_fit(X[rows], sign * y[rows])
        models[1] = pickle.loads(pickle.dumps(models[1]))
    np.testing.assert_array_equal(models[0].coef_, models[1].coef_)
    np.testing.assert_array_equal(models[0].history_["lr"], models[1].history_["lr"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cls", [LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor])
def test_a_chunk_with_absurd_values_is_taken_back_whole(cls, dtype):
    X, _, y, _ = lines()
    X = X.astype(dtype)
    y = (y > 0).astype(int) if "Classifier" in cls.__name__ else y
    models = [cls(random_state=0).fit(X, y) for _ in range(2)]
    bad = X[:32].copy()
    bad[5, 2] = np.finfo(dtype).max / 4
    y_bad = y[:32].copy()
    if "Classifier" in cls.__name__:
        y_bad[5] = 1  # wrong, for the feature speaks against it; else there is nothing to learn
    before = pickle.dumps(models[1]._session.updater.state_dict())
    with pytest.warns(DivergenceWarning, match="a chunk of rows was taken back"):
        models[1].partial_fit(bad, y_bad)
    assert pickle.dumps(models[1]._session.updater.state_dict()) == before
    assert np.isfinite(models[1].predict(X)).all()
    np.testing.assert_array_equal(models[0].predict(X), models[1].predict(X))
    assert models[1].partial_fit(X[:32], y[:32]).score(X, y) > 0.9


def test_sparse_rows_with_absurd_values_are_not_learned_from():
    X = sparse.random_array((400, 300), density=0.02, rng=np.random.default_rng(0), format="csr")
    y = np.asarray(X[:, :150].sum(axis=1) > X[:, 150:].sum(axis=1)).astype(int)
    model = LinearClassifier(random_state=0)
    for k in range(0, 400, 50):
        model.partial_fit(X[k : k + 50], y[k : k + 50], classes=[0, 1])
    bad, coef = X[:5].copy(), model.coef_.copy()
    bad.data[3] = 1e200
    with pytest.warns(DivergenceWarning, match="a chunk of rows was taken back"):
        model.partial_fit(bad, y[:5])
    np.testing.assert_array_equal(model.coef_, coef)
    assert model.partial_fit(X, y).score(X, y) > 0.8


@pytest.mark.parametrize("cls", [LinearClassifier, MLPClassifier])
def test_threads_that_feed_one_model_wait_for_each_other(cls):
    X, X_test, y, y_test = digits()
    model, calls = cls(schedule=None, lr=0.003, random_state=0), 60

    def feed(part):
        rng = np.random.default_rng(part)
        for _ in range(calls):
            rows = rng.integers(len(X), size=24)
            model.partial_fit(X[rows], y[rows], classes=range(10))
            assert np.isfinite(model.decision_function(X_test[:5]) if part else 0.0).all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(feed, range(4)))
    assert model.n_iter_ == 4 * calls
    assert model.t_ == 4 * calls * 24
    assert model.score(X_test, y_test) > 0.85
    assert pickle.loads(pickle.dumps(model)).score(X_test, y_test) == model.score(X_test, y_test)


# The rate itself


def test_the_rate_of_an_untrained_model_falls_like_one_over_the_root_of_the_rows():
    rate, rng = OnlineRate(trained=False), np.random.default_rng(0)
    assert rate.factor == 1.0
    factors = []
    for _ in range(1000):
        rate.observe(1 + 0.1 * rng.standard_normal(), 30)
        factors.append(rate.factor)
    assert factors[-1] == 2 ** (round(2 * np.log2((1 + 30_000 / 2000) ** -0.5)) / 2)
    assert (np.diff(factors) <= 0).all()
    assert rate.drifts == 0


@pytest.mark.parametrize("rows", [1, 32, 1000])
@pytest.mark.parametrize("draw", ["normal", "exponential", "rare"])
def test_chance_raises_no_rate(draw, rows):
    rng = np.random.default_rng(5)
    losses = {
        "normal": lambda n: 1 + rng.standard_normal(n),
        "exponential": lambda n: rng.exponential(size=n),
        "rare": lambda n: 8.0 * (rng.random(n) < 0.01) + 0.01,
    }[draw]
    rate = OnlineRate(trained=True)
    for _ in range(40_000 // rows + 200):
        rate.observe(losses(rows).mean(), rows)
    assert rate.drifts == 0
    assert rate.factor == 2**-5


@pytest.mark.parametrize("rows", [1, 32, 1000])
def test_a_rise_of_the_losses_raises_the_rate_for_a_while(rows):
    rate, rng = OnlineRate(trained=True), np.random.default_rng(5)
    for _ in range(max(3000 // rows, 20)):
        rate.observe((1 + rng.standard_normal(rows)).mean(), rows)
    assert rate.drifts == 0
    seen = []
    for _ in range(200 // rows + 1):
        rate.observe((3 + rng.standard_normal(rows)).mean(), rows)
        seen.append(rate.factor)
    assert rate.drifts == 1
    assert max(seen) == pytest.approx(DRIFT, rel=0.2)
    for _ in range(4000 // rows):
        rate.observe((3 + rng.standard_normal(rows)).mean(), rows)
    assert LOWEST < rate.factor < 0.15


def test_losses_that_are_not_finite_are_passed_over():
    rate = OnlineRate(trained=True)
    rate.observe(1.0, 5)
    before = rate.state()
    assert not rate.observe(np.nan, 5)
    assert not rate.observe(np.inf, 5)
    assert not rate.observe(1.0, 0)
    assert rate.state() == before
