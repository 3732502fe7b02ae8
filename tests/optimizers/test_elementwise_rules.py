"""What single rules promise beyond their formula: limits, first steps, numbers at the edges."""

import numpy as np
import pytest

from fastlr import (
    ADOPT,
    FTRL,
    MADGRAD,
    SGD,
    AdaBound,
    AdEMAMix,
    LinearClassifier,
    RAdam,
    Rprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
)
from fastlr.optimizers import Optimizer
from fastlr.optimizers.nadam import _product
from fastlr.schedules import Linear
from tests.support.cases import CASES, make


@pytest.mark.parametrize("case", CASES)
def test_gradients_that_are_zero_from_the_start_make_no_nan(case):
    more = {"initial_momentum": 0.0} if case.startswith("yogi") else {}
    for start in (np.zeros(3, np.float32), np.array([1e-3, -2, 5], np.float32)):
        p = start.copy()
        updater = make(case, **more).bind(p)
        for _ in range(20):
            updater.step(np.zeros(3, np.float32))
        state = [a for arrays in updater.state_dict()["state"].values() for a in arrays.values()]
        assert np.isfinite([p, *state]).all()
        assert (np.abs(p) <= np.abs(start)).all()  # decay at most


@pytest.mark.parametrize("case", CASES)
def test_a_gradient_after_many_zeros_makes_the_step_of_double_precision(case):
    more = {"eps1": 1e-30} if case.startswith("adafactor") else {}  # else it is that of the dtype
    single, double = np.zeros(3, np.float32), np.zeros(3)
    updaters = [make(case, **more).bind(p) for p in (single, double)]
    for g in [*[0.0] * 50, 1e-12, 1.0, 1e6]:
        for updater, dtype in zip(updaters, (np.float32, np.float64), strict=True):
            updater.step(np.full(3, g, dtype))
        np.testing.assert_allclose(single, double, rtol=3e-5, atol=1e-30, err_msg=f"gradient {g}")
    assert (double != 0).all()


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
    assert (rows["eps"] == 1).all()
    first = RAdam().coefficients(np.arange(1.0, 10.0), np.ones(9))["root"]
    assert first.tolist() == [0] * 5 + [1] * 4


@pytest.mark.parametrize("decay", ["l2", "decoupled", "independent"])
def test_schedule_free_predicts_with_the_mean_of_its_points(decay):
    y = np.array([3.0, -1.0])
    optimizer = ScheduleFreeSGD(lr=0.2, momentum=0.7, weight_decay=0.1, decay=decay)
    updater = optimizer.bind(y)
    assert updater.averaged.tolist() == y.tolist()
    points = []
    for t in range(1, 40):
        updater.step(np.array([1.0, -0.5]) / t)
        z = updater.state_dict()["state"]["z"]["0"]
        points.append(z)
        x = np.mean(points, axis=0)  # all weigh the same without a warm-up
        np.testing.assert_allclose(updater.averaged, x, rtol=1e-13)
        np.testing.assert_allclose(y, 0.3 * z + 0.7 * x, rtol=1e-13)


def test_estimators_predict_with_what_a_schedule_free_rule_averages():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5))
    labels = X @ np.arange(5.0) > 0.3 * rng.standard_normal(300)
    optimizer = ScheduleFreeAdamW(lr=0.05, warmup_steps=10)
    fitted = {}
    for average in (None, "ema"):
        model = LinearClassifier(
            optimizer=optimizer.replace(average=average, average_decay=0.0),
            lr=0.05,
            schedule=None,
            max_epochs=3,
            random_state=0,
        )
        fitted[average] = model.fit(X, labels).coef_
    # An average of decay 0 is y itself.
    assert not np.allclose(fitted[None], fitted["ema"], rtol=1e-3)
    np.testing.assert_allclose(fitted[None], fitted["ema"], rtol=0.3)


def test_other_optimizers_have_no_average_unless_asked():
    with pytest.raises(AttributeError, match="without average="):
        SGD().bind(np.ones(2)).averaged  # noqa: B018


@pytest.mark.parametrize(
    ("cls", "name"), [(ScheduleFreeSGD, "momentum"), (ScheduleFreeAdamW, "beta1")]
)
def test_schedule_free_refuses_a_schedule_of_what_ties_its_points_together(cls, name):
    with pytest.raises(ValueError, match=f"{name} must stay constant"):
        cls(schedules={name: Linear(10)})
    updater = cls(schedule="onecycle").bind(np.ones(2), total_steps=10)
    assert updater.momentum is None  # nor does one-cycle's momentum reach it


class Anchored(Optimizer):
    """A rule that decays towards where it started, itself."""

    lr: float = 0.1
    state = ("start",)

    def initial_state(self):
        return {"start": "p"}

    def coefficients(self, t, lr):
        return {"lr": lr}

    @staticmethod
    def update(p, g, start, lr, decay_share):
        p = p - lr * g - decay_share * (p - start)
        return p, start


def test_a_rule_may_apply_the_decay_itself_in_each_group_with_its_own():
    params = {"a": np.array([2.0, 1.0]), "b": np.array([2.0, 1.0])}
    optimizer = Anchored(lr=0.5, weight_decay=0.2, decay="decoupled")
    updater = optimizer.bind(params, groups=[{"match": "b", "weight_decay": 0.8}])
    for _ in range(2):
        updater.step({name: np.ones(2) for name in params})
    np.testing.assert_allclose(params["a"], np.array([2.0, 1.0]) - 0.5 - (0.5 - 0.1 * 0.5))
    np.testing.assert_allclose(params["b"], np.array([2.0, 1.0]) - 0.5 - (0.5 - 0.4 * 0.5))
