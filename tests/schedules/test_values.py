"""Values of every schedule: closed forms, recorded libraries, and times past the end."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from fastlr import schedules
from fastlr.schedules import (
    CosineAnnealing,
    CosineRestarts,
    Cyclical,
    ExponentialDecay,
    OneCycle,
    Run,
    StepDecay,
    Warmup,
    epochs,
)

FOLDER = Path(__file__).parents[1] / "recorded"
RECORDED = {
    library: cases
    for file in ("schedules.json", "schedule_peers.json")
    for library, cases in json.loads((FOLDER / file).read_text(encoding="utf-8")).items()
    if library != "versions"
}
CASES = [(lib, call) for lib in RECORDED if lib != "plateau" for call in RECORDED[lib]]
PRECISION = {"fastai": 2e-7}  # it places its corners in single precision


def build(call):
    """Build the schedule that a recorded case names."""
    return eval(call, {name: getattr(schedules, name) for name in schedules.__all__})


def factor(schedule, n, **run):
    return schedule.evaluate(np.arange(n), Run(**run))[0]


@pytest.mark.parametrize(("library", "call"), CASES, ids=[f"{lib}-{c}" for lib, c in CASES])
def test_equals_the_recorded_library(library, call):
    recorded = RECORDED[library][call]
    got, momentum = build(call).evaluate(np.arange(len(recorded["factor"])), Run())
    atol = PRECISION.get(library, 1e-14)
    np.testing.assert_allclose(got, recorded["factor"], rtol=0, atol=atol)
    assert (momentum is None) == (recorded["momentum"] is None)
    if momentum is not None:
        np.testing.assert_allclose(momentum, recorded["momentum"], rtol=0, atol=atol)


def test_step_decay_closed_form_with_every_in_all_units():
    expected = [0.3 ** (t // 4) for t in range(40)]
    for every in (4, 0.1, epochs(2)):
        got = factor(StepDecay(every, gamma=0.3), 40, total_steps=40, steps_per_epoch=2)
        np.testing.assert_allclose(got, expected, rtol=1e-15)


def test_step_decay_is_exact_at_late_boundaries():
    for every in (3, 7, 10, 49):
        start = every * (2**50 // every)
        t = np.array([start - 1, start, start + every - 1, start + every])
        k = np.array([start // every - 1, start // every, start // every, start // every + 1])
        gamma = 1 - 2.0**-50  # far enough from 1 to tell the powers apart
        got = StepDecay(every, gamma).evaluate(t, Run())[0]
        np.testing.assert_array_equal(got, [gamma ** float(x) for x in k])


def test_exponential_decay_closed_form_and_floor():
    got = factor(ExponentialDecay(0.8, every=epochs(1), min_factor=0.3), 60, steps_per_epoch=10)
    np.testing.assert_allclose(got, [max(0.8 ** (t / 10), 0.3) for t in range(60)], rtol=1e-14)


def test_cosine_holds_past_its_end_and_rises_only_when_asked():
    got = factor(CosineAnnealing(20, min_factor=0.1), 100)
    cosine = [0.1 + 0.9 * (1 + math.cos(math.pi * t / 20)) / 2 for t in range(21)]
    np.testing.assert_allclose(got[:21], cosine, rtol=1e-14)
    assert set(got[20:]) == {0.1}
    again = factor(CosineAnnealing(20, min_factor=0.1, after="periodic"), 81)
    np.testing.assert_allclose(again[[40, 80]], 1, rtol=1e-15)
    np.testing.assert_allclose(again[[20, 60]], 0.1, rtol=1e-14)


def exact_restarts(t, steps, growth, decay, low):
    """Find the cycle of step t by counting, in whole numbers or fractions."""
    start, span, cycle = 0, Fraction(steps), 0
    while t >= start + span:
        start, span, cycle = start + span, span * growth, cycle + 1
    x = float((t - start) / span)
    return low + (1 - low) * decay**cycle * (1 + math.cos(math.pi * x)) / 2


@pytest.mark.parametrize("growth", [1, 2, 3, 7])
@pytest.mark.parametrize("steps", [1, 3, 10, 49])
def test_restarts_with_whole_growth_are_exact_at_every_boundary(steps, growth):
    boundaries, start, span = [], 0, steps
    for _ in range(80):
        boundaries.append(start)
        start, span = start + span, span * growth
        if start > 2**45:
            break
    t = np.array(sorted({max(b + d, 0) for b in boundaries for d in (-1, 0, 1)}))
    schedule = CosineRestarts(steps, T_mult=growth, decay=0.9, min_factor=0.02)
    expected = [exact_restarts(int(x), steps, growth, 0.9, 0.02) for x in t]
    np.testing.assert_allclose(schedule.evaluate(t, Run())[0], expected, rtol=1e-13)


def test_restarts_are_right_where_the_logarithm_of_torch_is_wrong():
    # torch takes step 1210 = 10 + 30 + ... + 810 for the end of a cycle, at the lowest rate.
    assert CosineRestarts(10, T_mult=3).evaluate(np.array([1210]), Run())[0][0] == 1.0


@pytest.mark.parametrize("growth", [1.5, 1.1, 2.7])
def test_restarts_with_fractional_growth(growth):
    t = np.arange(800)
    # Whole steps never fall on a fractional boundary to the bit, so the count is unambiguous.
    expected = [exact_restarts(int(x), 13, Fraction(growth), 0.8, 0.1) for x in t]
    got = CosineRestarts(13, T_mult=growth, decay=0.8, min_factor=0.1).evaluate(t, Run())[0]
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_restarts_end_after_the_cycles_asked_for():
    schedule = CosineRestarts(5, T_mult=2, cycles=3, min_factor=0.2)
    assert schedule.length(Run()) == 35
    got = factor(schedule, 60)
    assert got[15] == 1
    assert got[34] > 0.2
    assert set(got[35:]) == {0.2}


def test_warmup_first_step_is_not_zero_unless_asked():
    np.testing.assert_allclose(factor(Warmup(4), 7), [0.2, 0.4, 0.6, 0.8, 1, 1, 1], rtol=1e-15)
    np.testing.assert_allclose(factor(Warmup(4, start=0.0), 5), [0, 0.25, 0.5, 0.75, 1])
    assert set(factor(Warmup(0), 3)) == set(factor(Warmup(0, start=0.0), 3)) == {1.0}


@pytest.mark.parametrize("shape", ["linear", "exponential", "constant"])
@pytest.mark.parametrize("start", [None, 0.0, 0.1, 1 / 3, 0.7, 0.123456789])
def test_warmup_reaches_one_to_the_bit(start, shape):
    if start == 0 and shape == "exponential":
        return
    for steps in range(1, 400):
        warmup = Warmup(steps, start=start, shape=shape)
        assert set(warmup.evaluate(np.array([steps, 10**9]), Run())[0]) == {1.0}


def test_cyclical_ends_low_after_the_cycles_asked_for():
    schedule = Cyclical(4, 6, min_factor=0.3, cycles=2)
    got, momentum = schedule.evaluate(np.arange(50), Run())
    assert schedule.length(Run()) == 20
    assert got[[4, 14]].tolist() == [1, 1]
    assert set(got[20:]) == {0.3}
    assert set(momentum[20:]) == {0.9}


def test_cyclical_is_exact_late():
    start = 9 * 10**12
    got = Cyclical(2, 7).evaluate(start + np.arange(9), Run())[0]
    np.testing.assert_array_equal(got, Cyclical(2, 7).evaluate(np.arange(9), Run())[0])


def test_onecycle_holds_its_last_value_past_the_end():
    for schedule in (OneCycle(30), OneCycle(30, anneal="linear"), OneCycle(30, three_phase=True)):
        got, momentum = schedule.evaluate(np.arange(200), Run())
        np.testing.assert_allclose(got[29:], 1 / 25 / 1e4, rtol=1e-9)
        assert len(set(got[29:])) == len(set(momentum[29:])) == 1
        assert momentum[29] == 0.95


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("pct_start", [0.0, 0.1, 0.25, 0.3, 0.5, 1.0])
def test_onecycle_leaves_empty_phases_out(pct_start, anneal, three_phase):
    if three_phase and pct_start > 0.5:
        return
    for total in range(1, 25):
        schedule = OneCycle(total, pct_start, anneal, three_phase=three_phase)
        got, momentum = schedule.evaluate(np.arange(2 * total), Run())
        assert np.isfinite(got).all()
        assert (got > 0).all()
        assert (got <= 1).all()
        assert ((momentum >= 0.85) & (momentum <= 0.95)).all()
        assert (got[total:] == got[total - 1]).all()
        if pct_start * total <= 1:  # no rise: it starts at the peak, or after the fall from it
            assert got[0] == (1 / 25 if three_phase else 1)
            assert momentum[0] == (0.95 if three_phase else 0.85)


def test_onecycle_of_fastai_has_its_peak_and_its_end_on_whole_parts_of_the_run():
    got, momentum = OneCycle(40, preset="fastai").evaluate(np.arange(60), Run())
    assert got[10] == 1
    assert momentum[10] == pytest.approx(0.85)
    assert got[39] > 1.1e-5
    np.testing.assert_allclose(got[40:], 1e-5, rtol=1e-9)
    assert OneCycle(40, preset="fastai").length(Run()) == 40
    # What is given counts more than the preset.
    mine = OneCycle(40, 0.5, div_factor=10.0, final_div_factor=3.0, preset="fastai")
    got = mine.evaluate(np.arange(60), Run())[0]
    np.testing.assert_allclose(got[[0, 20]], [0.1, 1.0], rtol=1e-15)
    np.testing.assert_allclose(got[40:], 0.1 / 3, rtol=1e-9)


def test_onecycle_without_total_steps_takes_the_run():
    np.testing.assert_array_equal(
        factor(OneCycle(), 40, total_steps=40), factor(OneCycle(40), 40, total_steps=7)
    )
    np.testing.assert_array_equal(
        factor(OneCycle(epochs(4)), 40, steps_per_epoch=10), factor(OneCycle(40), 40)
    )


def test_onecycle_momentum_runs_opposite_to_the_rate():
    for schedule in (OneCycle(100), Cyclical(10)):
        got, momentum = schedule.evaluate(np.arange(100), Run())
        rising, falling = np.diff(got) > 1e-12, np.diff(got) < -1e-12
        assert (np.diff(momentum)[rising] <= 0).all()
        assert (np.diff(momentum)[falling] >= 0).all()
