"""`measure_updates`: norms of the parameters and of what a step changes in them."""

import pickle

import numpy as np
import pytest

from fastlr import LAMB, SGD, AdamW, Muon, OneCycle, ScheduleFreeSGD
from fastlr.schedules import Constant
from tests.support.cases import gradients, small, snapshot, walk
from tests.support.engines import ENGINES, needs_compiled, use_engine
from tests.support.hashed import uniform

AROUND = {
    "nothing": {},
    "decay and clipping": {"weight_decay": 0.1, "decay": "decoupled", "clip_norm": 0.3},
    "average": {"average": "ema"},
    "l1 and lookahead": {"l1": 0.05, "lookahead": 2},
    "cautious": {"cautious": True, "average": "polyak", "clip_norm": 1.0},
}
RULES = {"adamw": AdamW, "lamb": LAMB, "sgd": SGD}


def norm(arrays):
    return np.sqrt(sum(np.sum(np.square(a, dtype=np.float64)) for a in arrays))


def wide(dtype=np.float64):
    """Return arrays that end within a turn, a block and a vector, in either memory order."""
    sizes = {"a": 1024, "b": 5, "c": 3001, "d": 0, "e": 17000}
    params = {k: uniform(n, 1, i).astype(dtype) for i, (k, n) in enumerate(sizes.items())}
    return params | {"f": np.asfortranarray(uniform((50, 41), 1, 9), dtype)}


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("rule", RULES)
def test_every_engine_measures_what_a_step_has_changed(rule, around):
    seen = {}
    for engine in ENGINES:
        if engine == "cython-avx512":
            continue  # it is compared with the others where it runs, in the tests of engines
        with use_engine(engine) as backend:
            optimizer = RULES[rule](lr=0.05, **AROUND[around])
            updater = optimizer.bind(wide(), backend=backend, measure_updates=True)
            seen[engine] = []
            for t in range(1, 5):
                before = {k: p.copy() for k, p in updater.params.items()}
                updater.step(gradients(updater.params, t))
                stats = updater.stats()
                moves = [p - before[k] for k, p in updater.params.items()]
                assert stats["param_norm"] == pytest.approx(norm(before.values()), rel=1e-14)
                assert stats["update_norm"] == pytest.approx(norm(moves), rel=1e-14)
                assert stats["update_ratio"] == stats["update_norm"] / stats["param_norm"]
                seen[engine].append((stats["param_norm"], stats["update_norm"]))
    assert len(set(map(tuple, seen.values()))) == 1  # to the bit


@pytest.mark.parametrize("around", AROUND)
def test_measuring_changes_no_bit_of_what_is_stepped(around):
    optimizer = AdamW(lr=0.05, schedule=OneCycle(total_steps=9), **AROUND[around])
    plain, measured = (optimizer.bind(wide(np.float32), measure_updates=m) for m in (False, True))
    assert snapshot(walk(plain, 4)) == snapshot(walk(measured, 4))
    assert plain.stats()["update_ratio"] is plain.stats()["param_norm"] is None


@needs_compiled
@pytest.mark.parametrize("around", AROUND)
def test_threads_do_not_change_the_norms(around):
    found = []
    for n_threads in (1, 2, 3):
        params = {"a": uniform(50_003, 1), "b": uniform(17_001, 2), "c": uniform(33_000, 3)}
        optimizer = AdamW(lr=0.1, **AROUND[around])
        updater = walk(optimizer.bind(params, n_threads=n_threads, measure_updates=True), 3)
        found.append((updater.stats(), snapshot(updater)))
    assert found[0] == found[1] == found[2]


def test_single_precision_is_summed_in_double():
    p = np.full(5000, 1e-30, np.float32)
    updater = SGD(lr=0.5).bind(p, measure_updates=True)
    updater.step(np.full(5000, 1e-30, np.float32))
    assert updater.stats()["update_norm"] == pytest.approx(0.5e-30 * np.sqrt(5000), rel=1e-6)
    assert updater.stats()["update_ratio"] == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("optimizer", [Muon(lr=0.1), ScheduleFreeSGD(lr=0.1)])
def test_rules_in_array_code_and_those_that_predict_elsewhere_are_measured(optimizer):
    params = small()
    updater = optimizer.bind(params, measure_updates=True)
    before = {k: p.copy() for k, p in params.items()}
    updater.step(gradients(params, 1))
    assert updater.stats()["param_norm"] == pytest.approx(norm(before.values()), rel=1e-14)
    moves = [p - before[k] for k, p in params.items()]
    assert updater.stats()["update_norm"] == pytest.approx(norm(moves), rel=1e-14)


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "cython-avx512"], indirect=True)
def test_what_is_not_known_is_none(engine):
    p = np.zeros(3)
    updater = SGD(lr=1.0, nonfinite="skip").bind(p, backend=engine, measure_updates=True)
    keys = ("param_norm", "update_norm", "update_ratio")
    assert [updater.stats()[k] for k in keys] == [None, None, None]
    updater.step(np.array([3.0, 4.0, 0.0]))
    assert [updater.stats()[k] for k in keys] == [0.0, 5.0, None]
    updater.step(np.array([0.0, 0.0, 1.0]))
    known = [5.0, 1.0, 0.2]
    assert [updater.stats()[k] for k in keys] == known
    updater.step(np.array([np.nan, 0.0, 0.0]))  # skipped: the last step made is still the other
    assert [updater.stats()[k] for k in keys] == known
    updater.load_state_dict(updater.state_dict())
    assert [updater.stats()[k] for k in keys] == [None, None, None]


def test_a_copy_goes_on_measuring():
    updater = walk(AdamW(schedule=Constant()).bind(small(), measure_updates=True), 2)
    copy = walk(pickle.loads(pickle.dumps(updater)), 1, first=3)
    assert copy.stats() == walk(updater, 1, first=3).stats()


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "cython-avx512"], indirect=True)
def test_every_third_step_is_measured_if_so_asked(engine):
    p = np.ones(3)
    updater = SGD(lr=1.0, l1=1e-9).bind(p, backend=engine, measure_updates=3)
    found = []
    for t in range(1, 8):
        updater.step(np.array([float(t), 0.0, 0.0]))
        found.append(updater.stats()["update_norm"])
    assert found[:2] == [None, None]
    np.testing.assert_allclose(found[2:], [3, 3, 3, 6, 6], rtol=1e-8)


@pytest.mark.parametrize(
    ("value", "error"), [("yes", TypeError), (-1, ValueError), (2.0, TypeError)]
)
def test_an_unfit_interval_is_refused(value, error):
    with pytest.raises(error, match="measure_updates must be"):
        SGD().bind(np.ones(2), measure_updates=value)
