"""What single rules promise beyond their formula: limits, first steps, numbers at the edges."""

import numpy as np
import pytest
from cases import CASES, make

from fastlr import ADOPT, FTRL, MADGRAD, AdaBound, AdEMAMix, RAdam, Rprop
from fastlr.optimizers.nadam import _product
from fastlr.schedules import Linear


@pytest.mark.parametrize("case", CASES)
def test_gradients_that_are_zero_from_the_start_make_no_nan(case):
    if "initial_momentum" in CASES[case][1]:
        pytest.skip("its momentum starts off zero here")
    for start in (np.zeros(3, np.float32), np.array([1e-3, -2, 5], np.float32)):
        p = start.copy()
        updater = make(case).bind(p)
        for _ in range(20):
            updater.step(np.zeros(3, np.float32))
        state = [a for arrays in updater.state_dict()["state"].values() for a in arrays.values()]
        assert np.isfinite([p, *state]).all()
        assert (np.abs(p) <= np.abs(start)).all()  # decay at most


@pytest.mark.parametrize("case", CASES)
def test_a_gradient_after_many_zeros_makes_a_finite_step(case):
    p = np.zeros(3, np.float32)
    updater = make(case).bind(p)
    for g in [*[0.0] * 50, 1e-12, 1.0, 1e6]:
        updater.step(np.full(3, g, np.float32))
        assert np.isfinite(p).all(), f"gradient {g}"


@pytest.mark.parametrize("decay", [0.0, 1e-9, 0.004, 1.0, 1e3])
@pytest.mark.parametrize("beta1", [0.0, 0.9, 0.9999])
def test_nadams_product_is_that_of_all_steps_before(beta1, decay):
    t = np.arange(1.0, 20001.0)
    rate = decay * np.log(0.96)
    walked = np.cumprod(beta1 * (1 - 0.5 * np.exp(rate * t)))
    np.testing.assert_allclose(_product(beta1**t, t, rate), walked, rtol=1e-11, atol=1e-17)
    late = np.arange(19000.0, 20001.0)
    np.testing.assert_array_equal(
        _product(beta1**late, late, rate), _product(beta1**t, t, rate)[-1001:]
    )


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-15), (np.float32, 4e-7)])
def test_madgrads_cube_root_is_exact_over_the_range_of_single_precision(dtype, rtol):
    g = np.array([10.0**k for k in range(-18, 19)], dtype)
    p = np.zeros_like(g)
    MADGRAD(lr=1.0, momentum=0.0, eps=0.0).bind(p).step(g)
    # One step is g / cbrt(g * g), the cube root of g.
    np.testing.assert_allclose(p, -np.cbrt(g.astype(float)), rtol=rtol)


def test_rprop_sees_the_sign_of_gradients_whose_product_underflows():
    p = np.zeros(1, np.float32)
    updater = Rprop(lr=0.125, eta_plus=2.0).bind(p)
    for _ in range(3):
        updater.step(np.full(1, 1e-30, np.float32))
    assert p[0] == -0.125 * (1 + 2 + 4)


def test_rprop_scales_steps_and_not_sizes_by_the_schedule():
    p = np.zeros(1)
    updater = Rprop(lr=0.5, eta_plus=2.0, schedule=Linear(4)).bind(p)
    for _ in range(3):
        updater.step(np.ones(1))
    assert updater.state_dict()["state"]["size"]["0"][0] == 2.0
    assert p[0] == -(0.5 * 1.0 + 1.0 * 0.75 + 2.0 * 0.5)


def test_adopts_first_step_moves_nothing_however_large_the_gradient():
    p = np.ones(2, np.float32)
    updater = ADOPT(lr=0.5).bind(p)
    updater.step(np.array([1e15, 0.0], np.float32))
    assert p.tolist() == [1.0, 1.0]
    updater.step(np.array([1e15, 1e15], np.float32))
    # The second gradient is 1e21 times what the first one tells: clipped at 1.
    np.testing.assert_allclose(p, 1 - 0.5 * 0.1 * np.ones(2), rtol=1e-6)


def test_ftrl_makes_exact_zeros_and_holds_still_at_a_rate_of_zero():
    p = np.zeros(200)
    schedule = Linear(50)  # zero from step 50 on
    updater = FTRL(lr=1.0, l1=4.0, l2=0.5, schedule=schedule).bind(p)
    rng = np.random.default_rng(0)
    for t in range(60):
        updater.step(rng.standard_normal(200) + np.linspace(-0.5, 0.5, 200))
        if t == 50:
            before = p.copy()
    assert 20 < np.sum(p == 0) < 180
    np.testing.assert_allclose(p, before, rtol=1e-13, atol=0)


def test_ftrl_refuses_a_denominator_that_can_be_zero():
    with pytest.raises(ValueError, match="beta or initial_accumulator must be above 0"):
        FTRL(beta=0.0)


def test_rprop_refuses_bounds_that_cross():
    with pytest.raises(ValueError, match="min_step must not exceed max_step"):
        Rprop(min_step=2.0, max_step=1.0)


def test_adabound_becomes_sgd_with_momentum_at_the_final_rate():
    p, q = np.zeros(4), np.zeros(4)
    bound = AdaBound(lr=0.1, final_lr=0.5, gamma=1e12, schedule=Linear(10))
    updater = bound.bind({"p": p, "q": q}, groups=[{"match": "q", "lr": 0.25}])
    m, expected = 0.0, 0.0
    for t in range(8):
        g = np.array([1.0, -2.0, 1e-3, 50.0]) * (1 + t)
        updater.step({"p": g, "q": g})
        m = 0.9 * m + 0.1 * g
        expected = expected - 0.5 * (1 - t / 10) * m
    np.testing.assert_allclose(p, expected, rtol=1e-10)
    np.testing.assert_allclose(q, 0.25 * expected, rtol=1e-10)


def test_ademamix_warms_up_from_beta1_and_no_alpha_to_their_values():
    optimizer = AdEMAMix(beta1=0.9, beta3=0.999, alpha=4.0, alpha_warmup=100, beta3_warmup=200)
    t = np.array([1e-9, 50.0, 100.0, 200.0, 5000.0])
    rows = optimizer.coefficients(t, np.ones(5))
    np.testing.assert_allclose(rows["slow_step"], [4e-11, 2.0, 4.0, 4.0, 4.0])
    beta3 = 1 - rows["c3"]
    np.testing.assert_allclose(beta3[[0, 3, 4]], [0.9, 0.999, 0.999], rtol=1e-9)
    half_life = np.log(0.5) / np.log(beta3)
    np.testing.assert_allclose(half_life[1], 0.75 * half_life[0] + 0.25 * half_life[3], rtol=1e-9)
    at_zero = AdEMAMix(beta1=0.0, beta3_warmup=10).coefficients(np.ones(1), np.ones(1))
    assert 0 < at_zero["c3"][0] < 1


def test_radam_never_scales_where_the_average_is_too_short():
    rows = RAdam(beta2=0.6).coefficients(np.arange(1.0, 1000.0), np.ones(999))
    assert (rows["root"] == 0).all()
    assert (rows["offset"] == 1).all()
    first = RAdam().coefficients(np.arange(1.0, 10.0), np.ones(9))["root"]
    assert first.tolist() == [0] * 5 + [1] * 4
