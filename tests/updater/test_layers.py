"""Rates by layer said as a slice, groups that start later, and groups made of layers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastlr import FTRL, SGD, AdamW, CosineAnnealing, RMSprop, layer_groups
from fastlr.optimizers import OPTIMIZERS
from fastlr.schedules import epochs
from fastlr.training import Arena, MLPEpoch
from fastlr.updater.layers import spread_rates, unfreezing_epochs

NAMES = ["coef_0", "intercept_0", "coef_1", "intercept_1"]


def test_rates_rise_by_equal_factors():
    assert_allclose(spread_rates(slice(1e-5, 1e-3), 3), [1e-5, 1e-4, 1e-3], rtol=1e-12)
    assert_allclose(spread_rates(slice(0.1, 0.8), 4), [0.1, 0.2, 0.4, 0.8], rtol=1e-12)
    assert_allclose(spread_rates(slice(1e-3), 3), [1e-4, 1e-4, 1e-3], rtol=1e-12)
    assert spread_rates(slice(0.5, 0.5), 2) == [0.5, 0.5]
    assert spread_rates(slice(1e-5, 1e-3), 1) == spread_rates(slice(1e-3), 1) == [1e-3]


@pytest.mark.parametrize(
    ("lr", "error", "said"),
    [
        (slice(1e-5, None), ValueError, "must hold two learning rates"),
        (slice(1e-5, 1e-3, 2), ValueError, "must hold two learning rates"),
        (slice(1e-3, 1e-5), ValueError, "the lower one first"),
        (slice(0, 1e-3), ValueError, "lr: lowest must be"),
        (slice(1e-3, np.inf), ValueError, "lr: highest must be"),
        (slice("a", 1e-3), TypeError, "lr: lowest must be"),
        (slice(None, True), TypeError, "lr: highest must be"),
    ],
)
def test_slices_that_say_no_rates_are_refused(lr, error, said):
    with pytest.raises(error, match=said):
        spread_rates(lr, 3)
    with pytest.raises(error, match=said):
        layer_groups(["a", "b"], lr)


def test_layers_are_unfrozen_from_the_last_one_backwards():
    assert unfreezing_epochs(None, 3) == {}
    assert unfreezing_epochs(2, 4) == {2: 2, 1: 4, 0: 6}
    assert unfreezing_epochs(1, 4, frozen=[0, 2]) == {1: 1}
    assert unfreezing_epochs({0: 5, -2: 3, 3: 0}, 4) == {0: 5, 2: 3}


@pytest.mark.parametrize(
    ("unfreeze", "error", "said"),
    [
        (0, ValueError, "unfreeze must be at least 1 epochs"),
        (1.5, TypeError, "unfreeze must be a whole number of epochs"),
        (True, TypeError, "unfreeze must be a whole number of epochs"),
        ({3: 1}, ValueError, "unfreeze must name layers from -3 to 2, got 3"),
        ({"coef_0": 1}, ValueError, "unfreeze must name layers from"),
        ({0: -1}, ValueError, "at least 0"),
        ({0: 1, -3: 2}, ValueError, "layer -3 is named twice"),
        ({1: 1}, ValueError, "layer 1 is among those that are never trained"),
        ({0: 1, 2: 1}, ValueError, "unfreeze trains no layer from the start"),
    ],
)
def test_plans_that_cannot_be_kept_are_refused(unfreeze, error, said):
    with pytest.raises(error, match=said):
        unfreezing_epochs(unfreeze, 3, frozen=[1])


def test_layers_are_found_by_names():
    def found(names):
        return [group["match"] for group in layer_groups(dict.fromkeys(names, np.ones(1)))]

    assert found(["coef_0", "coef_1", "intercept_0"]) == [["coef_0", "intercept_0"], ["coef_1"]]
    assert found(["body.0.weight", "body.0.bias", "head.bias"]) == [
        ["body.0.weight", "body.0.bias"],
        ["head.bias"],
    ]
    assert found(["a/w1", "a/w2", "b/w1"]) == [["a/w1", "a/w2"], ["b/w1"]]
    assert found(["embedding", "head"]) == [["embedding"], ["head"]]
    params = {"w[0]": np.ones(1), "w0": np.ones(1)}  # what patterns give a meaning is quoted
    grads = {name: np.ones(1) for name in params}
    SGD(lr=1.0).bind(params, layer_groups(params, slice(1.0))).step(grads)
    assert (params["w[0]"][0], params["w0"][0]) == (0.9, 0.0)


def test_groups_of_layers_by_hand():
    assert layer_groups(["body.*", ["head", "bias"]], slice(0.01, 0.1), 3) == [
        {"match": ["body.*"], "lr": pytest.approx(0.1), "start": epochs(3)},
        {"match": ["head", "bias"], "lr": 1.0},
    ]
    for layers in ("body", 3, None):
        with pytest.raises(TypeError, match="layers must be"):
            layer_groups(layers)
    with pytest.raises(TypeError, match="lr must be a slice"):
        layer_groups(["a"], 0.1)


START_LENGTHS = {"steps": 6, "epochs": epochs(1.5), "fraction": 0.3}


@pytest.mark.parametrize("length", START_LENGTHS)
def test_starts_are_lengths(length):
    groups = [{"match": "b", "start": START_LENGTHS[length]}]
    updater = SGD().bind({"a": np.ones(1), "b": np.ones(1)}, groups, "auto", 1, 20, 4)
    assert updater.starts == {"b": 6}


@pytest.mark.parametrize("start", [-1, 1.5, "1", True, None])
def test_starts_that_are_no_lengths_are_refused(start):
    with pytest.raises((TypeError, ValueError), match=r"groups\[0\]: start must be a length"):
        SGD().bind({"b": np.ones(1)}, [{"match": "b", "start": start}])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - {"ftrl"}))
def test_what_starts_later_goes_as_if_it_had_been_bound_then(name, dtype):
    """State, steps, decay, penalties: all of it counts from the start."""
    rng = np.random.default_rng(0)
    grads = rng.standard_normal((300, 4, 3)).astype(dtype)
    make, start = OPTIMIZERS[name], 261  # behind the first rows that are computed ahead
    more = {"weight_decay": 0.1, "l2": 0.1}
    optimizer = make(**{k: v for k, v in more.items() if _takes(make, k)})
    first = {"late": np.full((4, 3), 0.5, dtype), "early": np.full((4, 3), 0.5, dtype)}
    late = {k: p.copy() for k, p in first.items()}
    updater = optimizer.bind(late, [{"match": "late", "start": start}])
    for g in grads[:start]:
        updater.step({"late": g, "early": g})
    assert_array_equal(late["late"], first["late"])
    assert not np.array_equal(late["early"], first["early"])
    if optimizer.scope == "all":  # what is known of all parameters has moved on
        return
    fresh = optimizer.bind({"late": first["late"]})
    for g in grads[start:]:
        updater.step({"late": g, "early": g})
        fresh.step({"late": g})
    # AdaBelief adds its eps, 1e-16, to the state at each step, whatever the gradient.
    assert_allclose(late["late"], first["late"], rtol=1e-10)


def test_a_rule_whose_parameters_are_made_of_its_state_cannot_wait():
    params = {"a": np.ones(1), "b": np.ones(1)}
    with pytest.raises(ValueError, match="FTRL makes parameters of its state"):
        FTRL().bind(params, [{"match": "b", "start": 3}])


def _takes(make, name):
    try:
        make(**{name: 0.1})
    except ValueError:
        return False
    return True


def test_the_schedule_goes_on_while_a_group_waits():
    params = {"a": np.zeros(1), "b": np.zeros(1)}
    optimizer = SGD(lr=1.0, schedule=CosineAnnealing(10), clip_norm=10.0)
    updater = optimizer.bind(params, [{"match": "b", "start": 4}])
    moves = []
    for _ in range(10):
        before = {k: p.copy() for k, p in params.items()}
        updater.step({"a": np.ones(1), "b": np.ones(1)})
        moves.append([before[k][0] - params[k][0] for k in "ab"])
    moves = np.array(moves)
    assert_array_equal(moves[:4, 1], 0)
    assert_allclose(moves[4:, 0], moves[4:, 1], rtol=1e-12)


def test_independent_decay_waits_too():
    params = {"a": np.ones(1), "b": np.ones(1)}
    optimizer = SGD(lr=0.5, weight_decay=0.25, decay="independent")
    updater = optimizer.bind(params, [{"match": "b", "start": 1}])
    zero = {"a": np.zeros(1), "b": np.zeros(1)}
    updater.step(zero)
    assert (params["a"][0], params["b"][0]) == (0.75, 1.0)
    updater.step(zero)
    assert (params["a"][0], params["b"][0]) == (0.75**2, 0.75)


def network(optimizer, engine, groups=None, seed=0):
    shapes = {"coef_0": (3, 5), "intercept_0": (5,), "coef_1": (5, 2), "intercept_1": (2,)}
    arena = Arena(shapes, "float64")
    arena.params[:] = np.random.default_rng(seed).standard_normal(arena.params.size) / 2
    updater = optimizer.bind(arena.param, groups)
    return arena, MLPEpoch(arena, updater, "squared_error", "each", ["tanh"], engine=engine)


def data(rows=40):
    rng = np.random.default_rng(1)
    return rng.standard_normal((rows, 3)), rng.standard_normal((rows, 2))


@pytest.mark.parametrize("start", [1, 5, 10, 13])
@pytest.mark.parametrize("engine", ["auto", "numpy"])
def test_an_epoch_is_cut_where_a_layer_starts(engine, start):
    X, y = data()
    optimizer = RMSprop(lr=0.05, initial_scale=1.0)
    groups = [{"match": "*_0", "start": start}]
    arena, epoch = network(optimizer, engine, groups)
    first = arena.params.copy()
    results = [epoch.run(X, y, batch_size=4) for _ in range(2)]
    assert [r.steps for r in results] == [10, 10]
    # The same by hand: the last layer alone, then both with what the last one has kept.
    by_hand, last = network(optimizer, "numpy", [{"match": "*_0", "lr": 0.0}])
    last.frozen = frozenset([0])
    twice = np.tile(np.arange(40), 2)
    loss = last.run(X, y, None, twice[: 4 * start], 4).loss_sum
    assert_array_equal(by_hand.params[:20], first[:20])
    both, epoch_of_both = network(optimizer, "numpy")
    both.params[:] = by_hand.params
    state = last.updater.state_dict()
    for name in ("coef_0", "intercept_0"):
        state["state"]["v"][name][...] = 1.0
    epoch_of_both.updater.load_state_dict(state)
    loss += epoch_of_both.run(X, y, None, twice[4 * start :], 4).loss_sum
    assert_allclose(arena.params, both.params, rtol=1e-9)
    assert_allclose(results[0].loss_sum + results[1].loss_sum, loss, rtol=1e-9)


def test_going_back_in_time_freezes_again():
    X, y = data()
    arena, epoch = network(AdamW(lr=0.05), "auto", [{"match": "*_0", "start": 10}])
    first, state = arena.params.copy(), epoch.updater.state_dict()
    for _ in range(2):
        epoch.run(X, y, batch_size=4)
    after = arena.params.copy()
    assert not np.array_equal(after[:20], first[:20])
    arena.params[:] = first
    epoch.updater.load_state_dict(state)
    epoch.run(X, y, batch_size=4)
    assert_array_equal(arena.params[:20], first[:20])
    epoch.run(X, y, batch_size=4)
    assert_array_equal(arena.params, after)


def test_divergence_is_counted_over_the_cut():
    X, y = data()
    X[30] = np.nan
    _, epoch = network(SGD(lr=0.01, nonfinite="raise"), "auto", [{"match": "*_0", "start": 3}])
    result = epoch.run(X, y, batch_size=4)
    assert (result.steps, result.diverged_at) == (7, 7)
