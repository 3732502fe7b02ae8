"""Composition: what `then`, `*` and `Warmup` build is what it says, to the bit."""

import numpy as np
import pytest

from fastlr.schedules import (
    Constant,
    CosineAnnealing,
    CosineRestarts,
    Cyclical,
    ExponentialDecay,
    MultiStep,
    OneCycle,
    Piecewise,
    Product,
    Run,
    StepDecay,
    Then,
    Warmup,
    WarmupStableDecay,
    epochs,
)

RUN = Run(total_steps=100, steps_per_epoch=10)
T = np.arange(150)
PARTS = [
    Constant(0.4),
    StepDecay(7, gamma=0.5),
    ExponentialDecay(0.9, every=epochs(1)),
    CosineAnnealing(),
    CosineRestarts(0.1, T_mult=2),
    Cyclical(epochs(1)),
    OneCycle(),
    Warmup(0.2),
    MultiStep(gamma=0.3),
    Piecewise([0.1, epochs(1)], [1.0, 0.3, 0.8], "linear"),
    WarmupStableDecay(),
]


def values(schedule, t=T, run=RUN):
    return schedule.evaluate(t, run)


@pytest.mark.parametrize("second", PARTS, ids=repr)
@pytest.mark.parametrize("first", PARTS, ids=repr)
def test_then_starts_the_second_at_its_own_beginning_with_the_rest_of_the_run(first, second):
    factor, _ = values(first.then(second, after=30))
    np.testing.assert_array_equal(factor[:30], values(first, T[:30], Run(30, 10))[0])
    np.testing.assert_array_equal(factor[30:], values(second, T[:120], Run(70, 10))[0])


@pytest.mark.parametrize("second", PARTS, ids=repr)
@pytest.mark.parametrize("first", PARTS, ids=repr)
def test_product_multiplies(first, second):
    if values(first)[1] is not None and values(second)[1] is not None:
        with pytest.raises(ValueError, match="both drive the momentum"):
            values(first * second)
        return
    factor, momentum = values(first * second)
    np.testing.assert_array_equal(factor, values(first)[0] * values(second)[0])
    np.testing.assert_array_equal(factor, values(second * first)[0])
    wanted = values(first)[1] if values(second)[1] is None else values(second)[1]
    np.testing.assert_equal(momentum, wanted)


@pytest.mark.parametrize("inner", PARTS, ids=repr)
def test_warmup_leads_up_to_what_follows(inner):
    factor, momentum = values(Warmup(25, inner, start=0.2))
    after, after_momentum = values(inner, T[:125], Run(75, 10))
    line = values(Warmup(25, start=0.2), T[:25])[0]
    np.testing.assert_array_equal(factor[:25], line * after[0])
    np.testing.assert_array_equal(factor[25:], after)
    if after_momentum is None:
        assert momentum is None
    else:
        assert set(momentum[:25]) == {after_momentum[0]}
        np.testing.assert_array_equal(momentum[25:], after_momentum)


def test_warmup_then_equals_warmup_with_a_schedule_that_starts_at_one():
    for inner in (CosineAnnealing(), StepDecay(9), ExponentialDecay(0.9, every=4)):
        one, two = Warmup(12).then(inner), Warmup(12, inner)
        np.testing.assert_array_equal(values(one)[0], values(two)[0])
        assert one.length(RUN) == two.length(RUN)


def test_whole_run_schedules_end_with_the_run():
    schedule = Warmup(20, CosineAnnealing(min_factor=0.1))
    assert schedule.length(RUN) == 100
    factor, _ = values(schedule)
    assert factor[99] > 0.1
    assert set(factor[100:]) == {0.1}
    # Fractions inside count what remains: half of the 80 steps after the warm-up.
    assert Warmup(20, CosineAnnealing(0.5)).length(RUN) == 60
    assert Constant().then(OneCycle(), after=0.3).length(RUN) == 100


def test_constants_are_neutral():
    for part in PARTS:
        np.testing.assert_array_equal(values(part * 1.0)[0], values(part)[0])
        np.testing.assert_array_equal(values(part * 0.5)[0], 0.5 * values(part)[0])
        np.testing.assert_array_equal(values(2 * part)[0], 2 * values(part)[0])


def test_then_associates():
    a, b, c = StepDecay(3, gamma=0.9), ExponentialDecay(0.97, every=1), CosineAnnealing(30)
    left = a.then(b, after=10).then(c, after=25)
    right = a.then(b.then(c, after=15), after=10)
    np.testing.assert_array_equal(values(left)[0], values(right)[0])


def test_product_distributes_over_then_for_constants():
    a, b = CosineAnnealing(30), StepDecay(5)
    one = a.then(b, after=30) * 0.5
    two = (a * 0.5).then(b * 0.5, after=30)
    np.testing.assert_array_equal(values(one)[0], values(two)[0])


def test_a_schedule_cut_in_two_parts_is_itself():
    # ExponentialDecay forgets its past, so restarting it and scaling by where it was changes
    # nothing but rounding.
    a = ExponentialDecay(0.95, every=1)
    two = a.then(a * 0.95**40, after=40)
    np.testing.assert_allclose(values(two)[0], values(a)[0], rtol=1e-13)


def test_momentum_is_held_on_the_side_that_leaves_it_alone():
    momentum = values(Constant().then(Cyclical(5), after=20))[1]
    inner = values(Cyclical(5), T[:130])[1]
    assert set(momentum[:20]) == {inner[0]}
    np.testing.assert_array_equal(momentum[20:], inner)
    momentum = values(Cyclical(5).then(Constant(), after=23))[1]
    np.testing.assert_array_equal(momentum[:23], values(Cyclical(5), T[:23])[1])
    assert set(momentum[23:]) == {momentum[22]}
    assert values(Constant().then(Warmup(3), after=20))[1] is None
    both = values(OneCycle(20).then(Cyclical(5), after=20))[1]
    np.testing.assert_array_equal(both[20:], inner)


def test_then_without_after_waits_for_the_end():
    got = values(CosineAnnealing(40).then(Constant(0.25)))[0]
    np.testing.assert_array_equal(got[:40], values(CosineAnnealing(40), T[:40])[0])
    assert set(got[40:]) == {0.25}
    with pytest.raises(ValueError, match=r"after is needed, since StepDecay\(.*\) has no end"):
        values(StepDecay(3).then(Constant()))


def test_what_a_later_part_lacks_is_said_at_the_first_block():
    with pytest.raises(ValueError, match=r"CosineAnnealing: steps=None .* total_steps"):
        Constant().then(CosineAnnealing(), after=10**6).evaluate(np.arange(2), Run())


def test_a_part_after_the_end_of_the_run_changes_nothing_before_it_and_stays_in_bounds():
    for part in PARTS:
        factor = values(Constant().then(part, after=100))[0]
        np.testing.assert_array_equal(factor[:100], 1.0)
        rising = values(Warmup(150, part))[0]
        np.testing.assert_allclose(rising[:150], rising[0] * np.arange(1, 151))
        for each in (factor, rising):
            assert ((each >= 0) & (each <= 1)).all()


def test_names_serve_as_parts():
    named, built = Warmup(5, "cosine"), Warmup(5, CosineAnnealing())
    np.testing.assert_array_equal(values(named)[0], values(built)[0])
    assert repr(Then("constant", "one-cycle", 5)) == (
        "Then(first='constant', second='one-cycle', after=5)"
    )
    for build, name in (
        (lambda: Warmup(5, "no such"), "Warmup: schedule"),
        (lambda: Product(Constant(), "no such"), "Product: second"),
        (lambda: Then("no such", Constant()), "Then: first"),
    ):
        with pytest.raises(ValueError, match=f"{name} must be one of .*onecycle"):
            build()
    with pytest.raises(TypeError, match="Then: second must be a name, a Schedule"):
        Constant().then(0.1)
    with pytest.raises(TypeError, match="unsupported operand"):
        Constant() * None
