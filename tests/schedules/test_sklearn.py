"""Scikit-learn's own schedules, against the rates that its SGD estimators really take."""

import math
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDRegressor

from fastlr.schedules import Adaptive, InvScaling, Optimal, Run

TARGET = 1e3


def taken_rates(steps, **settings):
    """Return the rates of single-sample steps: the loss |w - y| has a slope of 1."""
    model = SGDRegressor(
        loss="epsilon_insensitive", epsilon=0.0, penalty=None, fit_intercept=False, **settings
    )
    weights = [0.0]
    for _ in range(steps):
        model.partial_fit([[1.0]], [TARGET])
        weights.append(model.coef_[0])
    return np.abs(np.diff(weights))


@pytest.mark.parametrize("alpha", [1e-4, 0.01, 0.3])
def test_optimal_takes_the_rates_of_scikit_learn(alpha):
    expected = taken_rates(60, learning_rate="optimal", alpha=alpha)
    got = Optimal(alpha).simulate(60, lr=alpha**-0.25).lr
    np.testing.assert_allclose(got, expected, rtol=1e-10)


@pytest.mark.parametrize("power", [0.0, 0.25, 0.5, 1.3])
def test_invscaling_takes_the_rates_of_scikit_learn(power):
    expected = taken_rates(60, learning_rate="invscaling", power_t=power, eta0=0.7)
    got = InvScaling(power).simulate(60, lr=0.7).lr
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_closed_forms_late_in_a_run():
    t = np.array([0, 10, 10**6, 10**12])
    np.testing.assert_allclose(
        InvScaling(0.4).evaluate(t, Run())[0], [(k + 1.0) ** -0.4 for k in t], rtol=1e-14
    )
    np.testing.assert_allclose(
        Optimal(1e-4).evaluate(t, Run())[0], [1000 / (1000 + float(k)) for k in t], rtol=1e-13
    )


@pytest.mark.parametrize("tol", [1e-3, 0.3])
@pytest.mark.parametrize("patience", [1, 2, 5])
def test_adaptive_takes_the_rates_of_scikit_learn(patience, tol):
    weights = [0.0]
    for n in range(1, 40):
        model = SGDRegressor(
            loss="epsilon_insensitive",
            epsilon=0.0,
            penalty=None,
            fit_intercept=False,
            learning_rate="adaptive",
            eta0=0.7,
            tol=tol,
            n_iter_no_change=patience,
            max_iter=n,
            shuffle=False,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit([[1.0]], [3.1])
        if model.n_iter_ < n:
            break  # its rate fell below 1e-6, and it stopped
        weights.append(model.coef_[0])
    weights = np.array(weights)
    loss = np.abs(weights[:-1] - 3.1)  # of each epoch, before its one step
    got = Adaptive(patience, tol).simulate(len(loss), 0.7, 1, loss.tolist()).lr
    np.testing.assert_allclose(got, np.abs(np.diff(weights)), rtol=1e-6, atol=1e-14)
    assert len(set(got)) > 3


def factors(schedule, metrics):
    state, seen = schedule.initial_metric_state(), []
    for metric in metrics:
        state = schedule.observe(state, metric)
        seen.append(state["factor"])
    return seen


def test_adaptive_takes_slow_progress_for_none():
    slow = [1.0 - 0.01 * k for k in range(6)]
    assert factors(Adaptive(2, tol=0.015), slow) == [1, 1, 0.2, 0.2, 0.2**2, 0.2**2]
    assert set(factors(Adaptive(2, tol=0.005), slow)) == {1.0}


def test_adaptive_for_scores_and_its_floor():
    score = [0.5, 0.6, 0.6, 0.55, 0.6, 0.6]
    schedule = Adaptive(2, tol=0.01, factor=0.5, min_factor=0.3, mode="max")
    assert factors(schedule, score) == [1, 1, 1, 0.5, 0.5, 0.3]
    lower = Adaptive(2, tol=0.01, factor=0.5, min_factor=0.3)
    assert factors(lower, [-s for s in score]) == factors(schedule, score)


def test_adaptive_counts_a_metric_that_is_not_a_number_as_bad():
    assert factors(Adaptive(1), [1.0, math.nan, 0.5]) == [1, 0.2, 0.2]
    with pytest.raises(TypeError, match="Adaptive: metric must be a number"):
        Adaptive().observe(Adaptive().initial_metric_state(), None)
