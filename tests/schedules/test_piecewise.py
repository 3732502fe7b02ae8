"""Schedules with any number of boundaries: multi-step and piecewise."""

import numpy as np
import pytest

from fastlr.schedules import MultiStep, Piecewise, Run, StepDecay, epochs

RUN = Run(total_steps=40, steps_per_epoch=4)


def factor(schedule, n, run=RUN):
    return schedule.evaluate(np.arange(n), run)[0]


def test_multi_step_closed_form_with_milestones_in_all_units():
    expected = [1.0] * 8 + [0.3] * 12 + [0.3**2] * 12 + [0.3**3] * 20
    for milestones in (
        [8, 20, 32],
        (0.2, 0.5, 0.8),
        (epochs(2), epochs(5), epochs(8)),
        (8, 0.5, epochs(8)),
        np.array([8, 20, 32]),
    ):
        np.testing.assert_allclose(
            factor(MultiStep(milestones, gamma=0.3), 52), expected, rtol=1e-15
        )


def test_multi_step_at_equal_distances_is_step_decay():
    multi, single = MultiStep(range_of(7, 70), gamma=0.8), StepDecay(7, gamma=0.8)
    np.testing.assert_allclose(factor(multi, 76), factor(single, 76), rtol=1e-15)


def range_of(step, stop):
    return list(range(step, stop + 1, step))


def test_piecewise_constant_changes_at_its_boundaries():
    got = factor(Piecewise([3, 0.2, epochs(3)], [0.5, 0.0, 2.0, 0.1]), 20)
    assert got.tolist() == [0.5] * 3 + [0.0] * 5 + [2.0] * 4 + [0.1] * 8
    assert Piecewise([3], [1, 0.5]).length(RUN) is None


def test_piecewise_linear_goes_through_its_points():
    schedule = Piecewise([4, 0.25, epochs(5)], [0.0, 1.0, 0.4, 0.7], "linear")
    got = factor(schedule, 60)
    np.testing.assert_allclose(
        got, np.interp(range(60), [0, 4, 10, 20], [0, 1, 0.4, 0.7]), rtol=1e-14
    )
    assert set(got[20:]) == {0.7}
    assert schedule.length(RUN) == 20


def test_one_boundary_is_enough_and_two_may_fall_together_in_a_short_run():
    assert factor(MultiStep([2], gamma=0.5), 4).tolist() == [1, 1, 0.5, 0.5]
    assert factor(MultiStep(), 3, Run(1)).tolist() == [1.0, 0.1**2, 0.1**2]
    short = Run(2)
    assert factor(Piecewise((0.5, 0.6), (1, 0.5, 0.2)), 3, short).tolist() == [1, 0.2, 0.2]
    linear = Piecewise((0.5, 0.6), (1, 0.5, 0.2), "linear")
    assert factor(linear, 3, short).tolist() == [1, 0.2, 0.2]


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: MultiStep(5), TypeError, "milestones must be a list or tuple of lengths, got 5"),
        (lambda: MultiStep("12"), TypeError, "milestones must be a list or tuple"),
        (lambda: MultiStep([]), ValueError, "milestones must have at least one length"),
        (lambda: MultiStep([3, "4"]), TypeError, r"milestones\[1\] must be a length"),
        (lambda: MultiStep([0]), ValueError, r"milestones\[0\] must be a length.*>= 1"),
        (lambda: MultiStep([4, 4]), ValueError, "milestones must increase, got 4 after 4"),
        (lambda: MultiStep([0.5, 0.2]), ValueError, "milestones must increase, got 0.2 after 0.5"),
        (
            lambda: MultiStep([epochs(2), epochs(1)]),
            ValueError,
            r"got epochs\(1\) after epochs\(2\)",
        ),
        (lambda: MultiStep([3], gamma=0), ValueError, "MultiStep: gamma"),
        (lambda: Piecewise([3], [1]), ValueError, "one number more than boundaries, 2, got 1"),
        (lambda: Piecewise([3], 1.0), TypeError, "values must be a list or tuple of numbers"),
        (
            lambda: Piecewise([3], [1, -1]),
            ValueError,
            r"values\[1\] must be a number in \[0, inf\)",
        ),
        (lambda: Piecewise([3], [1, "a"]), TypeError, r"values\[1\] must be a number"),
        (lambda: Piecewise([5, 3], [1, 1, 1]), ValueError, "boundaries must increase"),
        (lambda: Piecewise([3], [1, 1], "cubic"), ValueError, "interpolation must be one of"),
        (lambda: Piecewise([3]), TypeError, "needs 'values'"),
    ],
)
def test_bad_boundaries_are_refused_by_name(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_boundaries_of_two_kinds_are_compared_when_the_run_is_known():
    schedule = MultiStep([30, 0.5])
    assert set(factor(schedule, 31, Run(100))) == {1.0, 0.1}
    with pytest.raises(ValueError, match=r"in this run 30 is step 30 and 0.5 is step 20"):
        factor(schedule, 3)
    with pytest.raises(ValueError, match=r"milestones\[1\]=0.5 means a fraction of the run"):
        factor(schedule, 3, Run())
