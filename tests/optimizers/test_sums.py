"""Rules that sum over elements first: what they keep, whom they see, and what they promise."""

import copy
import pickle

import numpy as np
import pytest

from fastlr import LAMB, LARS, DAdaptAdam, DoG, NovoGrad, Prodigy
from fastlr.estimators import LinearClassifier
from fastlr.kernels.loops.update import RuleError, rule_of_class
from fastlr.optimizers import Optimizer
from tests.support.cases import CASES, FULLEST, bits, gradients, make, small, snapshot, walk
from tests.support.engines import ENGINES, use_engine
from tests.support.hashed import uniform

SUMMING = [case for case in CASES if CASES[case][0].sums]
FULL = [case for case in SUMMING if case in FULLEST.values()]
KEEPING = [case for case in FULL if CASES[case][0].scalars]


def large(dtype=np.float32):
    """Return arrays of several blocks, with ends that fill none."""
    sizes = {"a": 16384 * 2 + 261, "b": 7, "c": 16384}
    return {n: uniform(s, 5, k).astype(dtype) for k, (n, s) in enumerate(sizes.items())}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", FULL)
def test_arrays_of_many_blocks_get_the_same_bits_from_every_engine_and_team(case, dtype):
    results = {}
    for name in ENGINES:
        if name == "cython-avx512":
            continue  # hardly any machine that runs this has it; `test_backends` asks for it
        for n_threads in (1, 3):
            with use_engine(name) as backend:
                updater = make(case).bind(large(dtype), backend=backend, n_threads=n_threads)
                results[name, n_threads] = snapshot(walk(updater, 3))
    first = results.popitem()[1]
    for key, got in results.items():
        assert got == first, key


@pytest.mark.parametrize("case", KEEPING)
def test_scalars_go_with_the_state_to_the_bit(case):
    params = small(np.float32)
    updater = walk(make(case).bind(params), 7)
    kept = updater.state_dict()
    assert set(kept["scalars"]) == set(CASES[case][0].scalars)
    pickled = pickle.dumps(updater)
    elsewhere = {n: p.copy() for n, p in params.items()}
    other = make(case).bind(elsewhere)
    other.load_state_dict(copy.deepcopy(kept))
    third = pickle.loads(pickled)
    for each in (updater, other, third):
        for t in range(8, 12):
            each.step(gradients(params, t))
    assert snapshot(other) == snapshot(updater) == snapshot(third)
    fresh = walk(make(case).bind(small(np.float32)), 11)
    assert snapshot(fresh) == snapshot(updater)


def test_scalars_that_do_not_fit_are_refused_by_name_and_change_nothing():
    for optimizer, wrong, message in [
        (DoG(), {"farthest": 1.0}, r"state_dict\['scalars'\] must have keys"),
        (DoG(), {"farthest": 1.0, "total": "2"}, r"\['total'\] must be a number"),
        (DoG(), None, "must be a dict"),
        (NovoGrad(), {"v": {"a.weight": 1.0}}, r"\['v'\] must have keys"),
    ]:
        updater = walk(optimizer.bind(small()), 3)
        before = snapshot(updater)
        with pytest.raises((TypeError, ValueError), match=message):
            updater.load_state_dict({**updater.state_dict(), "scalars": wrong})
        assert snapshot(updater) == before


@pytest.mark.parametrize("case", KEEPING)
def test_a_skipped_step_leaves_scalars_alone(case):
    updater = walk(make(case, nonfinite="skip").bind(small()), 3)
    before = updater.state_dict()["scalars"]
    bad = {n: np.full_like(p, np.nan) for n, p in small().items()}
    updater.step(bad)
    assert updater.skipped == 1
    assert updater.state_dict()["scalars"] == before


@pytest.mark.parametrize("engine", ["cython-base", "numba-no_compiler"], indirect=True)
def test_squares_that_single_precision_cannot_hold_are_summed(engine):
    for size in (1e-30, 1e30):
        p = np.array([3.0, -4.0], np.float32) * np.float32(size)
        g = np.array([0.0, 2.0], np.float32) * np.float32(size)
        LARS(lr=1.0, momentum=0.0, trust_coefficient=0.1).bind(p, backend=engine).step(g)
        np.testing.assert_allclose(p / np.float32(size), [3.0, -4.5], rtol=1e-6)


@pytest.mark.parametrize("cls", [LARS, LAMB])
def test_the_size_of_the_gradient_does_not_matter(cls):
    more = {"eps": 0.0, "lr": 0.05, "weight_decay": 0.0}
    one, other = small(), small()
    first, second = cls(**more).bind(one), cls(**more).bind(other)
    for t in range(1, 6):
        grads = gradients(one, t)
        first.step(grads)
        second.step({n: 1024.0 * g for n, g in grads.items()})
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-13)


@pytest.mark.parametrize("case", FULL)
def test_groups_have_their_own_decay_and_rate_inside_the_rule(case):
    decay = CASES[case][0].own_decay or "l2"
    more = {"weight_decay": 0.3, "decay": decay}

    def run(groups, **settings):
        params = small()
        walk(make(case, **{**more, **settings}).bind(params, groups), 5)
        return bits(params)

    everything = [{"match": "*", "weight_decay": 0.0}]
    assert run(everything) == run(None, weight_decay=0.0) != run(None)
    halves = [{"match": "a.bias", "lr": 0.5, "weight_decay": 0.0}]
    assert run(halves)["a.bias"] != run(None)["a.bias"]


def test_a_zero_norm_means_an_unscaled_step():
    for cls, expected in [(LARS, -0.2), (LAMB, -0.1)]:
        p = np.zeros(2)
        updater = cls(lr=0.1, weight_decay=0.3).bind(p)
        updater.step(np.array([2.0, 0.0]))
        np.testing.assert_allclose(p, [expected, 0.0], rtol=1e-6)


@pytest.mark.parametrize("cls", [Prodigy, DAdaptAdam])
def test_an_estimate_rises_from_a_millionth_to_the_size_of_the_distance(cls):
    target, w = np.array([3.0, -4.0]), np.zeros(2)
    updater = cls().bind(w)
    for _ in range(1000):
        updater.step(np.sign(w - target))  # of |w1 - 3| + |w2 + 4|
    assert 0.5 < updater.state_dict()["scalars"]["d"] < 30


def test_an_estimate_grows_no_faster_than_asked():
    updater = DAdaptAdam(d0=1e-3, growth_rate=1.01).bind(np.zeros(2))
    for t in range(1, 51):
        updater.step(np.array([1.0, -1.0]))
        assert updater.state_dict()["scalars"]["d"] <= 1e-3 * 1.01**t * (1 + 1e-12)
    assert updater.state_dict()["scalars"]["d"] > 1.1e-3


@pytest.mark.parametrize("cls", [LAMB, NovoGrad, DoG])
def test_a_linear_classifier_trains_with_them(cls):
    X = uniform((400, 5), 3).astype(np.float32)
    y = (X @ np.array([1.0, -2.0, 0.5, 0.0, 1.0], np.float32) > 0.1).astype(int)
    lr = 1.0 if cls is DoG else 0.05
    model = LinearClassifier(optimizer=cls(), lr=lr, batch_size=32, max_epochs=30, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.9


# Rules of users


class Normed(Optimizer):
    """Plain descent along the gradient divided by its largest running norm."""

    lr: float = 0.1
    floor: float = 1e-12
    state = ()
    sums = ("g2", "count")
    scope = "all"
    scalars = ("largest",)
    derived = ("scale",)

    def coefficients(self, t, lr):
        return {"floor": self.floor, "rate": lr, "one": 1.0}

    def initial_scalars(self):
        return {"largest": 0.25}

    @staticmethod
    def measure(p, g, one):
        return g * g, one

    @staticmethod
    def adapt(g2, count, largest, floor):
        largest = max(largest, sqrt(g2 / count))  # noqa: F821
        return 1 / (largest + floor), largest

    @staticmethod
    def update(p, g, rate, scale):
        p = p - rate * scale * g
        return p


def test_a_users_own_rule_sums_too():
    params = small()
    expected, largest = {n: p.copy() for n, p in params.items()}, 0.25
    updater = Normed(lr=0.3).bind(params)
    assert updater.backend == "numba"
    for t in range(1, 6):
        grads = gradients(params, t)
        updater.step(grads)
        flat = np.concatenate([g.ravel() for g in grads.values()])
        largest = max(largest, np.sqrt(np.mean(flat**2)))
        for name, g in grads.items():
            expected[name] -= 0.3 / (largest + 1e-12) * g
    for name in params:
        np.testing.assert_allclose(params[name], expected[name], rtol=1e-13)
    assert updater.state_dict()["scalars"]["largest"] == pytest.approx(largest, rel=1e-14)


def test_what_is_wrong_with_a_summing_rule_is_said():
    class NoMeasure(Optimizer):
        lr: float = 0.1
        sums = ("g2",)
        derived = ("scale",)

        @staticmethod
        def update(p, g, scale):
            return p - scale * g

    class Early(Normed):
        @staticmethod
        def measure(p, g, scale):
            return scale * g, g

        @staticmethod
        def update(p, g, rate, scale):
            return p - rate * scale * g

    class Few(Normed):
        @staticmethod
        def adapt(g2, count, largest):
            return g2

        @staticmethod
        def update(p, g, rate, scale):
            return p - rate * scale * g

    for cls, message in [
        (NoMeasure, "`measure`"),
        (Early, "'scale' is derived by `adapt`"),
        (Few, "must return scale, largest"),
    ]:
        with pytest.raises(RuleError, match=message):
            rule_of_class(cls)
