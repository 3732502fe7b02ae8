"""Long runs against what does not depend on fastlr: readable references and recorded torch runs."""

import functools
import json

import numpy as np
import pytest

from fastlr.optimizers import OPTIMIZERS
from fastlr.schedules import CosineAnnealing
from tests.recorded.make_torch import (
    CASES,
    CLIP_NORM,
    CLIPPED,
    FILE,
    SNAPSHOTS,
    gradients,
    parameters,
)
from tests.support.cases import COMPILED, MODIFIERS, common, modifiers_of, settings_of
from tests.support.hashed import uniform
from tests.support.reference import REFERENCES, Walk

STEPS = 1000
WATCHED = {1, 2, 3, 10, 30, 100, 300, STEPS}
CUTS = {"w": (0, 12, (3, 4)), "b": (12, 15, (3,)), "u": (15, 40, (5, 5)), "s": (40, 41, ())}
SIZE = 41
# Numbers that single precision holds: one walk of the reference then stands for both precisions.
START = (2.0 * uniform(SIZE, seed=5)).astype(np.float32).astype(np.float64)
# Gradients of very different sizes, some of one sign, as those of a model are.
GRADIENTS = np.array([uniform(SIZE, seed=6, step=t) for t in range(STEPS)])
GRADIENTS = (GRADIENTS + 0.1 * uniform(SIZE, seed=7)) * 10.0 ** uniform(SIZE, seed=8)
GRADIENTS = GRADIENTS.astype(np.float32).astype(np.float64)

SETTINGS = [
    (name, k, modifier)
    for name in OPTIMIZERS
    for k in range(len(REFERENCES[name].settings) if name in REFERENCES else 0)
    # Modifiers act outside of the rule: each once for a rule, all together for each setting.
    for modifier in (modifiers_of(OPTIMIZERS[name]) if k == 0 else ["plain", "all"])
]


def steps_for(k, modifier):
    """The rule in each setting, and once with everything around it, for the whole way."""
    if modifier == "plain" or (modifier == "all" and k == 0):
        return STEPS
    return 300 if modifier.startswith("all") else 150


def cut(flat):
    return {name: flat[a:b].reshape(shape) for name, (a, b, shape) in CUTS.items()}


class Run:
    """One run of fastlr, in the precision of its arrays."""

    def __init__(self, optimizer, dtype):
        self.optimizer, self.p = optimizer, START.astype(dtype)
        self.updater = optimizer.bind(cut(self.p), [{"match": "b"}])
        self.grads = GRADIENTS.astype(dtype)

    def step(self, t):
        self.updater.step(cut(self.grads[t - 1]))

    @property
    def average(self):
        """The mean of the parameters; without average= it is the parameters themselves."""
        return join(self.updater.averaged) if self.optimizer.average else self.p


def walked(name, settings, dtypes, schedule=None, steps=STEPS):
    """Yield (t, runs, the reference) at the watched steps: one run for each precision."""
    optimizer = OPTIMIZERS[name](**settings, schedule=schedule)
    everything = optimizer.get_params(deep=False)
    own = {k: v for k, v in everything.items() if k not in common(OPTIMIZERS[name])}
    shared = {k: v for k, v in everything.items() if k not in own}
    cuts = [slice(a, b) for a, b, _ in CUTS.values()]
    shapes = [shape for _, _, shape in CUTS.values()]
    walk = Walk(REFERENCES[name].rule, own, shared, START, cuts, shapes, [{0, 2, 3}, {1}])
    runs = [Run(optimizer, dtype) for dtype in dtypes]
    factors = np.ones(steps) if schedule is None else schedule.simulate(steps).lr
    for t in range(1, steps + 1):
        walk.step(GRADIENTS[t - 1], factors[t - 1])
        for run in runs:
            run.step(t)
        if t in WATCHED or t == steps:
            yield t, runs, walk


def join(arrays):
    return np.concatenate([a.ravel() for a in arrays.values()])


def error(got, expected):
    """Return the largest difference in units of the largest value."""
    return np.max(np.abs(got - expected)) / np.max(np.abs(expected))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_has_a_reference_that_reaches_every_variant(name):
    assert name in REFERENCES, (
        f"{name} has no reference: write its rule as a plain NumPy function in "
        "tests/reference.py and add it, with settings, to REFERENCES there"
    )
    cls = OPTIMIZERS[name]
    reached = {tuple(cls(**s).switches().items()) for s in REFERENCES[name].settings}
    wanted = {tuple(cls(**s).switches().items()) for s in settings_of(cls)}
    assert wanted <= reached, (
        f"REFERENCES[{name!r}] in tests/reference.py needs settings for {wanted - reached}"
    )
    assert all(s.get("weight_decay", 0) > 0 for s in REFERENCES[name].settings)


@pytest.mark.parametrize(("name", "k", "modifier"), SETTINGS)
def test_long_runs_in_both_precisions(name, k, modifier):
    settings = {**REFERENCES[name].settings[k], **MODIFIERS[modifier]}
    # What is around array code is NumPy's in either precision: slow runs need not be repeated.
    twice = name in COMPILED or modifier in {"plain", "all"}
    dtypes = [np.float64, np.float32] if twice else [np.float64]
    moved = 0.0
    for t, runs, walk in walked(name, settings, dtypes, steps=steps_for(k, modifier)):
        double = runs[0]
        assert error(double.p, walk.p) < 1e-12, f"step {t}"
        assert error(double.average, walk.average) < 1e-12, f"average at step {t}"
        moved = error(double.p, START)
        for run in runs[1:]:
            assert run.p.dtype == np.float32
            bound = single(t)
            if "cautious" in settings:  # a sum near 0 may take another sign: a whole move
                bound = 1e-3
            elif "l1" in MODIFIERS[modifier]:  # taking off the same amount rounds the same way
                bound = 1e-6 * max(1.0, t / 10)
            assert distance(run.p, walk.p) < bound, f"step {t}, float32"
            assert distance(run.average, walk.average) < bound, f"average at step {t}, float32"
    assert moved > 0.001  # the tolerance is far below what was walked


def distance(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


def single(t):
    """Return 1e-6, more after 200 steps: the roundings of p itself add up like a random walk."""
    return 1e-6 * max(1.0, (t / 200) ** 0.5)


@pytest.mark.parametrize("decay", ["l2", "decoupled", "independent"])
@pytest.mark.parametrize("name", REFERENCES)
def test_a_schedule_scales_the_rate_and_what_depends_on_it(name, decay):
    settings = {**REFERENCES[name].settings[0], "decay": decay, "weight_decay": 0.004}
    schedule = CosineAnnealing(200)
    for t, (run,), walk in walked(name, settings, [np.float64], schedule, steps=230):
        assert error(run.p, walk.p) < 1e-12, f"step {t}"


# torch, recorded


RECORDED = [(c, False) for c in CASES] + [(c, True) for c in CLIPPED]


@functools.cache
def recorded_gradients(dtype):
    return [[g.astype(dtype) for g in gradients(t)] for t in range(1, SNAPSHOTS[-1] + 1)]


def test_the_recording_says_what_made_it_and_holds_every_case():
    with np.load(FILE) as file:
        made_with = json.loads(str(file["made_with"]))
        kept = set(file)
    assert made_with["torch"].startswith("2.")
    assert made_with["snapshots"] == SNAPSHOTS
    assert kept == {case + "_clipped" * clip for case, clip in RECORDED} | {"made_with"}
    assert FILE.stat().st_size < 60_000


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("case", "clip"), RECORDED)
def test_torch_walks_the_same_path(case, clip, dtype):
    name, settings = CASES[case][1]
    assert settings["weight_decay"] > 0
    optimizer = OPTIMIZERS[name.lower()](**settings, clip_norm=CLIP_NORM if clip else None)
    params = [p.astype(dtype) for p in parameters()]
    updater = optimizer.bind(params)
    with np.load(FILE) as file:
        expected = iter(file[case + "_clipped" * clip])
    for t, grads in enumerate(recorded_gradients(dtype), 1):
        updater.step(grads)
        if t not in SNAPSHOTS:
            continue
        got, recorded = np.concatenate([p.ravel() for p in params]), next(expected)
        if dtype is np.float64:
            assert error(got, recorded) < 1e-12, f"step {t}"
        else:
            assert distance(got, recorded) < single(t), f"step {t}"


def test_the_recorded_clipping_bound_bites_on_some_steps_only():
    norms = [np.sqrt(sum(np.sum(g**2) for g in gradients(t))) for t in range(1, 100)]
    share = np.mean(np.array(norms) > CLIP_NORM)
    assert 0.5 < share < 0.8
