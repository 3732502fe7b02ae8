"""Schedules as objects: building, checking, comparing, copying, naming, drawing."""

import copy
import pickle
import re

import matplotlib.figure
import numpy as np
import pytest
from sklearn.base import clone

import fastlr.schedules
from fastlr.core.discover import discover
from fastlr.schedules import (
    REX,
    SCHEDULES,
    Adaptive,
    Constant,
    CosineAnnealing,
    CosineRestarts,
    Cyclical,
    ExponentialDecay,
    Function,
    InverseTime,
    InvScaling,
    Linear,
    MultiStep,
    OneCycle,
    Optimal,
    Piecewise,
    Polynomial,
    ReduceOnPlateau,
    Run,
    Schedule,
    StepDecay,
    Warmup,
    WarmupStableDecay,
    epochs,
    get_schedule,
)
from tests.support.naming import shown

PUBLIC = {name: getattr(fastlr.schedules, name) for name in fastlr.schedules.__all__}
CLASSES = [
    cls
    for cls in PUBLIC.values()
    if isinstance(cls, type) and issubclass(cls, Schedule) and cls is not Schedule
]


def fading(t):
    """Fall with time; at the top of a module, so it can be pickled."""
    return 1 / (1 + 0.1 * t)


OBJECTS = [
    *(cls() for cls in SCHEDULES.values()),
    CosineAnnealing(epochs(3), min_factor=0.1),
    Warmup(epochs(0.5), OneCycle(pct_start=0.4), start=0.2),
    Warmup(10) * StepDecay(epochs(2)),
    Warmup(5, Piecewise([3, 0.5], [1, 0.5, 0.25], "linear"), shape="exponential"),
    MultiStep((epochs(2), 0.7), gamma=0.3),
    OneCycle(preset="fastai"),
    Function(fading),
    Warmup(5, fading),
    Cyclical(5, scale=fading, scale_mode="cycle"),
    OneCycle(0.5).then("cosine", after=0.5),
]


def sees_the_same(a, b):
    run = Run(50, 10)
    np.testing.assert_equal(a.evaluate(np.arange(60), run), b.evaluate(np.arange(60), run))


@pytest.mark.parametrize("schedule", OBJECTS, ids=shown)
def test_copies_are_equal_and_do_the_same(schedule):
    # The repr of a function is no expression: its address goes, and what is left is the name.
    text = re.sub(r"<function (\w+) at 0x\w+>", r"\1", repr(schedule))
    evaluated = eval(text, {**PUBLIC, "fading": fading})
    pickled = pickle.loads(pickle.dumps(schedule))
    for other in (clone(schedule), copy.deepcopy(schedule), pickled, evaluated):
        assert other == schedule
        assert other is not schedule
        sees_the_same(other, schedule)


@pytest.mark.parametrize("schedule", OBJECTS, ids=shown)
def test_use_changes_nothing(schedule):
    before = pickle.dumps(schedule)
    schedule.simulate(50, steps_per_epoch=10, metrics=[1.0] * 5)
    schedule.observe(schedule.initial_metric_state(), 1.0)
    assert pickle.dumps(schedule) == before


def test_different_settings_are_different():
    assert StepDecay(3) != StepDecay(4)
    assert StepDecay(3) != StepDecay(epochs(3))
    assert StepDecay(3) != ExponentialDecay(every=3)
    assert Warmup(3, "cosine") != Warmup(3, "step")
    assert Warmup(3, OneCycle()) == Warmup(3, OneCycle())


def test_nested_parameters_can_be_set():
    schedule = Warmup(5, CosineAnnealing(20))
    schedule.set_params(schedule__min_factor=0.5, steps=6)
    assert schedule == Warmup(6, CosineAnnealing(20, min_factor=0.5))
    with pytest.raises(ValueError, match="min_factor"):
        schedule.set_params(schedule__min_factor=2)
    assert schedule == Warmup(6, CosineAnnealing(20, min_factor=0.5))
    assert schedule.get_params()["schedule__steps"] == 20


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: StepDecay(0), ValueError, r"StepDecay: every must be a length: .*>= 1.*got 0"),
        (lambda: StepDecay(1.0), ValueError, r"every must be a length: .*fraction.*got 1.0"),
        (lambda: StepDecay("3"), TypeError, r"every must be a length"),
        (lambda: StepDecay(True), TypeError, r"every must be a length"),
        (lambda: StepDecay(None), TypeError, r"every must be a length"),
        (lambda: Warmup(-1), ValueError, r"Warmup: steps must be a length: .*>= 0"),
        (lambda: CosineAnnealing(float("nan")), ValueError, r"CosineAnnealing: steps"),
        (lambda: OneCycle(total_steps=0), ValueError, r"OneCycle: total_steps"),
        (lambda: Cyclical(down=-3), ValueError, r"Cyclical: down"),
        (lambda: Cyclical(4).then(Constant(), after=0), ValueError, r"Then: after"),
        (lambda: epochs(0), ValueError, r"epochs: n must be a finite number > 0"),
        (lambda: epochs("3"), TypeError, r"epochs: n must be a number"),
        (lambda: StepDecay(3, gamma=1.5), ValueError, r"StepDecay: gamma .*\(0, 1\]"),
        (lambda: Constant(-1), ValueError, r"Constant: value"),
        (lambda: ExponentialDecay(gamma=0), ValueError, r"ExponentialDecay: gamma"),
        (lambda: ExponentialDecay(staircase="yes"), ValueError, r"staircase must be one of"),
        (lambda: CosineAnnealing(after="rise"), ValueError, r"after must be one of 'hold'"),
        (lambda: CosineRestarts(5, T_mult=0.5), ValueError, r"CosineRestarts: T_mult"),
        (lambda: CosineRestarts(5, cycles=1.5), ValueError, r"cycles must be a whole number"),
        (lambda: Cyclical(5, cycles=0), ValueError, r"Cyclical: cycles"),
        (lambda: Cyclical(5, mode="saw"), ValueError, r"mode must be one of 'triangular'"),
        (lambda: OneCycle(pct_start=1.2), ValueError, r"OneCycle: pct_start"),
        (lambda: OneCycle(pct_start=0.6, three_phase=True), ValueError, r"pct_start <= 0.5"),
        (lambda: OneCycle(max_momentum=1.0), ValueError, r"OneCycle: max_momentum"),
        (lambda: ReduceOnPlateau(factor=1), ValueError, r"ReduceOnPlateau: factor"),
        (lambda: ReduceOnPlateau(mode="down"), ValueError, r"mode must be one of 'min', 'max'"),
        (lambda: Warmup(3, start=2), ValueError, r"Warmup: start"),
        (lambda: Warmup(3, 0.5), TypeError, r"Warmup: schedule must be a name"),
        (lambda: OneCycle(peak=1), TypeError, r"OneCycle has no parameter 'peak'"),
        (lambda: OneCycle(preset="keras"), ValueError, r"preset must be one of 'torch', 'fastai'"),
        (lambda: OneCycle(final_div_factor=0.5), ValueError, r"OneCycle: final_div_factor"),
        (lambda: Warmup(3, shape="cosine"), ValueError, r"shape must be one of 'linear'"),
        (lambda: Warmup(3, start=0.0, shape="exponential"), ValueError, r"start must be above 0"),
        (lambda: WarmupStableDecay(decay=0), ValueError, r"WarmupStableDecay: decay .*>= 1"),
        (lambda: WarmupStableDecay(shape="sqrt"), ValueError, r"shape must be one of '1-sqrt'"),
        (lambda: InverseTime(-1), ValueError, r"InverseTime: rate"),
        (lambda: Polynomial(power=0), ValueError, r"Polynomial: power .*\(0, inf\)"),
        (lambda: Linear(start=-0.1), ValueError, r"Linear: start"),
        (lambda: REX(min_factor=2), ValueError, r"REX: min_factor"),
        (lambda: Optimal(0), ValueError, r"Optimal: alpha"),
        (lambda: InvScaling(-0.5), ValueError, r"InvScaling: power"),
        (lambda: Adaptive(0), ValueError, r"Adaptive: n_iter_no_change"),
        (lambda: Adaptive(tol=-1), ValueError, r"Adaptive: tol"),
        (lambda: Function(0.5), TypeError, r"Function: fn must be a function of time, got 0.5"),
        (lambda: Function(OneCycle), TypeError, r"Function: fn must be a function of time"),
        (lambda: Function(fading, "day"), ValueError, r"unit must be one of 'step', 'epoch'"),
        (lambda: Cyclical(5, scale=0.5), TypeError, r"Cyclical: scale must be a function"),
        (
            lambda: Cyclical(5, scale=fading, mode="triangular2"),
            ValueError,
            r"scale replaces mode, got mode='triangular2'",
        ),
    ],
)
def test_bad_settings_are_refused_by_name(build, error, message):
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize(
    ("schedule", "run", "message"),
    [
        (OneCycle(), Run(), "OneCycle: total_steps=None means the whole run and needs total_steps"),
        (CosineAnnealing(0.5), Run(), "CosineAnnealing: steps=0.5 means a fraction of the run"),
        (Warmup(0.1), Run(None, 5), "Warmup: steps=0.1 means a fraction"),
        (Cyclical(5, 0.2), Run(), "Cyclical: down=0.2 means a fraction"),
        (StepDecay(), Run(100), r"StepDecay: every=epochs\(30\) needs steps_per_epoch"),
        (Constant().then(Constant(), 0.5), Run(), "Then: after=0.5 means a fraction"),
        (Function(fading, "run"), Run(), "Function: unit='run' needs total_steps"),
        (Function(fading, "epoch"), Run(9), "Function: unit='epoch' needs steps_per_epoch"),
        (WarmupStableDecay(5, 5), Run(), "WarmupStableDecay: steps=None means the whole run"),
    ],
)
def test_a_length_that_needs_the_run_says_so(schedule, run, message):
    with pytest.raises(ValueError, match=message):
        schedule.evaluate(np.arange(3), run)


def test_lengths_are_rounded_and_at_least_one_step():
    run = Run(1000, 64)
    assert CosineAnnealing(0.1234).length(run) == 123
    assert CosineAnnealing(1e-9).length(run) == 1
    assert CosineAnnealing(epochs(0.3)).length(run) == 19
    assert CosineAnnealing(np.int64(7)).length(run) == 7
    assert CosineAnnealing(np.float64(0.5)).length(run) == 500
    assert CosineAnnealing().length(run) == 1000


def test_simulate_scales_and_checks_its_arguments():
    rates, momentum = OneCycle().simulate(40, lr=0.02)
    np.testing.assert_array_equal(rates, 0.02 * OneCycle(40).evaluate(np.arange(40), Run())[0])
    np.testing.assert_array_equal(momentum, OneCycle(40).evaluate(np.arange(40), Run())[1])
    assert OneCycle(cycle_momentum=False).simulate(5).momentum is None
    assert Cyclical(5, cycle_momentum=False).simulate(5).momentum is None
    for bad, error in ((0, ValueError), (2.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="simulate: n must be a whole number"):
            Constant().simulate(bad)
    with pytest.raises(ValueError, match="simulate: lr"):
        Constant().simulate(5, lr=-1)
    with pytest.raises(ValueError, match="simulate: steps_per_epoch"):
        Constant().simulate(5, steps_per_epoch=0)


def test_every_schedule_has_a_name_and_runs_by_it():
    for name in SCHEDULES:
        schedule = get_schedule(name)
        rates = schedule.simulate(300, steps_per_epoch=10).lr
        assert np.isfinite(rates).all()
        assert (rates >= 0).all()
        assert (rates <= 1).all()
        assert rates[0] > 0
    for name, cls in {
        "constant": Constant,
        "step": StepDecay,
        "exponential": ExponentialDecay,
        "cosine": CosineAnnealing,
        "Cosine_Annealing": CosineAnnealing,
        "cosine-restarts": CosineRestarts,
        "warmup": Warmup,
        "cyclical": Cyclical,
        "one_cycle": OneCycle,
        "OneCycle": OneCycle,
        "plateau": ReduceOnPlateau,
        "multi_step": MultiStep,
        "poly": Polynomial,
        "rex": REX,
        "wsd": WarmupStableDecay,
        "optimal": Optimal,
        "invscaling": InvScaling,
        "adaptive": Adaptive,
    }.items():
        assert type(get_schedule(name)) is cls
    assert get_schedule(None) == Constant()
    same = OneCycle()
    assert get_schedule(same) is same
    assert get_schedule(fading) == Function(fading)


def test_get_schedule_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match=r"schedule must be one of .*cosine.*, got 'triangle'"):
        get_schedule("triangle")
    for bad in (OneCycle, 0.1, ["cosine"]):
        with pytest.raises(TypeError, match=r"schedule must be a name, .*a function of the step"):
            get_schedule(bad)


def test_a_file_dropped_into_a_folder_is_found(tmp_path, monkeypatch):
    package = tmp_path / "dropped"
    package.mkdir()
    (package / "__init__.py").write_text("")
    text = (
        "from fastlr.schedules import Schedule, OneCycle\n"
        "class Square(Schedule):\n    side: float = 1.0\n"
        "class _Hidden(Schedule):\n    pass\n"
        "class Other:\n    pass\n"
    )
    (package / "square.py").write_text(text)
    (package / "_private.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    assert list(discover("dropped", [str(package)], Schedule)) == ["Square"]
    (package / "twice.py").write_text(text)
    with pytest.raises(ImportError, match=r"Square is defined in dropped\.square and in"):
        discover("dropped", [str(package)], Schedule)


def test_every_schedule_is_documented_with_an_equation_and_an_example():
    assert set(SCHEDULES.values()) < set(CLASSES)
    for cls in CLASSES:
        assert ".. math::" in cls.__doc__, cls
        assert ">>> " in cls.__doc__, cls
        for name in cls._fields:
            assert name in cls.__doc__, (cls, name)


def test_plot_draws_what_simulate_says():
    display = OneCycle(50).plot(lr=0.1)
    rates, momentum = OneCycle(50).simulate(50, lr=0.1)
    np.testing.assert_array_equal(display.line_.get_ydata(), rates)
    np.testing.assert_array_equal(display.momentum_line_.get_ydata(), momentum)
    mine = matplotlib.figure.Figure().subplots()
    assert StepDecay(epochs(2)).plot(mine, n=30, steps_per_epoch=5).ax_ is mine
    assert len(mine.figure.axes) == 1
    assert len(Warmup(0.1, "cosine").plot().line_.get_ydata()) == 1000
