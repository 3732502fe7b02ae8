"""Reduce on plateau: torch's counts, right for metrics of any sign, pure, and nestable."""

import math

import numpy as np
import pytest

from fastlr.schedules import Constant, ExponentialDecay, ReduceOnPlateau, Run, Warmup
from tests.schedules.test_values import RECORDED, build


@pytest.mark.parametrize("call", list(RECORDED["plateau"]))
def test_equals_torch_epoch_by_epoch(call):
    recorded = RECORDED["plateau"][call]
    schedule = build(call)
    state, got = schedule.initial_metric_state(), []
    for metric in recorded["metrics"]:
        state = schedule.observe(state, metric)
        got.append(float(schedule.evaluate(np.zeros(1), Run(), state)[0][0]))
    assert len(set(got)) > 2
    np.testing.assert_allclose(got, recorded["factor"], rtol=1e-13)


def reductions(schedule, metrics):
    state, factors = schedule.initial_metric_state(), []
    for metric in metrics:
        state = schedule.observe(state, metric)
        factors.append(state["factor"])
    return factors


def test_negative_metrics_improve_when_they_get_better():
    # A gain of 1 in 100 beats a relative threshold of 0.1 %. torch's test, best * (1 - 0.001),
    # lets a worse value pass for a better one: -99.95 < -100 * 0.999 = -99.9.
    schedule = ReduceOnPlateau(0.5, patience=0, threshold=0.001)
    assert reductions(schedule, [-100.0, -101.0, -102.0]) == [1, 1, 1]
    assert reductions(schedule, [-100.0, -99.95]) == [1, 0.5]
    upward = ReduceOnPlateau(0.5, patience=0, threshold=0.001, mode="max")
    assert reductions(upward, [-100.0, -99.0, -98.0]) == [1, 1, 1]
    assert reductions(upward, [-100.0, -100.05]) == [1, 0.5]


def test_reduces_when_bad_epochs_exceed_patience_then_cools_down():
    schedule = ReduceOnPlateau(0.5, patience=2, cooldown=3)
    assert reductions(schedule, [1.0] * 10) == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25]


def test_factor_stops_at_min_factor():
    got = reductions(ReduceOnPlateau(0.5, patience=0, min_factor=0.3), [1.0] * 5)
    assert got == [1, 0.5, 0.3, 0.3, 0.3]


def test_metric_that_is_not_a_number_is_a_bad_epoch():
    assert reductions(ReduceOnPlateau(0.5, patience=0), [1.0, math.nan, 0.5]) == [1, 0.5, 0.5]
    assert reductions(ReduceOnPlateau(0.5, patience=0), [math.nan, math.inf]) == [0.5, 0.25]


def test_observe_changes_nothing_it_was_given():
    schedule = ReduceOnPlateau(patience=0)
    state = schedule.initial_metric_state()
    before = dict(state)
    schedule.observe(state, 1.0)
    assert state == before
    assert schedule == ReduceOnPlateau(patience=0)
    with pytest.raises(TypeError, match="metric must be a number"):
        schedule.observe(state, "1.0")


def test_metric_reaches_plateau_schedules_nested_anywhere():
    bad = [1.0] * 4
    plateau = ReduceOnPlateau(0.5, patience=1)
    expected = [1, 1, 1, 0.5]
    flat = plateau.simulate(4, steps_per_epoch=1, metrics=bad).lr
    assert flat.tolist() == expected
    for nested in (
        Warmup(0, plateau),
        plateau * 1.0,
        1.0 * plateau,
        Warmup(0, plateau) * Warmup(0),
        Warmup(0, Warmup(0, plateau * 1.0).then(plateau, after=100)),
    ):
        assert nested.needs_metric
        assert nested.simulate(4, steps_per_epoch=1, metrics=bad).lr.tolist() == expected
    # Two of them, side by side, keep their own counts.
    both = ReduceOnPlateau(0.5, patience=1) * ReduceOnPlateau(0.1, patience=2)
    got = both.simulate(5, steps_per_epoch=1, metrics=[1.0] * 5).lr
    np.testing.assert_allclose(got, [1, 1, 1, 0.5, 0.05])


def test_a_metric_is_heard_by_the_part_that_made_the_steps():
    # The loss rises through the warm-up of three epochs, and then stays where it is.
    plateau = ReduceOnPlateau(0.5, patience=1)
    loss = [0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4]
    run = {"steps_per_epoch": 2, "metrics": loss}
    alone = plateau.simulate(14, **run).lr[::2]
    assert alone.tolist() == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    expected = [1, 1, 1, 1, 1, 1, 0.5]  # the first of the four is the best, two more are bad
    for follows in (Constant().then(plateau, after=6), Constant().then(plateau, after=3 / 7)):
        assert follows.simulate(14, **run).lr[::2].tolist() == expected
    warm = Warmup(6, plateau).simulate(14, **run).lr
    np.testing.assert_allclose(warm, Warmup(6).simulate(14).lr * np.repeat(expected, 2))
    # An epoch belongs to the part that ends it.
    early, late = (Constant().then(plateau, after=n).simulate(14, **run).lr for n in (5, 7))
    assert early[::2].tolist() == [1, 1, 1, 1, 1, 0.5, 0.5]
    assert late[::2].tolist() == expected
    # What comes first listens until it is over, and a state without a time is told to all.
    first = plateau.then(Constant(0.7), after=8).simulate(14, **run).lr
    assert first[::2].tolist() == [1, 1, 1, 0.5, 0.7, 0.7, 0.7]
    nested = Warmup(2, Constant().then(plateau, after=4))
    assert nested.simulate(14, **run).lr[2::2].tolist() == expected[1:]
    state = nested.initial_metric_state()
    assert nested.observe(state, 0.3) == {
        k: 0.3 if k.endswith("best") else v for k, v in state.items()
    }


def test_simulate_takes_a_metric_per_epoch():
    got = (ReduceOnPlateau(0.5, patience=0) * ExponentialDecay(0.9, every=1)).simulate(
        7, lr=2.0, steps_per_epoch=3, metrics=[1.0, 1.0]
    )
    expected = 2 * np.array([1, 1, 1, 1, 1, 1, 0.5]) * 0.9 ** np.arange(7)
    np.testing.assert_allclose(got.lr, expected, rtol=1e-14)
    with pytest.raises(ValueError, match="metrics needs steps_per_epoch"):
        ReduceOnPlateau().simulate(7, metrics=[1.0])
    assert set(ReduceOnPlateau().simulate(7).lr) == {1.0}
