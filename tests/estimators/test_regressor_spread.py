"""The units that regression targets are trained in: bounded pulls for squares, quartiles else."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from fastlr import LinearRegressor
from fastlr.estimators.data.centre_and_spread import NORMAL, centre_and_spread
from fastlr.losses import (
    EpsilonInsensitive,
    Huber,
    LogCosh,
    Quantile,
    SquaredEpsilonInsensitive,
    SquaredError,
)

RNG = np.random.default_rng(0)
Y = RNG.standard_normal((500, 3)) * [1.0, 50.0, 1e-3] + [0.0, 1e3, 2.0]
Y[::50] += 1e5 * np.array([1.0, 50.0, 1e-3])
ROBUST = [Huber(1e-6), Quantile(0.3), EpsilonInsensitive(1e-9), LogCosh(1e-6)]
NOT_ROBUST = [SquaredError(), SquaredEpsilonInsensitive(), Huber(1e12)]


@pytest.mark.parametrize("loss", ROBUST)
def test_quartiles_under_a_robust_loss(loss):
    centre, spread = centre_and_spread(Y, None, loss, centred=True)
    low, middle, high = np.sort(Y, axis=0)[[124, 249, 374]]
    np.testing.assert_allclose(centre, middle, rtol=1e-12)
    np.testing.assert_allclose(spread, (high - low) / NORMAL, rtol=1e-12)
    np.testing.assert_allclose(spread, [1.0, 50.0, 1e-3], rtol=0.15)
    centre, spread = centre_and_spread(Y, None, loss, centred=False)
    np.testing.assert_array_equal(centre, 0)
    np.testing.assert_allclose(spread, 2 * np.sort(np.abs(Y), axis=0)[249] / NORMAL, rtol=1e-12)


@pytest.mark.parametrize("loss", NOT_ROBUST)
def test_standard_deviation_where_far_rows_pull_hard(loss):
    centre, spread = centre_and_spread(Y, None, loss, centred=True)
    np.testing.assert_allclose(centre, Y.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(spread, Y.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("loss", [ROBUST[0], NOT_ROBUST[0]])
def test_a_weight_of_three_is_the_row_three_times(loss):
    times = RNG.integers(0, 4, len(Y))
    weighted = centre_and_spread(Y, times.astype(float), loss, centred=True)
    repeated = centre_and_spread(np.repeat(Y, times, axis=0), None, loss, centred=True)
    for got, expected in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_targets_that_are_mostly_one_value_have_their_deviation():
    y = np.zeros((100, 1))
    y[:20, 0] = np.arange(20)
    centre, spread = centre_and_spread(y, None, Huber(1e-6), centred=True)
    assert (centre[0], spread[0]) == pytest.approx((y.mean(), y.std()))
    assert centre_and_spread(np.ones((5, 1)), None, Huber(), centred=True)[1] == 0


@pytest.mark.parametrize("loss", ["huber", "quantile", "epsilon_insensitive", "log_cosh"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_outliers_of_any_size_do_not_keep_a_robust_loss_from_learning(loss, optimizer):
    X = RNG.standard_normal((1000, 6))
    clean = X @ RNG.standard_normal(6) * 3 + 5
    far = RNG.random(1000) < 0.02
    noise = 0.3 * RNG.standard_normal(1000)
    for size in (1e2, 1e5, 1e8):
        y = clean + noise + far * size * RNG.standard_normal(1000)
        model = LinearRegressor(optimizer, loss=loss, random_state=0).fit(X, y)
        assert r2_score(clean, model.predict(X)) > 0.99
