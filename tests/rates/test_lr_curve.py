"""What is read from the curve of a range test, and when a run stops."""

import numpy as np
import pytest

from fastlr import SGD
from fastlr.rates.range_curve import noise, smooth, suggest
from fastlr.tuning.range_sweep import range_sweep

# The curve


def test_smoothing_keeps_a_line_in_place_where_a_one_sided_mean_would_lag():
    line = np.linspace(5, 1, 201)
    inner = slice(60, 141)
    assert np.abs(smooth(line, 0.8) - line)[inner].max() < 1e-4
    past = 0.8 ** np.arange(40)
    one_sided = past @ line[100:60:-1] / past.sum()
    assert one_sided - line[100] > 0.07


def test_smoothing_with_beta_0_changes_nothing():
    losses = np.array([1.0, 5.0, 2.0])
    np.testing.assert_array_equal(smooth(losses, 0.0), losses)


def test_steepest_is_where_the_slope_against_the_logarithm_is_least():
    """A logistic curve in log(lr) falls fastest at its middle, 0.01; against lr itself it would
    be at the lowest rate."""
    lr = np.geomspace(1e-6, 1e0, 121)
    loss = 1 / (1 + np.exp(3 * (np.log10(lr) + 2)))
    assert suggest(lr, loss)["steepest"] == pytest.approx(1e-2, rel=0.13)


def test_minimum_and_edge_of_a_known_curve():
    lr = np.geomspace(1e-4, 1e2, 61)
    loss = (np.log10(lr) - np.log10(0.1)) ** 2  # a parabola: 0 at 0.1, 9 at the lower end
    found = suggest(lr, loss)
    assert found["minimum / 10"] == pytest.approx(0.01)
    # A fiftieth of 9 is reached sqrt(0.18) decades above the minimum, between two rates.
    assert 0.1 * 10 ** (np.sqrt(0.18) - 0.1) <= found["edge"] <= 0.1 * 10 ** np.sqrt(0.18)


def test_valley_lies_inside_of_the_fall_and_does_not_see_where_the_sweep_began():
    def curve(lr):
        return 1 / (1 + lr / 0.01) + 0.1 * lr

    found = []
    for low in (1e-5, 1e-9):
        lr = np.geomspace(low, 1e2, int(np.log10(1e2 / low) * 30) + 1)
        found.append(suggest(lr, curve(lr))["valley"])
    assert 0.003 < found[0] < 0.1
    assert found[1] == pytest.approx(found[0], rel=0.1)


@pytest.mark.parametrize("loss", [np.ones(50), np.linspace(1, 2, 50)])
def test_a_loss_that_never_falls_gives_no_rate(loss):
    assert np.isnan(list(suggest(np.geomspace(1e-3, 1, 50), loss).values())).all()


# Stopping


def test_a_run_stops_by_the_exponential_mean_corrected_for_its_start():
    """Ones, then a jump: with a mean of 0.9 the jump counts a tenth, more while steps are few."""

    class Jump:
        label, optimizer = "jump", SGD()

        def __init__(self, at, height):
            self.losses = iter([1.0 + 0.1 * (-1) ** k for k in range(at)] + [height] * 100)

        def start(self, optimizer, n_steps, seed):
            return lambda: next(self.losses)

    lr = np.geomspace(1e-3, 1, 100)
    # Noise of 0.1 allows 3 * 4 * noise above the minimum; see how soon a jump of 10 crosses that.
    late = range_sweep(Jump(60, 10.0), lr, 0, 0.9, 3.0)
    assert late.ended == "diverged"
    mean, steps = 1.0, 0
    allowed = 1 + 3 * 4 * noise(np.array([1.0 + 0.1 * (-1) ** k for k in range(60)]))
    while mean < allowed:
        mean, steps = 0.9 * mean + 0.1 * 10, steps + 1
    assert abs(len(late.loss) - 60 - steps) <= 1
    assert range_sweep(Jump(60, 10.0), lr, 0, 0.9, 1e6).ended == "all steps"
