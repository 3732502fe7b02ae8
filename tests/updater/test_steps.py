"""What a step does, and what an updater tells about itself."""

import pickle
from collections import UserDict, namedtuple

import numpy as np
import pytest

import fastlr
from fastlr import SGD, Adam, AdamW, CosineAnnealing, OneCycle, ReduceOnPlateau
from fastlr.optimizers import OPTIMIZERS, get_optimizer
from tests.support.cases import (
    CASES,
    COMPILED_CASES,
    DTYPES,
    FULLEST,
    bits,
    gradients,
    make,
    small,
    snapshot,
    tree,
    walk,
)
from tests.support.engines import use_engine

STEPPERS = ["cython-base", "cython-python_stepper", "numba", "numba-no_compiler"]


@pytest.mark.parametrize("case", FULLEST.values())
def test_how_parameters_are_held_makes_no_difference(case):
    """One array, a list, a tuple, a dict: the same bits, whatever holds the gradients."""
    pair = namedtuple("pair", ["a", "b"])

    def run(hold, hold_grads):
        arrays = [np.array([1.0, -2.0, 3.0]), np.array([[0.5], [4.0]])]
        updater = make(case, clip_norm=1.0).bind(hold(*arrays))
        for t in range(1, 6):
            updater.step(hold_grads(t * arrays[0] / 7, t * arrays[1] / 7))
        return bits(arrays)

    by_name = run(lambda a, b: {"a": a, "b": b}, lambda a, b: {"a": a, "b": b})
    assert run(lambda a, b: [a, b], lambda a, b: [a, b]) == by_name
    assert run(lambda a, b: (a, b), pair) == by_name
    assert run(lambda a, b: [a, b], lambda a, b: (a, b)) == by_name
    assert run(lambda a, b: {"a": a, "b": b}, lambda a, b: {"b": b, "a": a}) == by_name
    assert run(lambda a, b: UserDict(a=a, b=b), lambda a, b: UserDict(a=a, b=b)) == by_name


@pytest.mark.parametrize("name", STEPPERS)
def test_gradients_that_a_mapping_makes_on_the_spot_outlive_the_step(name, tmp_path):
    sizes = {"a": 3000, "b": 2999, "c": 3001}
    np.savez(tmp_path / "g.npz", **{k: np.full(n, float(n)) for k, n in sizes.items()})
    params = {k: np.zeros(n) for k, n in sizes.items()}
    with use_engine(name) as backend, np.load(tmp_path / "g.npz") as grads:
        updater = SGD(lr=1.0).bind(params, backend=backend)
        for _ in range(3):
            updater.step(grads)
    assert all((params[k] == -3.0 * n).all() for k, n in sizes.items())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", FULLEST.values())
def test_memory_order_makes_no_difference(case, dtype):
    def run(order):
        p = {"w": np.array(tree(dtype)["column"], order=order)}
        updater = make(case, average="polyak", weight_decay=0.1).bind(p)
        for t in range(1, 6):
            updater.step({"w": np.asarray(gradients({"w": p["w"].copy("C")}, t)["w"], order=order)})
        return np.ascontiguousarray(p["w"]), np.ascontiguousarray(updater.averaged["w"])

    if not CASES[case][0].sums:
        assert bits(run("F")) == bits(run("C"))
    for first, second in zip(run("F"), run("C"), strict=True):  # sums are rounded in another order
        np.testing.assert_allclose(first, second, rtol=1e-14 if dtype is np.float64 else 1e-5)


@pytest.mark.parametrize("case", CASES)
def test_elements_do_not_see_each_other(case):
    """Whatever lies around an element, at whatever place in a vector, it gets the same bits."""
    if CASES[case][0].sums or case not in COMPILED_CASES:
        pytest.skip("this rule looks at whole arrays")
    params = tree()
    walk(make(case, clip_value=0.3, weight_decay=0.1).bind(params), 4)
    alone = {"x": tree()["p44"]}
    updater = make(case, clip_value=0.3, weight_decay=0.1).bind(alone)
    for t in range(1, 5):
        updater.step({"x": gradients(params, t)["p44"]})
    assert alone["x"].shape == (40,)
    assert bits(alone["x"]) == bits(params["p44"])
    reverse = {"x": np.ascontiguousarray(tree()["p44"][::-1])}
    updater = make(case, clip_value=0.3, weight_decay=0.1).bind(reverse)
    for t in range(1, 5):
        updater.step({"x": np.ascontiguousarray(gradients(params, t)["p44"][::-1])})
    assert bits(np.ascontiguousarray(reverse["x"][::-1])) == bits(params["p44"])


def test_nothing_but_empty_arrays_still_counts_steps():
    updater = AdamW(clip_norm=1.0, nonfinite="raise").bind([np.empty(0), np.empty((3, 0))])
    updater.step([np.empty(0), np.empty((3, 0))])
    assert updater.t == 1


def test_memory_beside_the_parameters_is_left_alone():
    block = np.full(64, 7.0, np.float32)
    for size in range(1, 33):
        block[:] = 7.0
        walk(AdamW(lr=0.1, average="ema").bind({"w": block[16 : 16 + size]}), 2)
        assert (block[:16] == 7).all()
        assert (block[16 + size :] == 7).all()
        assert (block[16 : 16 + size] != 7).all()


@pytest.mark.parametrize("name", STEPPERS)
def test_read_only_gradients_are_only_read(name):
    with use_engine(name) as backend:
        params, grads = {"w": np.ones(40)}, {"w": np.linspace(-3, 3, 40)}
        before = bits(grads)
        grads["w"].setflags(write=False)
        Adam(clip_norm=0.1, clip_value=0.01, maximize=True).bind(params, backend=backend).step(
            grads
        )
    assert bits(grads) == before


# Gradients that are not finite


@pytest.mark.parametrize("case", FULLEST.values())
@pytest.mark.parametrize("name", STEPPERS)
def test_a_skipped_step_leaves_everything_and_is_counted(name, case):
    options = {"nonfinite": "skip", "clip_norm": 1.0, "schedule": CosineAnnealing(9)}
    with use_engine(name) as backend:
        updater, clean = (make(case, **options).bind(small(), backend=backend) for _ in range(2))
        for t in range(1, 8):
            grads = gradients(clean.params, t)
            for value in (np.nan, np.inf, -np.inf)[: t % 4]:
                bad = {k: g.copy() for k, g in grads.items()}
                bad["b.weight"][-1, -1] = value
                before = snapshot(updater)
                updater.step(bad)
                before["skipped"] += 1
                before["last_skipped"] = "b.weight"
                assert snapshot(updater) == before
            updater.step(grads)
            clean.step(grads)
    assert updater.skipped == sum(t % 4 for t in range(1, 8))
    got = snapshot(updater)
    got |= {"skipped": 0, "last_skipped": None}
    assert got == snapshot(clean)


@pytest.mark.parametrize("nonfinite", ["raise", "skip"])
@pytest.mark.parametrize("name", STEPPERS)
def test_finite_gradients_with_an_infinite_norm_are_stepped(name, nonfinite):
    with use_engine(name) as backend:
        w = np.ones(3)
        updater = SGD(lr=1e-200, nonfinite=nonfinite).bind(w, backend=backend)
        updater.step(np.full(3, 1e200))
    assert (updater.t, updater.skipped, w.tolist()) == (1, 0, [0.0] * 3)


def test_a_bare_updater_lets_nan_through_as_torch_does():
    w = np.ones(3)
    SGD(lr=1.0).bind(w).step(np.array([1.0, np.nan, np.inf]))
    assert np.array_equal(w, [0.0, np.nan, -np.inf], equal_nan=True)


# What an updater tells


def test_rate_and_momentum_are_those_of_the_next_step():
    schedule = OneCycle(total_steps=10)
    rates, momenta = schedule.simulate(10, lr=0.3)
    adam, sgd = Adam(lr=0.3, schedule=schedule), SGD(lr=0.3, momentum=0.9, schedule=schedule)
    for updater in (adam.bind(small()), sgd.bind(small())):
        for t in range(10):
            assert updater.t == t
            assert updater.lr == rates[t]
            assert updater.momentum == momenta[t]
            walk(updater, 1, first=t + 1)
        assert updater.lr == rates[-1]
    assert SGD(lr=0.3, schedule=schedule).bind(small()).momentum is None
    assert SGD(momentum=0.7).bind(small()).momentum == 0.7
    assert Adam(beta1=0.6).bind(small()).momentum == 0.6


@pytest.mark.parametrize("total", [100, 600])
def test_a_scheduled_momentum_reaches_the_rule(total):
    """By hand, over more steps than the table of coefficients holds."""
    schedule = OneCycle(total_steps=total)
    rates, momenta = schedule.simulate(total, lr=0.1)
    w, by_hand, buf = np.array([1.0]), 1.0, 0.0
    updater = SGD(lr=0.1, momentum=0.9, schedule=schedule).bind(w)
    for t in range(total):
        g = 0.3 * by_hand + np.sin(t)
        updater.step(np.array([g]))
        buf = g if t == 0 else momenta[t] * buf + g
        by_hand -= rates[t] * buf
        assert w[0] == pytest.approx(by_hand, rel=1e-12), t
        by_hand = w[0]


def test_lengths_in_fractions_and_epochs_come_from_bind():
    by_steps = walk(SGD(lr=0.5, schedule=CosineAnnealing(8)).bind(small()), 10)
    by_run = SGD(lr=0.5, schedule=CosineAnnealing(0.5)).bind(small(), total_steps=16)
    by_epochs = SGD(lr=0.5, schedule=CosineAnnealing(fastlr.schedules.epochs(2)))
    by_epochs = by_epochs.bind(small(), steps_per_epoch=4)
    assert snapshot(walk(by_run, 10)) == snapshot(walk(by_epochs, 10)) == snapshot(by_steps)


def test_a_plateau_schedule_lowers_the_rate_from_the_very_next_step():
    w = np.zeros(1)
    updater = SGD(lr=1.0, schedule=ReduceOnPlateau(factor=0.5, patience=0)).bind(w)
    moved = []
    for metric in (1.0, 1.0, 0.5, 0.5):
        before = w[0]
        updater.step(np.ones(1))
        moved.append(before - w[0])
        updater.observe(metric)
    assert moved == [1.0, 1.0, 0.5, 0.5]
    assert updater.lr == 0.25


def test_later_changes_to_the_optimizer_and_its_arguments_have_no_effect():
    optimizer, groups = SGD(lr=0.5), [{"match": "a.*", "lr": 0.5}]
    updater = optimizer.bind(small(), groups)
    optimizer.set_params(lr=100.0, momentum=0.5)
    groups[0]["lr"] = 100.0
    assert updater.optimizer == SGD(lr=0.5)
    assert snapshot(walk(updater, 3)) == snapshot(
        walk(SGD(lr=0.5).bind(small(), [{"match": "a.*", "lr": 0.5}]), 3)
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_use_does_not_change_an_optimizer(name):
    optimizer = get_optimizer(name).replace(schedule=OneCycle(), average="ema", clip_norm=1.0)
    before, said = optimizer.get_params(), repr(optimizer)
    walk(optimizer.bind(small(), total_steps=5), 7)
    assert optimizer.get_params() == before
    assert repr(optimizer) == said


def test_the_bound_arrays_are_the_users_own():
    params = small()
    updater = AdamW().bind(params)
    assert updater.params is params
    before = bits(params)
    walk(updater, 1)
    assert bits(params) != before


@pytest.mark.parametrize("average", ["ema", "polyak"])
def test_averages_are_copies_shaped_like_the_parameters(average):
    for params in (small(), list(small().values()), small()["a.weight"]):
        updater = SGD(lr=0.5, average=average).bind(params)
        fresh = updater.averaged
        assert type(fresh) is type(params)
        assert bits(fresh) == bits(params)  # before any step, the parameters themselves
        for array in [fresh] if isinstance(fresh, np.ndarray) else _arrays(fresh):
            array[...] = 0
        assert bits(updater.averaged) == bits(params)


def test_averages_by_hand():
    w, seen = np.zeros(1), []
    ema = SGD(lr=1.0, average="ema", average_decay=0.75).bind(np.zeros(1))
    polyak = SGD(lr=1.0, average="polyak").bind(w)
    mean = None
    for g in (1.0, 2.0, -4.0, 8.0):
        ema.step(np.array([g]))
        polyak.step(np.array([g]))
        seen.append(w[0])
        mean = w[0] if mean is None else 0.75 * mean + 0.25 * w[0]
        assert ema.averaged[0] == mean
        assert polyak.averaged[0] == pytest.approx(np.mean(seen), rel=1e-15)
    with pytest.raises(AttributeError, match="averaged: the optimizer was made without average="):
        _ = SGD().bind(w).averaged


def test_repr_says_what_is_bound_and_how_far_it_is():
    updater = SGD(lr=0.5, momentum=0.9).bind(
        {"w": np.ones((3, 4)), "b": np.ones(4)}, backend="numba"
    )
    updater.step({"w": np.ones((3, 4)), "b": np.ones(4)})
    assert repr(updater) == (
        "<Updater of SGD(lr=0.5, momentum=0.9) over w[3, 4], b[4], t=1, backend='numba'>"
    )


def _arrays(held):
    return held.values() if isinstance(held, dict) else held


@pytest.mark.parametrize("backend", ["auto", "numba"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_rate_that_is_set_acts_at_the_next_step(backend, dtype):
    w, g = np.ones(3, dtype), np.full(3, 0.5, dtype)
    updater = SGD(lr=0.25).bind(w, backend=backend)
    for lr in (0.25, 0.5, 0.5, 0.0, 1.0):
        updater.lr = lr
        before = w.copy()
        updater.step(g)
        np.testing.assert_array_equal(w, before - dtype(lr) * g)
        assert updater.stats()["lr"] == lr
    updater.lr = 0.125
    assert updater.stats()["lr"] == 1.0  # of the step that was made
    assert updater.lr == 0.125
    again = pickle.loads(pickle.dumps(updater))
    assert again.lr == 0.125


def test_a_schedule_goes_on_from_a_rate_that_is_set():
    w = np.zeros(1)
    updater = SGD(lr=1.0, schedule=fastlr.StepDecay(2, gamma=0.5)).bind(w)
    seen = []
    for t in range(6):
        if t == 3:
            updater.lr = 0.1
        updater.step(np.ones(1))
        seen.append(updater.stats()["lr"])
    assert seen == [1.0, 1.0, 0.5, 0.1, 0.05, 0.05]


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_setting_the_rate_that_a_rule_has_changes_no_bit(name):
    optimizer = get_optimizer(name)
    arrays = [small(np.float64) for _ in range(2)]
    updaters = [optimizer.bind(each) for each in arrays]
    for t in range(5):
        updaters[1].lr = updaters[1].lr
        for updater, each in zip(updaters, arrays, strict=True):
            updater.step(gradients(each, t))
    assert snapshot(updaters[0]) == snapshot(updaters[1])


@pytest.mark.parametrize("lr", [-1.0, np.nan, np.inf, "0.1", True])
def test_a_rate_that_cannot_be_is_refused(lr):
    updater = SGD(lr=0.5).bind(np.ones(2))
    with pytest.raises((TypeError, ValueError), match="lr"):
        updater.lr = lr
    assert updater.lr == 0.5
    still = SGD(lr=0.5, schedule=fastlr.Constant(0.0)).bind(np.ones(2))
    with pytest.raises(ValueError, match="factor of 0"):
        still.lr = 0.5
