"""A run that stops, is saved, copied or pickled goes on as if nothing had happened."""

import copy
import json
import os
import pickle
import tempfile

import numpy as np
import pytest

from fastlr import SGD, Adam, OneCycle, ReduceOnPlateau, Updater, Warmup
from tests.support.cases import CASES, DTYPES, FULLEST, bits, gradients, make, small, snapshot, walk
from tests.support.engines import needs_compiled, output_of, use_engine

GROUPS = [{"match": "*.bias", "weight_decay": 0.0, "lr": 2.0}]
OPTIONS = {"weight_decay": 0.02, "clip_norm": 1.5, "nonfinite": "skip"}
STEPS, CUT = 9, 4


def start(case, dtype=np.float64, **more):
    schedule = Warmup(3) * OneCycle(total_steps=STEPS)
    optimizer = make(case, **OPTIONS, schedule=schedule, **more)
    return optimizer.bind(small(dtype), GROUPS)


def by_state_dict(updater):
    """A new updater over copies of the parameters takes over the state."""
    params = {k: p.copy() for k, p in updater.params.items()}
    other = updater.optimizer.bind(params, GROUPS)
    other.load_state_dict(updater.state_dict())
    return other


def by_file(updater):
    """A new updater reads a file: it knows optimizer, schedules, groups and parameters."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.safetensors")
        updater.save(path, with_params=True)
        params = {k: np.full_like(p, 7) for k, p in updater.params.items()}
        return Updater.load(path, params)


WAYS = {
    "state_dict": by_state_dict,
    "file": by_file,
    "pickle": lambda updater: pickle.loads(pickle.dumps(updater)),
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
def test_a_resumed_run_equals_the_uninterrupted_one_to_the_bit(case, way, dtype):
    more = {"average": "polyak"} if case in FULLEST.values() else {}
    whole = walk(start(case, dtype, **more), STEPS)
    first = start(case, dtype, **more)
    for k in range(1, CUT + 1):
        if k == 2:  # one that is skipped, and must be remembered
            bad = {n: g.copy() for n, g in gradients(first.params, k).items()}
            bad["a.bias"][0] = np.nan
            first.step(bad)
        first.step(gradients(first.params, k))
    at_the_cut = snapshot(first)
    second = WAYS[way](first)
    walk(second, STEPS - CUT, first=CUT + 1)
    assert second.skipped == 1
    assert second.stats()["last_skipped"] == "a.bias"
    assert {**snapshot(second), "skipped": 0, "last_skipped": None} == snapshot(whole)
    assert snapshot(first) == at_the_cut  # they share nothing


@pytest.mark.parametrize("cut", range(STEPS + 1))
def test_resume_at_any_step(cut):
    whole = walk(start("adam-amsgrad", average="ema"), STEPS)
    second = by_state_dict(walk(start("adam-amsgrad", average="ema"), cut))
    assert snapshot(walk(second, STEPS - cut, first=cut + 1)) == snapshot(whole)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_a_run_that_is_put_back_repeats_itself_to_the_bit(case, dtype):
    more = {"average": "polyak"} if case in FULLEST.values() else {}
    updater = walk(start(case, dtype, **more), CUT)
    at_the_cut, kept = snapshot(updater), updater.binding.snapshot()
    params = {name: p.copy() for name, p in updater.params.items()}
    whole = snapshot(walk(updater, STEPS - CUT, first=CUT + 1))
    for _ in range(2):  # a snapshot serves more than once
        updater.binding.put_back(kept)
        for name, p in updater.params.items():
            p[...] = params[name]
        assert snapshot(updater) == at_the_cut
        assert snapshot(walk(updater, STEPS - CUT, first=CUT + 1)) == whole


def test_a_plateau_schedule_is_put_back_to_what_it_had_seen():
    updater = SGD(lr=0.5, schedule=ReduceOnPlateau(patience=1)).bind(small())
    for metric in (1.0, 2.0):
        updater.observe(metric)
    kept, before = updater.binding.snapshot(), updater.state_dict()["schedule"]
    for metric in (3.0, 4.0):
        updater.observe(metric)
    assert updater.lr == 0.05
    updater.binding.put_back(kept)
    assert updater.lr == 0.5
    assert updater.state_dict()["schedule"] == before


def test_a_plateau_schedule_resumes_with_what_it_has_seen():
    def run(cut):
        optimizer = SGD(lr=0.5, momentum=0.9, schedule=Warmup(2) * ReduceOnPlateau(patience=1))
        updater = optimizer.bind(small())
        for k, metric in enumerate([1.0, 0.9, 0.95, 0.96, 0.97, 0.5, 0.6, 0.7]):
            if k == cut:
                updater = by_state_dict_of(updater)
            walk(updater, 2, first=2 * k + 1)
            updater.observe(metric)
        return snapshot(updater), updater.lr

    def by_state_dict_of(updater):
        params = {k: p.copy() for k, p in updater.params.items()}
        other = updater.optimizer.bind(params)
        other.load_state_dict(updater.state_dict())
        return other

    whole, rate = run(None)
    assert rate < 0.5 / 5
    for cut in range(8):
        assert run(cut) == (whole, rate)


def test_a_state_dict_holds_copies_of_plain_things():
    updater = walk(Adam(average="ema").bind(small()), 3)
    kept = updater.state_dict()
    before = bits(kept["state"])
    walk(updater, 1, first=4)
    assert bits(kept["state"]) == before
    for arrays in kept["state"].values():
        for array in arrays.values():
            array[...] = np.nan
    assert all(np.isfinite(p).all() for p in walk(updater, 1, first=5).params.values())
    assert set(kept["state"]) == {"m", "v", "average"}
    assert list(kept["state"]["m"]) == list(small())
    json.dumps({k: v for k, v in kept.items() if k != "state"})


def test_a_loaded_state_dict_is_copied_not_kept():
    kept = walk(Adam().bind(small()), 3).state_dict()
    updater = Adam().bind(small())
    updater.load_state_dict(kept)
    before = bits(kept["state"])
    walk(updater, 3)
    assert bits(kept["state"]) == before


def test_only_the_state_that_a_variant_uses_is_kept():
    wanted = [
        (Adam(), {"m", "v"}),
        (Adam(amsgrad=True), {"m", "v", "vmax"}),
        (SGD(), set()),
        (SGD(momentum=0.9), {"buf"}),
        (SGD(average="polyak"), {"average"}),
    ]
    for optimizer, names in wanted:
        assert set(optimizer.bind(small()).state_dict()["state"]) == names


def test_state_moves_between_backends_and_steppers():
    whole = walk(start("adamw-amsgrad"), STEPS)
    updater = start("adamw-amsgrad")
    engines = ["numba", "cython-base", "numba-no_compiler", "cython-python_stepper"]
    for t, name in enumerate((engines * 3)[:STEPS], 1):
        with use_engine(name) as backend:
            other = updater.optimizer.bind(updater.params, GROUPS, backend=backend)
            other.load_state_dict(updater.state_dict())
        updater = walk(other, 1, first=t)
    assert snapshot(updater) == snapshot(whole)


def test_pickling_keeps_parameters_shared_with_what_is_pickled_along():
    params = small()
    model = {"params": params, "updater": walk(SGD(lr=0.5, momentum=0.9).bind(params), 2)}
    copied = pickle.loads(pickle.dumps(model))
    walk(copied["updater"], 1, first=3)
    assert copied["updater"].params is copied["params"]
    assert bits(copied["params"]) == bits(walk(model["updater"], 1, first=3).params)


@pytest.mark.parametrize("held", [list, tuple, lambda a: {str(k): x for k, x in enumerate(a)}])
def test_pickling_keeps_the_form_of_the_parameters(held):
    arrays = [np.ones(3), np.asfortranarray(np.ones((2, 3)))]
    updater = pickle.loads(pickle.dumps(SGD().bind(held(arrays), n_threads=2, backend="numba")))
    assert isinstance(updater, Updater)
    assert type(updater.params) is type(held(arrays))
    assert updater.backend == "numba"
    grads = held([np.ones(3), np.asfortranarray(np.ones((2, 3)))])
    updater.step(grads)
    assert updater.t == 1


@needs_compiled
def test_a_pickle_goes_to_a_machine_without_the_compiled_core(tmp_path):
    updater = walk(Adam(lr=0.1, clip_norm=1.0).bind(small()), 3)
    assert updater.backend == "cython"
    (tmp_path / "updater.pickle").write_bytes(pickle.dumps(updater))
    output_of(
        """
        import pickle
        from tests.support.engines import use_engine
        from tests.support.cases import walk
        with use_engine("numba-no_compiler"):
            updater = walk(pickle.load(open("updater.pickle", "rb")), 3, first=4)
        assert updater.backend == "numba"
        pickle.dump(updater.params, open("params.pickle", "wb"))
        """,
        cwd=tmp_path,
    )
    there = pickle.loads((tmp_path / "params.pickle").read_bytes())
    assert bits(there) == bits(walk(updater, 3, first=4).params)
