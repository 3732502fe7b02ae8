"""``lr="auto"``: what the race finds on losses that are made up, what it may cost, its folds."""

from dataclasses import replace

import numpy as np
import pytest

from fastlr.estimators.data.rows import Rows
from fastlr.estimators.search.folds import Folds
from fastlr.rates import race as auto_lr
from fastlr.rates import race_plan
from fastlr.rates.evidence import behind
from fastlr.rates.race import race
from fastlr.rates.race_plan import HELD_OUT, RacePlan, plan_race


def parabola(best, width=1.0, highest=np.inf):
    """A loss over rates, infinite above `highest`."""

    def score(lr, n_steps, fold):
        loss = np.inf if lr > highest else 1 + (np.log10(lr / best) / width) ** 2
        return np.array([loss])

    return score


PLAN = RacePlan(8, 0, 24, 1)
# By how much a typical rate that is wrong by decades pulls, where the race is short.
PULL = 0.45


@pytest.mark.parametrize("best", [1e-7, 3e-4, 0.02, 5.0, 4e3])
def test_the_race_finds_the_best_rate_wherever_it_is(best):
    found = race(parabola(best), 0.01, PLAN, 1000, power=0.0)
    assert abs(np.log10(found / best)) <= PULL
    found = race(parabola(best), 0.01, PLAN, PLAN.last, power=0.0)
    assert abs(np.log10(found / best)) <= auto_lr._GRAIN


def test_a_rate_that_diverges_is_never_taken():
    for highest in (1e-1, 1e-5, 1e-9):
        for power in (0.0, -0.5):
            assert race(parabola(1.0, highest=highest), 0.01, PLAN, 1000, power) <= highest


def test_a_rate_that_diverges_in_a_longer_run_is_left():
    """Short runs bear 0.1, longer ones 0.001 only."""

    def score(lr, n_steps, fold):
        highest = 0.1 if n_steps == PLAN.coarse else 1e-3
        return np.array([np.inf if lr > highest else 1 - np.log10(lr)])

    assert race(score, 0.01, PLAN, 1000, power=0.0) <= 1.1e-3


def test_where_every_run_diverges_the_typical_rate_stays():
    assert race(lambda *_: np.array([np.inf]), 0.01, PLAN, 1000, power=0.0) == 0.01


def test_longer_training_takes_a_rate_smaller_by_the_power():
    plain = race(parabola(1e-5), 0.01, PLAN, 2400, power=0.0)
    lower = race(parabola(1e-5), 0.01, PLAN, 2400, power=0.5)
    assert np.log10(plain / lower) == pytest.approx(1.0, abs=0.1)


def test_where_longer_runs_want_smaller_rates_the_race_sees_it():
    """The best rate falls as one over the number of steps, which nobody has said."""

    def score(lr, n_steps, fold):
        return np.array([1 + np.log10(lr / (1e-4 / n_steps)) ** 2])

    plan = RacePlan(16, 32, 128, 1)
    found = race(score, 1e-4 / 128, plan, 1280, power=0.0)
    seen = -np.log10(found / (1e-4 / 128))
    unseen = -np.log10(race(parabola(1e-4 / 128), 1e-4 / 128, plan, 1280, power=0.0) / 1e-4 * 128)
    assert seen >= unseen + 0.1


def noisy(slope):
    """A loss that falls with the rate, on some groups of rows more than on others."""

    def score(lr, n_steps, fold):
        return 2 - (slope + 0.1 * np.array([-2, -1, 0, 1, 2])) * np.log10(lr)

    return score


def test_rates_far_out_need_more_than_chance():
    """Slopes of three hundredths are within a standard error, those of three tenths are not."""
    plan = RacePlan(32, 0, 256, 1)
    assert race(noisy(0.03), 0.01, plan, 256, power=0.0) == pytest.approx(0.01, rel=1)
    assert race(noisy(0.3), 0.01, plan, 256, power=0.0) > 10


def test_on_few_rows_the_smallest_of_those_not_told_apart_is_taken():
    """Which one is better differs from group to group."""

    def score(lr, n_steps, fold):
        distance = np.log10(lr / 10**-2.5)
        slopes = 0.05 * np.array([0, -2, 2, -1, 1])
        return 1 + 0.01 * distance**2 + slopes * np.log10(lr)

    plan = RacePlan(32, 64, 256, 1, few_rows=True)
    assert race(score, 10**-2.5, plan, 256, power=0.0) < 10**-2.9
    many = plan._replace(few_rows=False)
    assert race(score, 10**-2.5, many, 256, power=0.0) == pytest.approx(10**-2.5, rel=0.2)


@pytest.mark.parametrize(("noise", "expected"), [(0.01, 1.0), (0.002, 2.25)])
def test_on_few_rows_wild_rates_need_decisive_evidence(noise, expected):
    """A loss that falls by 0.01 a decade, up to a wall, and more on some groups than on others."""

    def score(lr, n_steps, fold):
        e = np.log10(lr / 0.01)
        return 1 - (0.01 + noise * np.array([-2, -1, 0, 1, 2])) * e + (e > 2.6)

    plan = RacePlan(32, 64, 256, 1, few_rows=True)
    assert np.log10(race(score, 0.01, plan, 256, power=0.0) / 0.01) == pytest.approx(expected)


def over_fitting(lr, n_steps, fold):
    """A loss that is least where nothing is learned."""
    return 1 + np.array([0.9, 1.0, 1.1]) * lr / 0.01


@pytest.mark.parametrize("few_rows", [False, True])
def test_where_no_rate_beats_no_training_the_rate_trains_all_the_same(few_rows):
    plan = RacePlan(32, 64, 256, 1, few_rows)
    assert race(over_fitting, 0.01, plan, 256, power=0.0) == pytest.approx(1e-4)


@pytest.mark.parametrize("harm", [np.inf, 2.0])
def test_where_no_rate_beats_no_training_the_rate_does_no_harm(harm):
    """Above 2e-7 runs diverge, or end the farther above where they began."""

    def score(lr, n_steps, fold):
        return over_fitting(lr, n_steps, fold) + (harm * np.log10(lr / 2e-7) if lr > 2e-7 else 0)

    plan = RacePlan(32, 64, 256, 1, few_rows=True)
    assert 0.9e-7 < race(score, 0.01, plan, 256, power=0.0) < 2e-7


def test_folds_are_averaged_in_the_last_round():
    """Two folds that pull in opposite directions, and one that is run alone before."""

    def score(lr, n_steps, fold):
        return np.array([(np.log10(lr) - (-1, -2)[fold]) ** 2])

    plan = RacePlan(8, 16, 32, 2)
    assert race(score, 10**-1.5, plan, 32, power=0.0) == pytest.approx(10**-1.5)


@pytest.mark.parametrize("total", [50, 1280, 4690, 100_000])
@pytest.mark.parametrize("seconds", [6e-6, 1e-4, 1e-2])
def test_the_race_stays_within_its_share(total, seconds):
    plan = plan_race(total, seconds, 10_000)
    steps = 4 * plan.coarse + 3 * (plan.middle + plan.last) * plan.folds
    allowed = max(race_plan.SHARE * total, race_plan.SECONDS / seconds, race_plan.LEAST)
    assert steps <= allowed + 8
    assert max(plan.coarse, plan.middle, plan.last) <= total


def runs_of_a_race(plan):
    """The (rate, steps, fold) of each run, where the best rate is at 0.03."""
    seen = []

    def note(lr, n_steps, fold):
        seen.append((lr, n_steps, fold))
        return parabola(0.03)(lr, n_steps, fold)

    race(note, 0.01, plan, 1280, power=0.0)
    return seen


def test_a_race_beside_ten_epochs_stays_below_10_percent_in_steps():
    seen = runs_of_a_race(plan_race(1280, 1e-3, 10_000))
    assert sum(n_steps for _, n_steps, _ in seen) <= 0.1 * 1280


@pytest.mark.parametrize("plan", [PLAN, RacePlan(12, 0, 12, 1), RacePlan(32, 64, 256, 3)])
def test_no_run_is_made_twice(plan):
    seen = runs_of_a_race(plan)
    assert len(seen) == len(set(seen)) >= 5


# Folds


def make_rows(n=40, weights=None):
    rng = np.random.default_rng(0)
    return Rows(rng.normal(size=(n, 3)), rng.integers(0, 2, n), weights)


@pytest.mark.parametrize("by_content", [False, True])
def test_folds_part_the_rows(by_content):
    folds = Folds(make_rows(), by_content, seed=3)
    held_out = 0
    for fold in range(5):
        _, train, test, _ = folds.split(fold)
        assert len(train) + test.used == 40
        assert len(np.unique(train)) == len(train)
        held_out += test.used
    assert held_out == 40
    assert folds.n_units == 40


def test_no_more_rows_are_held_out_than_it_takes():
    rows = Rows(np.zeros((10_000, 1)), np.zeros(10_000, np.int64))
    assert Folds(rows, False, 0).split(0)[2].used == HELD_OUT


def test_chosen_rows_alone_are_used():
    rows = replace(make_rows(), chosen=np.arange(5, 35, dtype=np.int64))
    for by_content in (False, True):
        _, train, test, _ = Folds(rows, by_content, 0).split(1)
        assert set(train) <= set(range(5, 35))
        assert len(train) + test.used == 30


def test_copies_of_a_row_go_into_one_fold_and_rows_of_no_weight_nowhere():
    rows = make_rows(30)
    twice = np.repeat(np.arange(30), 1 + np.arange(30) % 3)
    repeated = Rows(rows.X[twice], rows.y[twice])
    weighted = Rows(
        np.vstack([rows.X, rows.X[:7] + 1]),
        np.concatenate([rows.y, rows.y[:7]]),
        np.concatenate([1.0 + np.arange(30) % 3, np.zeros(7)]),
    )
    a, b = Folds(repeated, True, 5), Folds(weighted, True, 5)
    assert a.n_units == b.n_units == 30
    for fold in range(5):
        train = [x.split(fold)[1] for x in (a, b)]
        sets = [
            {tuple(r.X[i]) for i in t} for r, t in zip((repeated, weighted), train, strict=True)
        ]
        assert sets[0] == sets[1]
        scaled, rows_b, _, _ = b.split(fold)
        assert scaled.weights[rows_b].mean() == pytest.approx(1.0)


@pytest.mark.parametrize("by_content", [False, True])
def test_groups_of_a_fold_part_it_and_keep_copies_together(by_content):
    rows = make_rows(30)
    twice = np.repeat(np.arange(30), 2)
    rows = Rows(rows.X[twice], rows.y[twice])
    _, _, test, starts = Folds(rows, by_content, 0).split(2)
    sizes = np.diff([*starts, test.used])
    assert starts[0] == 0
    assert sizes.min() > 0
    if by_content:
        groups = np.repeat(np.arange(len(starts)), sizes)
        own = {}
        for row, group in zip(test.X, groups, strict=True):
            assert own.setdefault(tuple(row), group) == group


def test_losses_of_a_run_that_is_about_to_diverge_are_told_from_the_best():
    """Their squares overflow; without a finite error such a rate would pass for as good."""
    best = np.array([1.0, 1.1, 0.9, 1.0])
    for large in (1e150, 1e300):
        more, error = behind(np.array([large, 2.0, 1.0, 3.0]), best, 0.5)
        assert more == pytest.approx(large / 4)
        assert error == 0.5
