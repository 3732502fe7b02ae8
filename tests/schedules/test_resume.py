"""Schedules are functions of time: where a block begins, and in what order, changes nothing."""

import numpy as np
import pytest

from fastlr.schedules import (
    REX,
    Constant,
    CosineAnnealing,
    CosineRestarts,
    Cyclical,
    ExponentialDecay,
    Function,
    InverseSqrt,
    InverseTime,
    InvScaling,
    Linear,
    MultiStep,
    OneCycle,
    Optimal,
    Piecewise,
    Polynomial,
    Run,
    StepDecay,
    Warmup,
    WarmupStableDecay,
    epochs,
)
from tests.support.naming import shown


def halves(t):
    """Halve the rate now and then; not written for arrays."""
    return 0.5 if int(t) % 7 < 3 else 1.0


EVERY = [
    Constant(0.5),
    StepDecay(5),
    ExponentialDecay(0.9, every=3),
    CosineAnnealing(60),
    CosineRestarts(7, T_mult=2, decay=0.8),
    Warmup(9, CosineAnnealing()),
    Cyclical(4, 5, mode="triangular2"),
    OneCycle(),
    OneCycle(preset="fastai"),
    MultiStep([3, 0.5, epochs(9)], gamma=0.3),
    Piecewise((4, 0.3), (1, 0.2, 0.7)),
    Piecewise((4, 0.3), (1, 0.2, 0.7), "linear"),
    InverseTime(0.4, every=7),
    InverseSqrt(11),
    Polynomial(power=1.3, min_factor=0.1),
    Linear(start=0.3, end=1.4),
    REX(min_factor=0.02),
    WarmupStableDecay(0.2, 0.4, shape="cosine"),
    Warmup(9, InverseSqrt(), shape="exponential"),
    Warmup(9, "rex", shape="constant"),
    Optimal(0.01),
    InvScaling(0.3),
    Cyclical(4, 5, scale=halves),
    Function(halves),
    Function(np.cosh, unit="run"),
    Warmup(5) * StepDecay(10),
    OneCycle().then(ExponentialDecay(every=2), after=0.5),
]


@pytest.mark.parametrize("schedule", EVERY, ids=shown)
def test_any_block_equals_the_whole_at_every_resume(schedule):
    run = Run(total_steps=80, steps_per_epoch=8)
    whole, whole_momentum = schedule.evaluate(np.arange(120), run)
    for start in range(120):
        t = np.arange(start, min(start + 17, 120))
        part, momentum = schedule.evaluate(t, run)
        np.testing.assert_array_equal(part, whole[t])
        if whole_momentum is not None:
            np.testing.assert_array_equal(momentum, whole_momentum[t])
    backwards = schedule.evaluate(np.arange(120)[::-1], run)[0]
    np.testing.assert_array_equal(backwards, whole[::-1])
    assert schedule.evaluate(7, run)[0].shape == ()
    assert schedule.evaluate(7, run)[0] == whole[7]
