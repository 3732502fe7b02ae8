"""NumPy's numbers as values, and changes of an updater at work: its rate, more parameters."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from fastlr import FTRL, SGD, Adam, AdamW, NovoGrad
from fastlr.optimizers import OPTIMIZERS
from fastlr.schedules import CosineAnnealing, ReduceOnPlateau
from tests.support.cases import FULLEST, gradients, make, small, snapshot, walk


def test_numbers_of_numpy_are_hyper_parameters_like_any_other():
    given = Adam(
        lr=np.float64(0.5), beta1=np.array(0.25), amsgrad=np.True_, decay=np.str_("decoupled")
    )
    assert given == Adam(lr=0.5, beta1=0.25, amsgrad=True, decay="decoupled")
    assert repr(given) == "Adam(lr=0.5, beta1=0.25, amsgrad=True, decay='decoupled')"
    assert Adam().set_params(amsgrad=np.array(True)).amsgrad is True
    with pytest.raises(ValueError, match="amsgrad must be one of"):
        Adam(amsgrad=np.int64(1))


def test_gradients_of_a_parameter_without_dimensions_may_be_numbers():
    alone = np.array(1.0)
    SGD(lr=0.25).bind(alone).step(2 * alone)
    named = {"a": np.array(1.0), "b": np.ones(2)}
    SGD(lr=0.25).bind(named).step({"a": 2 * named["a"], "b": 2 * named["b"]})
    listed = [np.array(1.0), np.ones(2)]
    SGD(lr=0.25).bind(listed).step([2 * p for p in listed])
    assert float(alone) == float(named["a"]) == float(listed[0]) == 0.5
    assert named["b"].tolist() == listed[1].tolist() == [0.5, 0.5]
    with pytest.raises(TypeError, match="must be float64"):
        SGD().bind(np.array(1.0)).step(np.float32(1))


def test_a_metric_and_the_numbers_of_a_state_may_come_out_of_arrays():
    optimizer = NovoGrad(schedule=ReduceOnPlateau(0.5, patience=0))
    updater = walk(optimizer.bind(small()), 3)
    updater.observe(np.array(1.0))
    kept = updater.state_dict()
    boxed = {k: np.array(v) for k, v in kept.items() if k in ("t", "skipped", "format")}
    other = optimizer.bind(small())
    other.load_state_dict({**kept, **boxed, "last_skipped": np.array(None)})
    assert other.t == 3
    assert snapshot(other)["state"] == snapshot(updater)["state"]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, clone, lambda o: o.replace()])
def test_the_optimizer_of_an_updater_stays_as_it_is_and_its_copies_are_free(copied):
    updater = SGD(lr=0.5, schedule=CosineAnnealing(10)).bind(np.ones(1))
    with pytest.raises(ValueError, match=r"set `updater\.lr`"):
        updater.optimizer.set_params(lr=1.0)
    assert updater.lr == updater.optimizer.lr == 0.5
    assert copied(updater.optimizer).set_params(lr=2.0).lr == 2.0
    assert pickle.loads(pickle.dumps(updater.optimizer)).set_params(lr=2.0).lr == 2.0


@pytest.mark.parametrize("schedule", [None, CosineAnnealing(2000)])
@pytest.mark.parametrize("case", FULLEST.values())
def test_a_rate_set_by_hand_acts_at_the_next_step(case, schedule):
    optimizer = make(case, schedule=schedule)
    updater, still = (walk(optimizer.bind(small()), 3) for _ in range(2))
    updater.lr = 0.0
    walk(updater, 1, first=4)
    walk(still, 1, first=4)
    before = snapshot(walk(optimizer.bind(small()), 3))["params"]
    assert snapshot(still)["params"] != before
    if not case.startswith("lars"):  # its momentum holds rates, as that of torch's SGD does not
        moved = snapshot(updater)["params"]
        held = {"madgrad", "schedulefree", "dadapt", "sgd"}
        assert moved == before or any(case.startswith(name) for name in held)
    updater.lr = 0.75
    assert updater.lr == pytest.approx(0.75, rel=1e-14)
    twice = [walk(optimizer.bind(small()), 3) for _ in range(2)]
    twice[1].lr = 4 * twice[1].lr
    for each in twice:
        walk(each, 1, first=4)
    assert snapshot(twice[0])["params"] != snapshot(twice[1])["params"]


def test_parameters_that_are_added_are_stepped_as_if_they_were_bound_now():
    optimizer = AdamW(lr=0.1, average="ema", average_decay=0.5)
    old, new = {"a": np.array([1.0, 2.0])}, {"b[0]": np.array([3.0])}
    updater = optimizer.bind(old, groups=[{"match": "*", "weight_decay": 0.5}])
    for t in range(1, 4):
        updater.step({"a": np.full(2, 0.1 * t)})
    updater.add(new, group={"lr": 0.5})
    assert updater.params == {**old, **new}
    assert updater.averaged["b[0]"].tolist() == [3.0]
    alone = optimizer.replace(lr=0.05).bind({"b[0]": np.array([3.0])})
    apart = optimizer.bind({"a": np.array([1.0, 2.0])}, [{"match": "*", "weight_decay": 0.5}])
    for t in range(1, 4):
        apart.step({"a": np.full(2, 0.1 * t)})
    for t in range(4, 8):
        updater.step({"a": np.full(2, 0.1 * t), "b[0]": np.full(1, -0.3 * t)})
        apart.step({"a": np.full(2, 0.1 * t)})
        alone.step({"b[0]": np.full(1, -0.3 * t)})
    assert old["a"].tolist() == apart.params["a"].tolist()
    np.testing.assert_allclose(new["b[0]"], alone.params["b[0]"], rtol=1e-14)
    assert snapshot(pickle.loads(pickle.dumps(updater))) == snapshot(updater)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_rule_takes_more_parameters_and_goes_on_with_the_others(name):
    params = small()
    last = params.pop("b.weight")
    updater = OPTIMIZERS[name]().bind(params)
    for t in range(1, 4):
        updater.step(gradients(params, t))
    before = {n: p.copy() for n, p in params.items()}
    updater.add({"b.weight": last})
    assert all((before[n] == params[n]).all() for n in params)
    first = last.copy()
    for t in range(4, 7):
        updater.step(gradients(updater.params, t))
    assert (last != first).any()
    assert updater.t == 6
    assert list(updater.params) == [*params, "b.weight"]


def test_what_cannot_be_added_is_refused_and_changes_nothing():
    updater = SGD().bind({"a": np.ones(2)})
    with pytest.raises(ValueError, match="'a' is bound already"):
        updater.add({"a": np.ones(2)})
    with pytest.raises(TypeError, match="must be a dict as the bound parameters, got a sequence"):
        updater.add([np.ones(2)])
    with pytest.raises(ValueError, match="group takes lr, weight_decay"):
        updater.add({"b": np.ones(2)}, group={"match": "*"})
    with pytest.raises(TypeError, match="single array"):
        SGD().bind(np.ones(2)).add({"b": np.ones(2)})
    assert list(updater.params) == ["a"]
    listed = FTRL().bind([np.ones(2)])
    listed.add([np.ones(3)])
    assert [p.size for p in listed.params] == [2, 3]


def test_a_state_without_what_is_new_is_loaded_if_asked_for():
    kept = walk(AdamW().bind(small()), 3).state_dict()
    for p in kept["state"].values():
        del p["b.weight"]
    updater = AdamW(average="ema").bind(small())
    with pytest.raises(ValueError, match="average"):
        updater.load_state_dict(kept)
    updater.load_state_dict(kept, allow_new=True)
    state = updater.state_dict()["state"]
    assert (state["m"]["a.bias"] == kept["state"]["m"]["a.bias"]).all()
    assert not state["m"]["b.weight"].any()
    assert all((state["average"][n] == p).all() for n, p in updater.params.items())
    with pytest.raises(ValueError, match="must have keys"):
        SGD().bind(small()).load_state_dict({**kept, "optimizer": "SGD"}, allow_new=True)
