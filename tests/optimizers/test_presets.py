"""Presets: another library's defaults and form, shown by the paths that those libraries walked."""

import copy
import functools
import json
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from fastlr import SGD, Adagrad, Adam, AdamW, NAdam, OneCycle, ReduceOnPlateau, RMSprop, Yogi
from fastlr.core.hyper import HyperParameters
from fastlr.estimators import LinearClassifier
from fastlr.optimizers import OPTIMIZERS, Optimizer
from fastlr.schedules import SCHEDULES
from tests.recorded.make_plateau import CASES as PLATEAUS
from tests.recorded.make_plateau import FILE as PLATEAU_FILE
from tests.recorded.make_plateau import metrics
from tests.recorded.make_presets import CASES, FILE, LIBRARIES, SNAPSHOTS, falling
from tests.recorded.make_torch import gradients, parameters

CLASSES = {cls.__name__: cls for cls in [*OPTIMIZERS.values(), *SCHEDULES.values()] if cls.presets}
REGISTERED = {cls.__name__ for cls in OPTIMIZERS.values()}
PRESETS = [(name, preset) for name, cls in CLASSES.items() for preset in cls.presets]


@functools.cache
def recorded():
    with np.load(FILE) as file:
        return {name: file[name] for name in file}


@functools.cache
def inputs():
    return [gradients(t) for t in range(1, SNAPSHOTS[-1] + 1)]


def error(optimizer, name, last=SNAPSHOTS[-1]):
    """Return the largest difference from a recording, in units of its largest value."""
    params = parameters()
    updater = optimizer.bind(params)
    expected = iter(recorded()[name])
    found = 0.0
    for t, grads in enumerate(inputs()[:last], 1):
        updater.step(grads)
        if t in SNAPSHOTS:
            got, wanted = np.concatenate([p.ravel() for p in params]), next(expected)
            found = max(found, np.max(np.abs(got - wanted)) / np.max(np.abs(wanted)))
    return found


def optimizer_of(case, **more):
    cls = CLASSES[case.optimizer]
    schedule = falling if case.falls else None
    return cls(**case.settings, preset=case.preset, schedule=schedule, **more)


@pytest.mark.parametrize("name", CASES)
def test_the_library_walks_the_same_path(name):
    assert error(optimizer_of(CASES[name]), name) < CASES[name].tolerance


def test_each_preset_is_recorded_with_defaults_and_with_others():
    for name, preset in PRESETS:
        if name not in REGISTERED:
            continue
        settings = [c.settings for c in CASES.values() if (c.optimizer, c.preset) == (name, preset)]
        assert {} in settings, (name, preset)
        assert any(s.get("weight_decay", 0) > 0 for s in settings), (name, preset)


@pytest.mark.parametrize(
    ("name", "preset", "parameter"),
    [(n, p, k) for n, p in PRESETS for k in CLASSES[n].presets[p] if n in REGISTERED],
)
def test_each_value_of_a_preset_shows_in_a_recording(name, preset, parameter):
    default = {parameter: CLASSES[name].parameter_defaults[parameter]}
    if CLASSES[name].presets[preset][parameter] == default[parameter]:
        pytest.fail(f"presets[{preset!r}] of {name} repeats the default of {parameter}")
    if (name, parameter) == ("SGD", "momentum"):
        default["nesterov"] = False  # it needs momentum
    if (name, parameter) == ("FTRL", "initial_accumulator"):
        default[parameter] = 1e-3  # it takes no 0 beside a beta of 0
    errors = [
        error(optimizer_of(case, **default), key, last=10)
        for key, case in CASES.items()
        if (case.optimizer, case.preset) == (name, preset) and not case.settings.keys() & default
    ]
    assert max(errors) > 1e-11


def test_the_recording_says_what_made_it_and_holds_every_case():
    made_with = json.loads(str(recorded()["made_with"]))
    assert set(made_with) == {*LIBRARIES, "numpy"}
    assert set(recorded()) == {*CASES, "made_with"}
    start = np.concatenate([p.ravel() for p in parameters()])
    for name in CASES:
        moved = np.abs(recorded()[name][-1] - start)
        assert np.median(moved) > 1e-6, f"{name} was recorded standing still"
    assert FILE.stat().st_size < 100_000


@pytest.mark.parametrize("name", PLATEAUS)
def test_keras_reduces_on_the_same_epochs(name):
    recorded = json.loads(PLATEAU_FILE.read_text(encoding="utf-8"))
    assert set(recorded["made_with"]) == {"keras", "jax"}
    _, settings, rises = PLATEAUS[name]
    schedule = ReduceOnPlateau(**settings, preset="keras")
    found, others = factors(schedule, rises), factors(ReduceOnPlateau(**settings), rises)
    np.testing.assert_allclose(found, recorded["factors"][name], rtol=1e-13)
    # Without patience only the size of the threshold tells them apart, and not on this path.
    assert (others == found) == (settings.get("patience") == 0)
    assert len(set(found)) > 2


def factors(schedule, rises):
    state, found = schedule.initial_metric_state(), []
    for metric in metrics(rises):
        state = schedule.observe(state, metric)
        found.append(state["factor"])
    return found


# The objects


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_preset_is_kept_by_all_that_copies(name, preset):
    cls = CLASSES[name]
    made = cls(preset=preset)
    for parameter, value in cls.presets[preset].items():
        assert getattr(made, parameter) == value
    assert cls().preset is None
    assert made.get_params()["preset"] == preset
    assert repr(made) == f"{name}(preset={preset!r})"
    assert eval(repr(made), CLASSES) == made
    for twin in (clone(made), pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert twin == made
    assert cls(**made.get_params(deep=False)) == made
    assert cls().set_params(preset=preset) == made == cls().replace(preset=preset)
    assert made.replace(preset=None) == cls()


def test_what_is_given_counts_more_than_the_preset():
    made = Adam(eps=1e-3, preset="keras")
    assert (made.eps, made.eps_mode, made.decay) == (1e-3, "hat", "decoupled")
    assert repr(made) == "Adam(eps=0.001, preset='keras')"
    assert clone(made) == made == eval(repr(made))
    # So does a default, if it is given: the copy must not fall back to the preset.
    plain = Adam(eps=1e-8, preset="keras")
    assert plain.eps == 1e-8
    assert clone(plain).eps == 1e-8
    assert repr(plain) == "Adam(eps=1e-08, preset='keras')"


def test_a_change_of_preset_moves_what_was_not_set_otherwise():
    mine = Adam(lr=0.5, preset="fastai")
    assert mine.replace(preset="keras") == Adam(lr=0.5, preset="keras")
    assert mine.replace(preset="keras", eps=0.25) == Adam(lr=0.5, eps=0.25, preset="keras")
    assert mine.set_params(eps=0.25).replace(preset="keras") == Adam(0.5, eps=0.25, preset="keras")
    assert mine.set_params(**Adam(preset="tf").get_params()) == Adam(preset="tf")
    before = SGD(dampening=0.1)
    with pytest.raises(ValueError, match="nesterov needs"):
        before.set_params(preset="sklearn")
    assert before == SGD(dampening=0.1)


def test_a_grid_over_presets_reaches_into_an_estimator():
    model = LinearClassifier(Adam(eps=1e-3))
    for point in ParameterGrid({"optimizer__preset": ["torch", "keras", None]}):
        tried = clone(model).set_params(**point).optimizer
        assert tried == Adam(eps=1e-3, **{"preset": point["optimizer__preset"]})


def test_the_values_that_conventions_name():
    assert RMSprop(preset="torch").get_params().items() >= {"lr": 0.01, "rho": 0.99}.items()
    assert RMSprop(preset="tf").initial_scale == 1.0
    assert SGD(preset="sklearn").nesterov is True
    assert Adagrad(preset="keras").initial_accumulator == 0.1
    assert NAdam(preset="keras").momentum_decay == 1.0
    assert AdamW(preset="keras").weight_decay == 0.004
    assert (OneCycle().pct_start, OneCycle(preset="fastai").pct_start) == (0.3, 0.25)


@pytest.mark.parametrize("name", CLASSES)
def test_a_preset_that_is_not_there_is_refused_with_those_that_are(name):
    cls = CLASSES[name]
    those = ", ".join(repr(p) for p in cls.presets)
    for value in ("caffe", 1, ["keras"]):
        for change in (cls, cls().set_params, cls().replace):
            with pytest.raises(ValueError, match=f"{name}: preset must be one of {those}, None"):
                change(preset=value)


def test_without_presets_there_is_no_such_parameter():
    with pytest.raises(TypeError, match="Yogi has no parameter 'preset'"):
        Yogi(preset="keras")
    with pytest.raises(ValueError, match="Yogi has no parameter 'preset'"):
        Yogi().set_params(preset="keras")


@pytest.mark.parametrize("name", CLASSES)
def test_presets_are_documented(name):
    for preset in CLASSES[name].presets:
        assert f'"{preset}"' in CLASSES[name].__doc__.partition("preset : ")[2].partition("}")[0]


# Classes of a user


def test_a_subclass_inherits_replaces_or_drops_presets():
    class Slower(Adam):
        lr = 1e-4

    assert Slower(preset="keras").get_params().items() >= {"lr": 1e-4, "eps": 1e-7}.items()

    class Other(Adam):
        mine: float = 1.0
        presets = {"house": {"mine": 2.0}}

    assert Other(preset="house").mine == 2.0
    assert list(Other.parameter_defaults)[-1] == "preset"
    with pytest.raises(ValueError, match="Other: preset must be one of 'house', None"):
        Other(preset="keras")

    class Without(Adam):
        presets = {}

    assert "preset" not in Without().get_params()


def test_a_preset_of_what_is_no_parameter_is_refused_where_it_is_written():
    with pytest.raises(TypeError, match=r"Odd: presets\['torch'\] sets 'alpha', which is none"):

        class Odd(Optimizer):
            lr: float = 0.1
            presets = {"torch": {"alpha": 0.9}}


def test_none_is_accepted_where_a_preset_has_it():
    class Box(HyperParameters):
        width: "float | None" = 1.0
        ranges = {"width": "(0, inf)"}
        presets = {"open": {"width": None}}

    assert Box(preset="open").width is None
    assert Box(None) != Box(preset="open")
    with pytest.raises(ValueError, match="width must be a number"):
        Box(0.0, preset="open")
