"""``lr="auto"``: what the race finds, that it costs what it may, and that it repeats itself."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastlr import (
    SGD,
    Adagrad,
    AdamW,
    DivergenceWarning,
    LinearClassifier,
    LinearRegressor,
    Lion,
    MLPClassifier,
    MLPRegressor,
    Muon,
    Prodigy,
    RMSprop,
)
from fastlr.estimators._folds import Folds
from fastlr.estimators._held_out import HeldOutRuns
from fastlr.estimators._settings import plan_epoch
from fastlr.estimators._trial import EstimatorTrial
from fastlr.estimators._validation import Rows
from fastlr.tuning import auto_lr
from fastlr.tuning.auto_lr import FEWEST, HELD_OUT, RacePlan, plan_race, race

OPTIMIZERS = [SGD(momentum=0.9), AdamW(), RMSprop(), Adagrad(), Lion()]


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


def test_on_labels_of_noise_the_rate_stays_near_the_typical_one():
    rng = np.random.default_rng(0)
    for seed in range(5):
        X, y = rng.normal(size=(300, 20)), rng.integers(0, 2, 300)
        found = LinearClassifier(AdamW(), random_state=seed).fit(X, y).lr_
        assert abs(np.log10(found / 0.01)) < 3.5


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
    allowed = max(auto_lr.SHARE * total, auto_lr.SECONDS / seconds, auto_lr.LEAST)
    assert steps <= allowed + 8
    assert max(plan.coarse, plan.middle, plan.last) <= total


def test_a_race_beside_ten_epochs_stays_below_15_percent_in_steps():
    seen = 0

    def count(lr, n_steps, fold):
        nonlocal seen
        seen += n_steps
        return parabola(0.03)(lr, n_steps, fold)

    race(count, 0.01, plan_race(1280, 1e-3, 10_000), 1280, power=0.0)
    assert seen <= 0.15 * 1280


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


# In estimators


CANCER, CANCER_Y = load_breast_cancer(return_X_y=True)
CANCER_SCALED = StandardScaler().fit_transform(CANCER)
DIGITS, DIGITS_Y = load_digits(return_X_y=True)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("data", ["digits", "cancer", "cancer of all scales"])
def test_auto_comes_near_the_best_of_a_grid(optimizer, data):
    X, y = {
        "digits": (DIGITS / 16, DIGITS_Y),
        "cancer": (CANCER_SCALED, CANCER_Y),
        "cancer of all scales": (CANCER_SCALED * 10 ** np.linspace(-1, 2, 30), CANCER_Y),
    }[data]
    parts = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)
    X_train, X_test, y_train, y_test = parts

    def score(**params):
        model = LinearClassifier(optimizer, standardize=False, random_state=0, **params)
        model.fit(X_train, y_train)
        return model.score(X_test, y_test)

    with warnings.catch_warnings():  # the highest rates of the grid diverge, the one found never
        warnings.simplefilter("ignore", DivergenceWarning)
        best = max(score(lr=lr) for lr in np.geomspace(1e-5, 10, 7))
    error = np.sqrt(best * (1 - best) / len(y_test))
    assert score() >= best - max(0.005, 1.5 * error)


def test_features_of_another_scale_get_another_rate():
    """Gradient descent is bound by the square of the features."""
    plain, large = (
        LinearClassifier(SGD(), standardize=False, random_state=0)
        .fit(CANCER_SCALED * k, CANCER_Y)
        .lr_
        for k in (1, 1000)
    )
    assert 1e4 < plain / large < 1e8


def test_the_rate_is_published_and_trains_the_same_when_given():
    model = LinearClassifier(random_state=0).fit(DIGITS, DIGITS_Y)
    given = LinearClassifier(lr=model.lr_, random_state=0).fit(DIGITS, DIGITS_Y)
    assert given.lr_ == model.lr_
    np.testing.assert_array_equal(model.coef_, given.coef_)
    assert model.lr == "auto"


def test_the_same_seed_finds_the_same_rate_and_leaves_the_optimizer_alone():
    optimizer = AdamW()
    model = LinearClassifier(optimizer, random_state=3)
    first = model.fit(DIGITS, DIGITS_Y).lr_
    assert clone(model).fit(DIGITS, DIGITS_Y).lr_ == first
    assert model.fit(DIGITS, DIGITS_Y).lr_ == first
    assert optimizer == AdamW()


@pytest.mark.parametrize(
    ("optimizer", "lr", "expected"),
    [
        (SGD(lr=0.25), "auto", 0.25),
        (SGD(lr=0.01), "auto", 0.01),  # if only the default
        (SGD().set_params(lr=0.01), "auto", 0.01),
        (SGD(), 0.5, 0.5),
        ("sgd", 0.5, 0.5),
        ("sgd", 0, 0.0),
    ],
)
def test_a_rate_that_was_said_is_kept(optimizer, lr, expected):
    model = LinearClassifier(optimizer, lr=lr)
    assert model.fit(DIGITS, DIGITS_Y).lr_ == expected
    assert clone(model).fit(DIGITS, DIGITS_Y).lr_ == expected


def test_a_preset_has_a_default_of_its_own():
    """The rate of a preset was not said by the user, so it is looked for."""
    keras = RMSprop(preset="torch")
    assert keras.lr == 0.01 != RMSprop().lr
    assert LinearClassifier(keras, random_state=0).fit(DIGITS, DIGITS_Y).lr_ != 0.01
    assert LinearClassifier(keras.replace(lr=0.02)).fit(DIGITS, DIGITS_Y).lr_ == 0.02


@pytest.mark.parametrize(("optimizer", "rule"), [("adamw", 0.01), ("sgd", 0.1), (AdamW(), 0.001)])
def test_partial_fit_takes_the_rule_of_thumb(optimizer, rule):
    model = LinearClassifier(optimizer).partial_fit(DIGITS, DIGITS_Y, classes=np.arange(10))
    assert model.lr_ == rule


@pytest.mark.parametrize("schedule", [None, "onecycle"])
def test_the_rate_is_kept_by_what_goes_on(schedule):
    """By `partial_fit` after `fit`, with and without a pickle between, and by a warm start."""
    model = LinearClassifier(SGD(), schedule=schedule, warm_start=True, random_state=0)
    found = model.fit(CANCER_SCALED, CANCER_Y).lr_
    assert found != 0.01
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        assert each.partial_fit(CANCER_SCALED, CANCER_Y).lr_ == found
        assert each.history_["lr"][-1] == found
    np.testing.assert_array_equal(model.coef_, again.coef_)
    assert model.fit(CANCER_SCALED, CANCER_Y).lr_ == found
    model.set_params(optimizer="adamw").partial_fit(CANCER_SCALED, CANCER_Y)
    assert model.lr_ == 0.01  # the rate was found for another rule


def test_few_rows_are_not_raced_on():
    few = slice(None, None, len(DIGITS) // (FEWEST - 5))
    model = LinearClassifier("adamw").fit(DIGITS[few], DIGITS_Y[few] > 4)
    assert model.lr_ == 0.01


def test_weights_of_two_are_rows_given_twice_to_the_race_too():
    X, y = CANCER_SCALED[:80], CANCER_Y[:80]
    assert plan_epoch("auto", 2 * len(X)).passes > 1
    weights = 1.0 + np.arange(80) % 2
    twice = np.repeat(np.arange(80), weights.astype(int))
    a = LinearClassifier(random_state=0).fit(X, y, sample_weight=weights)
    b = LinearClassifier(random_state=0).fit(X[twice], y[twice])
    assert a.lr_ == pytest.approx(b.lr_, rel=1e-12)
    np.testing.assert_allclose(a.coef_, b.coef_, rtol=1e-7)


def test_verbose_tells_the_rate(capsys):
    model = LinearClassifier(max_epochs=1, verbose=1, random_state=0).fit(DIGITS, DIGITS_Y)
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"LinearClassifier: learning rate {model.lr_:.4g} found"


def test_early_stopping_holds_its_own_rows_out_of_the_race():
    model = LinearClassifier(early_stopping=True, random_state=0).fit(DIGITS, DIGITS_Y)
    assert model.score(DIGITS, DIGITS_Y) > 0.93
    assert model.lr_ > 0


# Runs in one session


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), AdamW(average="ema"), Prodigy(), Muon()])
@pytest.mark.parametrize(
    "make",
    [
        lambda o: LinearClassifier(o, penalty="l1", alpha=1e-3),
        lambda o: MLPClassifier((8,), optimizer=o, dropout=0.2),
    ],
    ids=["linear, l1", "mlp, dropout"],
)
def test_a_run_does_not_depend_on_those_before_it(make, optimizer):
    """After others, diverged ones among them, a run is to the bit what it is by itself."""
    trial = (
        make(optimizer).set_params(random_state=0)._trial(DIGITS[:600] / 16, DIGITS_Y[:600], None)
    )
    folds = Folds(trial._rows, False, 1)
    runs = HeldOutRuns(trial, folds, 5)
    for lr, n_steps, fold in [(1e300, 20, 0), (0.1, 30, 1), (0.003, 10, 0)]:
        runs.losses(lr, n_steps, fold)
    for fold in (0, 1):
        alone = HeldOutRuns(trial, folds, 5).losses(0.01, 25, fold)
        assert np.isfinite(alone).all()
        np.testing.assert_array_equal(runs.losses(0.01, 25, fold), alone)


def test_runs_on_sparse_rows_do_not_depend_on_those_before_them():
    X = sparse.csr_array(np.where(DIGITS[:500] > 8, DIGITS[:500] / 16, 0))
    trial = LinearClassifier(SGD(weight_decay=0.1), random_state=0)._trial(X, DIGITS_Y[:500], None)
    folds = Folds(trial._rows, False, 1)
    runs = HeldOutRuns(trial, folds, 5)
    runs.losses(1e300, 20, 0)
    runs.losses(0.3, 9, 1)
    alone = HeldOutRuns(trial, folds, 5).losses(0.2, 30, 0)
    np.testing.assert_array_equal(runs.losses(0.2, 30, 0), alone)


# Fits that diverge all the same


def one_row_too_many():
    """A row of which steps at any usual rate explode."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 5))
    y = X @ np.arange(5.0) + rng.normal(size=4000)
    X[777] *= 1e6
    return X, y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "model",
    [
        LinearRegressor(SGD(momentum=0.9), standardize=False, random_state=0),
        MLPRegressor((8,), optimizer=SGD(momentum=0.9), standardize=False, random_state=0),
    ],
    ids=["linear", "mlp"],
)
def test_a_fit_that_diverges_at_a_rate_found_starts_again_below_it(
    model, dtype, capsys, monkeypatch
):
    X, y = one_row_too_many()
    monkeypatch.setattr(EstimatorTrial, "find_rate", lambda *_: 0.1)
    fitted = clone(model).set_params(verbose=1, max_epochs=4).fit(X.astype(dtype), y)
    said = capsys.readouterr().out
    assert "diverged, starts again at" in said
    assert f"starts again at {fitted.lr_:.4g}\n" in said
    assert np.isfinite(fitted.loss_curve_).all()
    assert len(fitted.loss_curve_) == fitted.n_iter_ == 4
    assert fitted.history_["lr"].max() <= fitted.lr_
    outputs = fitted.predict(np.delete(X, 777, axis=0).astype(dtype))
    assert np.mean((outputs - np.delete(y, 777)) ** 2) < 10 * np.var(y)


def test_a_rate_that_was_given_is_not_replaced_when_it_diverges():
    X, y = one_row_too_many()
    model = LinearRegressor(SGD(momentum=0.9), lr=0.1, standardize=False, random_state=0)
    with pytest.warns(DivergenceWarning, match="learning rate"):
        model.fit(X.astype(np.float32), y)
    assert model.lr_ == 0.1


def test_callbacks_see_one_fit_though_it_starts_again(monkeypatch):
    monkeypatch.setattr(EstimatorTrial, "find_rate", lambda *_: 0.1)
    callback = pytest.importorskip("sklearn.callback").ProgressBar
    X, y = one_row_too_many()
    model = LinearRegressor(SGD(momentum=0.9), standardize=False, max_epochs=3, random_state=0)
    seen = []
    model.set_callbacks(callback()).fit(
        X, y, on_epoch=lambda fitted, row: seen.append((fitted.lr_, row["loss"]))
    )
    assert model.lr_ < 0.1
    last = [lr for lr, _ in seen[-3:]]
    assert last == [model.lr_] * 3
