"""Rules in array code: what goes to which stepper, what they promise, and how they train."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from fastlr import (
    SGD,
    SM3,
    Adafactor,
    AdamW,
    CosineAnnealing,
    Linear,
    LinearClassifier,
    Muon,
    OneCycle,
    ReduceOnPlateau,
)
from fastlr.optimizers import Optimizer
from fastlr.optimizers._array import ArrayOptimizer
from tests.support.cases import bits, gradients, small, snapshot, walk
from tests.support.hashed import uniform

RULES = [Muon, Adafactor, SM3]
ADAMW = {"beta1": 0.8, "beta2": 0.97, "eps": 1e-4}
INSIDE = {f"adamw_{name}": value for name, value in ADAMW.items()}


@pytest.mark.parametrize("cls", RULES)
def test_the_backend_is_numpy_whichever_compiler_was_asked_for(cls):
    results = []
    for backend in ("auto", "cython", "numba"):
        updater = cls().bind(small(), backend=backend, n_threads=2)
        assert updater.backend == "numpy"
        results.append(snapshot(walk(updater, 3)))
    assert results == results[:1] * 3


class OnDevice:
    __cuda_array_interface__ = {"shape": (2,), "typestr": "<f4", "data": (0, False), "version": 3}


@pytest.mark.parametrize("cls", RULES)
def test_a_gpu_is_refused_by_name(cls):
    for params, backend in [(np.ones((2, 2)), "cuda"), (OnDevice(), "auto")]:
        with pytest.raises(TypeError, match=f"{cls.__name__} is array code, .* no CUDA kernels"):
            cls().bind(params, backend=backend)


@pytest.mark.parametrize("cls", RULES)
def test_a_gradient_that_is_not_finite_changes_nothing(cls):
    updater = walk(cls(nonfinite="raise", average="ema").bind(small()), 2)
    before = snapshot(updater)
    bad = {k: g.copy() for k, g in gradients(updater.params, 3).items()}
    bad["b.weight"][1, 2] = np.inf
    with pytest.raises(ValueError, match=r"grads\['b.weight'\] holds 1 values that are not finite"):
        updater.step(bad)
    assert snapshot(updater) == before


@pytest.mark.parametrize("cls", RULES)
def test_nothing_is_written_if_one_gradient_is_unfit(cls):
    updater = walk(cls().bind(small()), 2)
    before = snapshot(updater)
    bad = {**gradients(updater.params, 3), "b.weight": np.ones((4, 2))}
    with pytest.raises(ValueError, match=r"grads\['b.weight'\] must have shape \(2, 4\)"):
        updater.step(bad)
    assert snapshot(updater) == before


def test_state_is_as_small_as_it_can_be():
    params = {"w": np.ones((3, 4)), "kernel": np.ones((2, 3, 4)), "b": np.ones(5)}

    def shapes(optimizer):
        state = optimizer.bind(params).state_dict()["state"]
        return {
            name: {key: a.shape for key, arrays in state.items() if (a := arrays[name]).size}
            for name in params
        }

    assert shapes(Adafactor()) == {
        "w": {"row": (3, 1), "column": (1, 4)},
        "kernel": {"row": (2, 3, 1), "column": (2, 1, 4)},
        "b": {"v": (5,)},
    }
    assert shapes(SM3(momentum=0.0)) == {
        "w": {"slices0": (3, 1), "slices1": (1, 4)},
        "kernel": {"slices0": (2, 1, 1), "slices1": (1, 3, 1), "slices2": (1, 1, 4)},
        "b": {"slices0": (5,)},
    }
    assert shapes(Muon(average="ema")) == {
        "w": {"buf": (3, 4), "average": (3, 4)},
        "kernel": {"m": (2, 3, 4), "v": (2, 3, 4), "average": (2, 3, 4)},
        "b": {"m": (5,), "v": (5,), "average": (5,)},
    }


# Muon


@pytest.mark.parametrize(("shape", "scale"), [((5, 5), 1.0), ((4, 9), 1.0), ((9, 4), 1.5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_of_muon_has_singular_values_of_about_one(shape, scale, dtype):
    left, _, right = np.linalg.svd(uniform(shape, 3), full_matrices=False)
    sizes = np.linspace(0.1, 10, min(shape))
    for size in (1e-3, 1.0, 1e3):  # whatever the size of the gradient
        p = np.zeros(shape, dtype)
        Muon(lr=0.5).bind(p).step((size * (left * sizes) @ right).astype(dtype))
        values = np.linalg.svd(-p / (0.5 * scale), compute_uv=False)
        assert values.min() > 0.65
        assert values.max() < 1.25
        # Directions are those of the gradient: the same vectors on both sides.
        turned = left.T @ p @ right.T
        assert np.abs(turned - np.diag(np.diag(turned))).max() < (
            1e-13 if dtype is np.float64 else 1e-5
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("more", [{}, {"average": "polyak", "maximize": True, "clip_value": 0.2}])
def test_what_is_no_matrix_is_stepped_as_adamw_does_to_the_bit(dtype, more):
    shapes = {"scale": (), "bias": (5,), "kernel": (2, 3, 4), "none": (0,)}
    settings = {"schedule": OneCycle(total_steps=8), "weight_decay": 0.2, "decay": "independent"}
    groups = [{"match": ["bias", "w"], "lr": 0.5, "weight_decay": 0.03}]

    def arrays(names):
        return {n: np.asarray(uniform(shapes[n], 4, len(n)), dtype) for n in names}

    plain = AdamW(lr=0.05, **ADAMW, **settings, **more).bind(arrays(shapes), groups)
    shapes["w"] = (3, 4)
    muon = Muon(lr=0.3, adamw_lr=0.05, **INSIDE, **settings, **more).bind(arrays(shapes), groups)
    for t in range(1, 9):
        grads = gradients(plain.params, t)
        plain.step(grads)
        muon.step({**grads, "w": np.ones((3, 4), dtype)})
    both = muon.state_dict()["state"]
    for name in plain.params:
        assert bits(muon.params[name]) == bits(plain.params[name])
        for key, kept in plain.state_dict()["state"].items():
            assert bits(both[key][name]) == bits(kept[name])
    if more:
        assert bits(muon.averaged["kernel"]) == bits(plain.averaged["kernel"])


def test_adamw_takes_the_rate_of_muon_unless_it_has_its_own():
    def final(**rates):
        return bits(walk(Muon(**rates).bind({"b": np.ones(4), "w": np.ones((2, 2))}), 3).params)

    assert final(lr=0.03) == final(lr=0.03, adamw_lr=0.03)
    assert final(lr=0.03)["b"] == final(lr=0.5, adamw_lr=0.03)["b"]
    assert final(lr=0.03)["b"] != final(lr=0.03, adamw_lr=0.04)["b"]


def test_the_norm_that_is_clipped_is_that_of_all_parameters_together():
    def run(**more):
        updater = Muon(lr=0.1, momentum=0.5, adamw_eps=10.0, **more).bind(small())
        for t in range(1, 5):
            grads = gradients(updater.params, t)
            norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
            scale = 1.0 if more else min(1.0, 0.5 / (norm + 0.5e-6))
            updater.step({k: scale * g for k, g in grads.items()})
        return updater.params

    clipped, scaled = run(clip_norm=0.5), run()
    for name, p in clipped.items():
        np.testing.assert_allclose(p, scaled[name], rtol=1e-12)


def test_a_metric_reaches_both_steppers_and_is_remembered():
    def fresh():
        plan = {"weight_decay": ReduceOnPlateau(0.5, patience=0), "momentum": CosineAnnealing(30)}
        schedule = ReduceOnPlateau(0.1, patience=0)
        optimizer = Muon(lr=0.1, schedule=schedule, schedules=plan)
        return optimizer.bind(small(), [{"match": "b.*", "schedule": ReduceOnPlateau(0.3, 1)}])

    def run(cut):
        updater, moved = fresh(), []
        for k, metric in enumerate([1.0, 2.0, 0.5, 0.6, 0.7, 0.8]):
            if k == cut:
                updater = pickle.loads(pickle.dumps(updater))
            before = updater.params["a.bias"].copy()
            walk(updater, 2, first=2 * k + 1)
            moved.append(np.abs(updater.params["a.bias"] - before).max())
            updater.observe(metric)
        return snapshot(updater), moved

    whole, moved = run(None)
    assert moved[0] > 5 * moved[2] > 25 * moved[4] > 0
    for cut in range(6):
        assert run(cut)[0] == whole


def test_a_schedule_of_muons_own_numbers_is_not_adamws():
    plan = {"momentum": Linear(5, 1.0, 0.5), "eps": Linear(5, 1.0, 0.5)}
    plain, planned = (walk(Muon(schedules=s).bind(small()), 4).params for s in (None, plan))
    assert bits(plain["a.bias"]) == bits(planned["a.bias"])
    assert bits(plain["a.weight"]) != bits(planned["a.weight"])
    with pytest.raises(ValueError, match="adamw_beta2"):
        Muon(schedules={"adamw_beta2": CosineAnnealing(5)}).bind(small())


def test_iterations_are_counted_in_whole_numbers():
    with pytest.raises(TypeError, match=r"Muon: ns_steps must be a whole number, got 2.5"):
        Muon(ns_steps=2.5)


# The others


def test_sm3_is_adagrad_in_vectors_and_never_steps_further_in_matrices():
    g = uniform((6, 4), 8)
    flat, matrix = np.zeros(24), np.zeros((6, 4))
    one, two = (SM3(lr=0.1, momentum=0.0, eps=0.0).bind(p) for p in (flat, matrix))
    for _ in range(4):
        one.step(g.ravel())
        two.step(g)
    by_hand = 0.1 * np.sign(g) * sum(1 / np.sqrt(t) for t in range(1, 5))
    np.testing.assert_allclose(flat.reshape(6, 4), -by_hand, rtol=1e-13)
    assert (np.abs(matrix) <= np.abs(by_hand) * (1 + 1e-13)).all()
    assert (np.abs(matrix) < 0.9 * np.abs(by_hand)).any()


def test_adafactor_moves_by_a_share_of_the_parameters_size():
    for size in (1e-6, 1.0, 1e6):
        w = np.full((3, 5), size)
        Adafactor(lr=0.1, eps2=0.0).bind(w).step(uniform((3, 5), 9))
        moved = np.sqrt(np.mean((w - size) ** 2))
        assert moved == pytest.approx(0.1 * size, rel=0.2)
        assert moved <= 0.1 * size * (1 + 1e-12)


def test_squares_that_underflow_make_the_steps_of_double_precision():
    single, double = np.ones((2, 3), np.float32), np.ones((2, 3))
    updaters = [Adafactor(eps1=1e-30).bind(w) for w in (single, double)]
    for g in (0.0, 1e-25, 1e-30, 1.0):
        for updater, dtype in zip(updaters, (np.float32, np.float64), strict=True):
            updater.step(np.full((2, 3), g, dtype))
        np.testing.assert_allclose(single - 1, double - 1, rtol=1e-4, atol=1e-7, err_msg=str(g))
    assert (double < 1 - 1e-3).all()


# Users' own, and what is not there


class Sign(ArrayOptimizer):
    """Steps by the sign of the gradient, relative to the largest element of an array."""

    lr: float = 0.1

    def coefficients(self, t, lr):
        return {"rate": lr}

    def state_shapes(self, shape):
        return {}

    def step_array(self, p, g, state, coefficients):
        p -= coefficients["rate"] * np.abs(p).max() * np.sign(g)


def test_a_rule_may_keep_nothing_but_do_everything_else():
    w = np.asfortranarray([[1.0, -4.0], [2.0, 3.0]])
    updater = Sign(weight_decay=0.5, decay="decoupled", average="polyak").bind(w)
    updater.step(np.asfortranarray([[1.0, -1.0], [0.0, 1.0]]))
    np.testing.assert_allclose(w, [[0.57, -3.42], [1.9, 2.47]], rtol=1e-15)
    np.testing.assert_array_equal(updater.averaged, w)


def test_what_a_rule_in_array_code_must_define_is_said():
    class Bare(ArrayOptimizer):
        lr: float = 0.1

        def coefficients(self, t, lr):
            return {"rate": lr}

        def handles(self, shape):
            return len(shape) == 2

    with pytest.raises(NotImplementedError, match="Bare must define `state_shapes`"):
        Bare().bind(np.ones((2, 2)))
    with pytest.raises(NotImplementedError, match="Bare must define `fallback`"):
        Bare().bind(np.ones(2))


def test_a_modifier_that_array_code_lacks_is_refused_when_set(monkeypatch):
    monkeypatch.setattr(Sign, "modifiers", Sign.modifiers - {"clip_value"})
    assert Sign().clip_value is None
    with pytest.raises(ValueError, match="Sign: clip_value is not there for rules in array code"):
        Sign(clip_value=1.0)
    assert ArrayOptimizer.modifiers <= set(Optimizer.parameter_defaults)


# In estimators


def blobs(classes, n=400):
    y = np.arange(n) % classes
    return 0.3 * uniform((n, 6), 3) + uniform((classes, 6), 4)[y], y


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [Muon(), Adafactor(eps2=1.0), SM3()])
def test_a_classifier_trains_with_a_rule_in_array_code(optimizer, dtype, classes):
    X, y = blobs(classes)
    X = X.astype(dtype)
    model = LinearClassifier(optimizer, lr=0.1, max_epochs=6, batch_size=20, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.97
    assert model.coef_.dtype == dtype
    again = clone(model).fit(X, y)
    assert bits(again.coef_) == bits(model.coef_)
    assert model.history_["loss"][-1] < 0.7 * model.history_["loss"][0]


def test_a_pickled_classifier_goes_on_with_muon_to_the_bit():
    X, y = blobs(3)
    settings = {"lr": 0.05, "schedule": None, "batch_size": 20, "random_state": 0}
    one = LinearClassifier(Muon(), **settings)
    one.partial_fit(X, y, classes=[0, 1, 2])
    two = pickle.loads(pickle.dumps(one))
    for model in (one, two):
        model.partial_fit(X, y)
    assert bits(one.coef_) == bits(two.coef_)


def test_a_name_is_enough_for_a_classifier():
    X, y = blobs(3)
    model = LinearClassifier("muon", max_epochs=3, batch_size=20, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9
    plain = LinearClassifier(SGD(), max_epochs=3, batch_size=20, random_state=0).fit(X, y)
    assert bits(plain.coef_) != bits(model.coef_)
