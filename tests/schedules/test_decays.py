"""Closed forms of the schedules that fall along a curve, times past their end included."""

import math

import numpy as np
import pytest

from fastlr.schedules import (
    REX,
    InverseSqrt,
    InverseTime,
    Linear,
    Polynomial,
    Run,
    Warmup,
    WarmupStableDecay,
    epochs,
)

WHOLE = Run(total_steps=60, steps_per_epoch=6)


def factor(schedule, n, run=WHOLE):
    return schedule.evaluate(np.arange(n), run)[0]


def test_inverse_time_closed_form_in_all_units():
    for every in (12, 0.2, epochs(2)):
        got = factor(InverseTime(0.8, every), 200)
        np.testing.assert_allclose(got, [1 / (1 + 0.8 * t / 12) for t in range(200)], rtol=1e-15)
        got = factor(InverseTime(0.8, every, staircase=True), 200)
        np.testing.assert_allclose(got, [1 / (1 + 0.8 * (t // 12)) for t in range(200)], rtol=1e-15)
    assert set(factor(InverseTime(0.0), 50)) == {1.0}
    assert InverseTime().length(WHOLE) is None


def test_inverse_square_root_closed_form_in_all_units():
    for timescale in (12, 0.2, epochs(2)):
        got = factor(InverseSqrt(timescale), 200)
        np.testing.assert_allclose(got, [math.sqrt(12 / (12 + t)) for t in range(200)], rtol=1e-15)
    assert InverseSqrt(12).length(WHOLE) is None


def test_inverse_square_root_after_a_warmup_is_that_of_the_transformer():
    # d**-0.5 * min(k**-0.5, k * n**-1.5), with steps k from 1, which peaks at step k = n.
    n = 25
    paper = np.array([min(k**-0.5, k * n**-1.5) for k in range(1, 300)])
    got = factor(Warmup(n - 1, InverseSqrt(n), start=1 / n), 299)
    np.testing.assert_allclose(got, paper * math.sqrt(n), rtol=1e-14)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.7])
def test_polynomial_closed_form_and_end(power):
    for steps in (None, 60, epochs(10)):
        got = factor(Polynomial(steps, power=power, min_factor=0.2), 150)
        expected = [0.2 + 0.8 * (1 - t / 60) ** power for t in range(61)]
        np.testing.assert_allclose(got[:61], expected, rtol=1e-14)
        assert set(got[60:]) == {0.2}
    assert Polynomial().length(WHOLE) == 60


def test_linear_goes_down_and_up_and_ends_to_the_bit():
    got = factor(Linear(0.5, start=1.3, end=0.1), 100)
    np.testing.assert_allclose(got[:31], [1.3 - 1.2 * t / 30 for t in range(31)], rtol=1e-14)
    assert set(got[30:]) == {0.1}
    for start, end in ((1 / 3, 1.0), (0.123456789, 0.7), (0.0, 1 / 3), (1.0, 0.0)):
        for steps in range(1, 100):
            assert set(Linear(steps, start, end).evaluate([steps, 10**9], Run())[0]) == {end}
    assert Linear(30).then(Linear(30, 0.0, 1.0)).length(WHOLE) == 60


def test_rex_is_the_form_of_the_paper():
    got = factor(REX(40, min_factor=0.1), 100)
    z = np.arange(41) / 40
    np.testing.assert_allclose(got[:41], 0.1 + 0.9 * (1 - z) / (0.5 + 0.5 * (1 - z)), rtol=1e-14)
    assert set(got[40:]) == {0.1}
    assert REX().length(WHOLE) == 60
    assert (factor(REX(), 60)[1:] > factor(Linear(), 60)[1:]).all()


@pytest.mark.parametrize("start", [None, 0.05, 0.4])
def test_exponential_warmup_rises_by_the_same_factor_at_each_step(start):
    got = factor(Warmup(20, start=start, shape="exponential"), 50)
    first = 1 / 21 if start is None else start
    expected = [first ** (1 - min(t, 20) / 20) for t in range(50)]
    np.testing.assert_allclose(got, expected, rtol=1e-14)
    np.testing.assert_allclose(got[1:21] / got[:20], first ** (-1 / 20), rtol=1e-14)


def test_constant_warmup_jumps():
    assert factor(Warmup(3, start=0.2, shape="constant"), 6).tolist() == [0.2, 0.2, 0.2, 1, 1, 1]
    assert factor(Warmup(2, shape="constant"), 4).tolist() == [1 / 3, 1 / 3, 1, 1]
    assert factor(Warmup(2, start=0.0, shape="constant"), 4).tolist() == [0, 0, 1, 1]


def test_no_warmup_is_none_in_any_shape():
    for shape in ("linear", "exponential", "constant"):
        for start in (None, 0.1):
            assert set(factor(Warmup(0, start=start, shape=shape), 5)) == {1.0}


FALLS = {
    "linear": lambda x: 1 - x,
    "cosine": lambda x: (1 + math.cos(math.pi * x)) / 2,
    "1-sqrt": lambda x: 1 - math.sqrt(x),
}


@pytest.mark.parametrize("shape", FALLS)
def test_warmup_stable_decay_closed_form(shape):
    schedule = WarmupStableDecay(0.1, epochs(3), shape=shape, min_factor=0.1)
    got = factor(schedule, 200)
    rise = [1 / 7 + 6 / 7 * t / 6 for t in range(6)]
    fall = [0.1 + 0.9 * FALLS[shape](t / 18) for t in range(18)]
    np.testing.assert_allclose(got[:60], rise + [1.0] * 36 + fall, rtol=1e-14)
    assert set(got[60:]) == {0.1}
    assert schedule.length(WHOLE) == 60


def test_warmup_stable_decay_without_a_middle_or_a_beginning():
    got = factor(WarmupStableDecay(20, 40, shape="linear"), 60)
    assert got[20] == 1
    assert (np.diff(got[:21]) > 0).all()
    assert (np.diff(got[20:]) < 0).all()
    assert set(factor(WarmupStableDecay(0, 10), 51)) == {1.0}
    assert factor(WarmupStableDecay(0, 10, start=0.3), 1) == 1
    with pytest.raises(
        ValueError, match=r"warmup and decay must fit into steps, got 30 \+ 32 > 60"
    ):
        factor(WarmupStableDecay(30, 32), 5)


def test_warmup_stable_decay_fits_runs_of_any_length():
    # Rounding may ask for a step more than there are.
    for total in range(1, 30):
        for rise, fall in ((0.5, 0.5), (0.1, 0.9), (0.1, 0.2), (0.3, 0.7)):
            got = factor(WarmupStableDecay(rise, fall), total + 5, Run(total))
            assert np.isfinite(got).all()
            assert got.min() >= 0
            assert got.max() <= 1
            assert set(got[total:]) == {0}
            assert (got[:total] > 0).all()
