"""Schedules of any hyper-parameter and of groups: what the steps use."""

import copy
import pickle

import numpy as np
import pytest

from fastlr import SGD, AdamW
from fastlr.optimizers import OPTIMIZERS, Optimizer
from fastlr.schedules import (
    Constant,
    CosineAnnealing,
    Cyclical,
    ExponentialDecay,
    Linear,
    OneCycle,
    Piecewise,
    ReduceOnPlateau,
    Run,
    StepDecay,
)
from fastlr.updater.timetable import check_effects
from tests.support.hashed import uniform

N = 300  # more than a table of rows holds
T = np.arange(N)


def gradient(t, n=7):
    return uniform(n, 100 + t) - 0.4


def factor(schedule):
    return schedule.evaluate(T, Run(N))[0]


def walk(updater, n=N):
    for t in range(n):
        updater.step(gradient(t, updater.params.size))
    return updater.params


# Values


def test_adamw_follows_schedules_of_all_it_has():
    plan = {
        "beta1": Linear(start=0.6, end=1.0),
        "beta2": StepDecay(100, gamma=0.95),
        "eps": ExponentialDecay(0.5, every=20),
        "weight_decay": CosineAnnealing(min_factor=0.1),
    }
    optimizer = AdamW(lr=0.02, eps=1e-3, weight_decay=0.3, schedule=Linear(end=0.2), schedules=plan)
    got = walk(optimizer.bind(uniform(7, 1), total_steps=N))
    beta1, beta2, eps, decay = (
        own * factor(plan[name])
        for name, own in (("beta1", 0.9), ("beta2", 0.999), ("eps", 1e-3), ("weight_decay", 0.3))
    )
    lr = 0.02 * factor(Linear(end=0.2))
    p, m, v = uniform(7, 1), np.zeros(7), np.zeros(7)
    for t in T:
        g = gradient(t)
        m = beta1[t] * m + (1 - beta1[t]) * g
        v = beta2[t] * v + (1 - beta2[t]) * g * g
        p = p - lr[t] * decay[t] * p
        p = p - lr[t] * (m / (1 - beta1[t] ** (t + 1))) / (
            np.sqrt(v / (1 - beta2[t] ** (t + 1))) + eps[t]
        )
    np.testing.assert_allclose(got, p, rtol=1e-11)


@pytest.mark.parametrize("decay", ["l2", "decoupled", "independent"])
def test_sgd_follows_schedules_of_what_surrounds_its_rule(decay):
    plan = {
        "momentum": Piecewise([50, 200], [0.5, 1.0, 0.0]),
        "dampening": Linear(100),
        "clip_value": Linear(start=1.0, end=0.3),
        "weight_decay": Cyclical(17, 11),
        "average_decay": Constant(0.9),
    }
    optimizer = SGD(
        lr=0.03,
        momentum=0.8,
        dampening=0.2,
        weight_decay=0.05,
        decay=decay,
        clip_value=0.5,
        average="ema",
        average_decay=0.95,
        schedule=CosineAnnealing(min_factor=0.1),
        schedules=plan,
    )
    updater = optimizer.bind(uniform(7, 1), total_steps=N)
    got = walk(updater)
    own = {"momentum": 0.8, "dampening": 0.2, "clip_value": 0.5, "weight_decay": 0.05}
    mu, tau, bound, wd = (value * factor(plan[name]) for name, value in own.items())
    rate = factor(CosineAnnealing(min_factor=0.1))
    p, buf, mean = uniform(7, 1), np.zeros(7), None
    for t in T:
        g = np.clip(gradient(t), -bound[t], bound[t])
        if decay == "l2":
            g = g + wd[t] * p
        else:
            p = p - wd[t] * rate[t] * (0.03 if decay == "decoupled" else 1) * p
        buf = g if t == 0 else mu[t] * buf + (1 - tau[t]) * g
        p = p - 0.03 * rate[t] * buf
        mean = p if t == 0 else mean + (1 - 0.95 * 0.9) * (p - mean)
    np.testing.assert_allclose(got, p, rtol=1e-11)
    np.testing.assert_allclose(updater.averaged, mean, rtol=1e-11)


def test_a_groups_own_decay_follows_the_schedule_of_the_decay():
    params = {"w": np.ones(3), "v": np.ones(3)}
    optimizer = SGD(lr=1.0, weight_decay=0.1, schedules={"weight_decay": StepDecay(1, gamma=0.5)})
    updater = optimizer.bind(params, groups=[{"match": "v", "weight_decay": 0.4}])
    for _ in range(3):
        updater.step({"w": np.zeros(3), "v": np.zeros(3)})
    np.testing.assert_allclose(params["w"], (1 - 0.1) * (1 - 0.05) * (1 - 0.025), rtol=1e-14)
    np.testing.assert_allclose(params["v"], (1 - 0.4) * (1 - 0.2) * (1 - 0.1), rtol=1e-14)


def test_a_constant_schedule_changes_nothing():
    plan = {"beta1": Constant(), "weight_decay": None, "eps": lambda t: 1.0}
    plain = walk(AdamW(lr=0.1).bind(uniform(7, 1)))
    np.testing.assert_allclose(
        walk(AdamW(lr=0.1, schedules=plan).bind(uniform(7, 1))), plain, rtol=1e-12
    )


def test_the_momentum_of_the_updater_is_the_scheduled_one():
    updater = AdamW(schedules={"beta1": Linear(4, 0.5, 1.0)}).bind(np.ones(2))
    seen = []
    for _ in range(6):
        seen.append(updater.momentum)
        updater.step(np.ones(2))
    np.testing.assert_allclose(seen, 0.9 * np.array([0.5, 0.625, 0.75, 0.875, 1, 1]), rtol=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_number_of_every_rule_can_be_scheduled_or_says_why_not(name):
    cls = OPTIMIZERS[name]
    base = cls()
    taken = base.bind(np.ones((2, 2))).binding.kernel.coefficients
    t, lr = np.arange(1.0, 41.0), np.full(40, 0.01)
    plain = base.coefficients(t, lr)
    scheduled = set()
    for field in set(cls.parameter_defaults) - set(Optimizer.parameter_defaults) - {"lr"}:
        value = getattr(base, field)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        try:
            optimizer = base.replace(schedules={field: Constant()})
            check_effects(optimizer, taken)
        except ValueError as error:
            assert field in str(error)  # noqa: PT017  (either way is right; the name must be there)
            continue
        scheduled.add(field)
        got = optimizer.with_scheduled({field: np.full(40, value)}).coefficients(t, lr)
        for each in set(taken) & set(plain):  # not what the updater adds
            np.testing.assert_allclose(got[each], plain[each], rtol=1e-12, err_msg=field)
    assert scheduled >= {"beta2", "rho", "eps"} & set(cls.parameter_defaults)


# A schedule that listens


def test_a_metric_drives_any_hyper_parameter_and_comes_back_from_a_state_dict():
    plan = {"weight_decay": ReduceOnPlateau(0.5, patience=0)}
    optimizer = SGD(lr=1.0, weight_decay=0.2, schedule=ReduceOnPlateau(0.1, 1), schedules=plan)

    def run(updater, losses):
        before = updater.params.copy()
        shrunk = []
        for loss in losses:
            updater.step(np.zeros(2))
            shrunk.append(1 - updater.params[0] / before[0])
            before = updater.params.copy()
            updater.observe(loss)
        return shrunk

    whole = run(optimizer.bind(np.ones(2)), [1.0] * 5)
    np.testing.assert_allclose(whole, [0.2, 0.2, 0.1, 0.005, 0.0025], rtol=1e-12)
    first = optimizer.bind(np.ones(2))
    run(first, [1.0] * 3)
    state = first.state_dict()
    assert set(state["schedule"]) > {"lr.best", "lr.factor", "weight_decay.factor"}
    again = optimizer.bind(first.params.copy())
    again.load_state_dict(copy.deepcopy(state))
    np.testing.assert_allclose(run(again, [1.0] * 2), whole[3:], rtol=1e-12)
    del state["schedule"]["weight_decay.bad"]
    with pytest.raises(ValueError, match=r"state_dict\['schedule'\] must have keys"):
        again.load_state_dict(state)


# Groups


def test_a_group_follows_its_own_schedule():
    params = {"head": np.zeros(3), "body": np.zeros(3), "bias": np.zeros(3)}
    groups = [
        {"match": "head", "schedule": StepDecay(2, gamma=0.5), "lr": 3.0},
        {"match": "bias", "lr": 2.0},
    ]
    updater = SGD(lr=1.0, schedule=Linear(4)).bind(params, groups)
    for _ in range(4):
        updater.step({name: np.full(3, -1.0) for name in params})
    assert updater.lr == 0
    np.testing.assert_allclose(params["body"], 1 + 0.75 + 0.5 + 0.25)
    np.testing.assert_allclose(params["bias"], 2 * params["body"])
    np.testing.assert_allclose(params["head"], 3 * (1 + 1 + 0.5 + 0.5))


def test_the_momentum_of_a_group_is_that_of_its_schedule():
    cycle, n = OneCycle(20), 20
    params = {"a": np.zeros(7), "b": np.zeros(7), "c": np.zeros(7)}
    groups = [{"match": "b", "schedule": "constant"}, {"match": "c", "schedule": Cyclical(3)}]
    updater = SGD(lr=0.1, momentum=0.5, schedule=cycle).bind(params, groups)
    for t in range(n):
        updater.step(dict.fromkeys(params, gradient(t)))
    for name, schedule in (("a", cycle), ("b", Constant()), ("c", Cyclical(3))):
        alone = SGD(lr=0.1, momentum=0.5, schedule=schedule).bind(np.zeros(7))
        np.testing.assert_array_equal(params[name], walk(alone, n))


def test_independent_decay_follows_the_schedule_of_the_group():
    params = {"a": np.ones(2), "b": np.ones(2)}
    optimizer = SGD(lr=0.1, weight_decay=0.2, decay="independent", schedule=Constant(0.5))
    updater = optimizer.bind(params, [{"match": "b", "schedule": StepDecay(1, gamma=0.25)}])
    for _ in range(2):
        updater.step({"a": np.zeros(2), "b": np.zeros(2)})
    np.testing.assert_allclose(params["a"], 0.9**2, rtol=1e-14)
    np.testing.assert_allclose(params["b"], 0.8 * 0.95, rtol=1e-14)


def test_a_metric_reaches_the_schedule_of_a_group_and_pickles_with_it():
    params = {"a": np.zeros(2), "b": np.zeros(2)}
    groups = [{"match": "b", "schedule": ReduceOnPlateau(0.5, patience=0)}]
    updater = SGD(lr=1.0).bind(params, groups)
    for _ in range(3):
        updater.step({"a": np.full(2, -1.0), "b": np.full(2, -1.0)})
        updater.observe(1.0)
    assert params["a"].tolist() == [3, 3]
    assert params["b"].tolist() == [2.5, 2.5]
    updater = pickle.loads(pickle.dumps(updater))
    updater.step({"a": np.full(2, -1.0), "b": np.full(2, -1.0)})
    assert updater.params["b"].tolist() == [2.75, 2.75]
