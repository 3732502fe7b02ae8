"""A user's own functions, as schedules and as the scale of a cycle."""

import math
import pickle

import numpy as np
import pytest

from fastlr import SGD, LinearClassifier
from fastlr.schedules import CosineAnnealing, Cyclical, Function, Run, Warmup

TABLE = [1.0, 0.5, 0.25, 0.7, 0.1]


def _falling(t):
    return 1 / (1 + t)


def branching(t):
    return 1.0 if t < 3 else 0.5


def of_math(t):
    return 0.5 + 0.5 * math.cos(t)


def of_table(t):
    return TABLE[min(int(t), 4)]


def constant(t):
    return 0.5


def of_arrays(t):
    out = np.ones_like(t)
    out[t >= 3] = 0.5
    return out


def reducing(t):
    return np.max(t) * 0.1


def in_place(t):
    t += 1
    return 1 / t


SCALARS = {
    "branching": (branching, [1, 1, 1, 0.5, 0.5]),
    "math": (of_math, [0.5 + 0.5 * math.cos(t) for t in range(5)]),
    "table": (of_table, TABLE),
    "constant": (constant, [0.5] * 5),
    "arrays": (of_arrays, [1, 1, 1, 0.5, 0.5]),
    "reducing": (reducing, [0, 0.1, 0.2, 0.3, 0.4]),
    "in place": (in_place, [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]),
    "ufunc": (np.sqrt, np.sqrt(range(5))),
    "integers": (lambda t: t < 2, [1, 1, 0, 0, 0]),
}


@pytest.mark.parametrize("name", SCALARS)
def test_any_function_gives_the_same_in_blocks_of_any_size(name):
    function, expected = SCALARS[name]
    whole = Function(function).evaluate(np.arange(5), Run())[0]
    assert whole.dtype == np.float64
    np.testing.assert_allclose(whole, expected, rtol=1e-15)
    for t in range(5):
        assert Function(function).evaluate(t, Run())[0] == whole[t]
        np.testing.assert_array_equal(Function(function).evaluate([t], Run())[0], whole[[t]])
    assert Function(function).evaluate([], Run())[0].shape == (0,)


def test_a_function_of_arrays_is_called_once_for_a_block():
    calls = []

    def counting(t):
        calls.append(t)
        return 1 / (1 + t)

    Function(counting).evaluate(np.arange(1000), Run())
    assert len(calls) == 1


def test_time_in_epochs_and_as_a_part_of_the_run():
    run = Run(total_steps=8, steps_per_epoch=4)
    t = np.arange(12)
    held = np.minimum(t, 7) / 4
    np.testing.assert_array_equal(Function(np.abs, "epoch").evaluate(t, run)[0], held)
    part = Function(np.abs, "run")
    np.testing.assert_array_equal(part.evaluate(t, run)[0], np.minimum(t / 8, 1))
    assert part.length(run) == 8
    assert Function(np.abs).length(run) is None
    # Inside a composition the run is what the part sees of it.
    inside = Warmup(4, Function(lambda x: 1 - x, "run")).evaluate(t, run)[0]
    np.testing.assert_array_equal(inside[4:], [1, 0.75, 0.5, 0.25, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (
            lambda t: 1 - t,
            ValueError,
            r"Function: fn must return finite numbers >= 0, got -1.0 at 2",
        ),
        (lambda t: t + math.nan, ValueError, "finite numbers >= 0, got nan at 0"),
        (lambda t: math.inf, ValueError, "got inf at 0"),
        (lambda t: "0.5x", TypeError, "Function: fn must return a number, got '0.5x'"),
        (lambda t: None, TypeError, "must return a number, got None"),
        (lambda t: 1j * t, TypeError, "must return a number, got 0j"),
        (lambda t: {}["a"], KeyError, "a"),
    ],
)
def test_what_a_function_must_not_return_is_said(function, error, message):
    with pytest.raises(error, match=message):
        Function(function).evaluate(np.arange(3), Run())


def test_a_function_drives_training():
    params = np.zeros(3)
    updater = SGD(lr=2.0, schedule=branching).bind(params)
    for _ in range(5):
        updater.step(np.full(3, -1.0))
    np.testing.assert_allclose(params, 2 * (1 + 1 + 1 + 0.5 + 0.5), rtol=1e-15)
    assert pickle.loads(pickle.dumps(updater)).lr == updater.lr == 1.0
    with pytest.raises(ValueError, match="Function: fn must return finite numbers"):
        SGD(schedule=lambda t: -1.0).bind(params)


def test_functions_compose():
    t = np.arange(9)
    product = (Function(branching) * CosineAnnealing(8)).evaluate(t, Run())[0]
    cosine = CosineAnnealing(8).evaluate(t, Run())[0]
    np.testing.assert_array_equal(product, cosine * [branching(x) for x in t])
    then = CosineAnnealing(8).then(branching, after=4).evaluate(t, Run())[0]
    np.testing.assert_array_equal(then[4:], [1, 1, 1, 0.5, 0.5])


def test_a_cycle_with_its_own_scale_is_that_of_a_mode():
    t = np.arange(100)
    for mode, scale, scale_mode in (
        ("triangular2", lambda i: 0.5 ** (i - 1), "cycle"),
        ("exp_range", lambda t: 0.97**t, "iterations"),
        ("exp_range", lambda i: 0.97**i, "cycle"),
        ("triangular", lambda i: 1.0, "cycle"),
    ):
        common = {"min_factor": 0.1, "scale_mode": scale_mode, "cycles": 4}
        expected = Cyclical(7, 4, mode=mode, gamma=0.97, **common).evaluate(t, Run())
        got = Cyclical(7, 4, scale=scale, **common).evaluate(t, Run())
        np.testing.assert_allclose(got, expected, rtol=1e-14)
    alone = Cyclical(7, 4, scale=constant, cycle_momentum=False).evaluate(t, Run())
    assert alone[1] is None


def test_a_scale_above_one_is_refused():
    with pytest.raises(
        ValueError, match=r"Cyclical: scale must return .* in \[0, 1\], got 1.5 at 0"
    ):
        Cyclical(5, scale=lambda t: 1.5).simulate(5)


def test_a_function_is_asked_for_steps_that_are_made_and_no_others():
    rates, p = [1.0, 0.5, 0.25], np.zeros(1)
    updater = SGD(lr=1.0, schedule=lambda t: rates[int(t)]).bind(p)
    for _ in range(3):
        updater.step(np.ones(1))
    assert p.tolist() == [-1.75]
    with pytest.raises(IndexError):
        updater.step(np.ones(1))
    assert p.tolist() == [-1.75]

    q = np.zeros(1)
    falling = SGD(lr=1.0, schedule=lambda t: 1 - t / 100).bind(q)
    for _ in range(101):
        falling.step(np.ones(1))
    assert q[0] == pytest.approx(-sum(1 - t / 100 for t in range(101)))
    with pytest.raises(ValueError, match="at 101"):
        falling.step(np.ones(1))


def test_the_last_value_holds_where_the_length_of_the_run_is_known():
    rates, p = [1.0, 0.5, 0.25], np.zeros(1)
    updater = SGD(lr=1.0, schedule=lambda t: rates[int(t)]).bind(p, total_steps=3)
    for _ in range(5):
        updater.step(np.ones(1))
    assert p.tolist() == [-2.25]


def test_an_estimator_takes_a_function_or_a_table_of_its_steps():
    X = np.random.default_rng(0).normal(size=(100, 3))
    y = X[:, 0] > 0
    common = {"optimizer": "sgd", "lr": 0.5, "max_epochs": 3, "batch_size": 25, "random_state": 0}
    rates = [1 / (1 + t) for t in range(12)]
    found = [
        LinearClassifier(schedule=each, **common).fit(X, y).coef_
        for each in (_falling, lambda t: rates[int(t)], Function(_falling))
    ]
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
