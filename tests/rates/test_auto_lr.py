"""``lr="auto"`` in estimators: near the best rate, repeatable, kept, and never divergent."""

import pickle
import warnings

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
from fastlr.estimators.search.folds import Folds
from fastlr.estimators.search.held_out import HeldOutRuns
from fastlr.estimators.search.trial import EstimatorTrial, trial_of
from fastlr.estimators.settings.settings import plan_epoch
from fastlr.rates import race_plan
from fastlr.rates.race_plan import FEWEST

OPTIMIZERS = [SGD(momentum=0.9), AdamW(), RMSprop(), Adagrad(), Lion()]

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


@pytest.mark.parametrize(
    ("optimizer", "typical"),
    list(zip(OPTIMIZERS, [0.08, 0.01, 0.007, 0.2, 0.0015], strict=True)),
    ids=lambda o: type(o).__name__,
)
@pytest.mark.parametrize("n_rows", [40, 80, 300])
def test_on_labels_of_noise_the_rate_stays_one_that_trains(n_rows, optimizer, typical):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(n_rows, 20)), rng.integers(0, 2, n_rows)
        found = LinearClassifier(optimizer, random_state=seed).fit(X, y).lr_
        assert -2.01 < np.log10(found / typical) < 1


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
        share = 1.0 if schedule is None else 2**-5  # after a run whose schedule has ended
        assert each.history_["lr"][-1] == pytest.approx(share * found, rel=1e-12)
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
    model = make(optimizer).set_params(random_state=0)
    trial = trial_of(model, DIGITS[:600] / 16, DIGITS_Y[:600])
    folds = Folds(trial.rows, False, 1)
    runs = HeldOutRuns(trial, folds, 5)
    for lr, n_steps, fold in [(1e300, 20, 0), (0.1, 30, 1), (0.003, 10, 0)]:
        runs.losses(lr, n_steps, fold)
    for fold in (0, 1):
        alone = HeldOutRuns(trial, folds, 5).losses(0.01, 25, fold)
        assert np.isfinite(alone).all()
        np.testing.assert_array_equal(runs.losses(0.01, 25, fold), alone)


def test_runs_on_sparse_rows_do_not_depend_on_those_before_them():
    X = sparse.csr_array(np.where(DIGITS[:500] > 8, DIGITS[:500] / 16, 0))
    model = LinearClassifier(SGD(weight_decay=0.1), random_state=0)
    trial = trial_of(model, X, DIGITS_Y[:500])
    folds = Folds(trial.rows, False, 1)
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


@pytest.mark.parametrize(
    ("estimator", "rows", "columns", "seconds"),
    [
        (LinearRegressor(), 300, 20, race_plan.SECONDS_OF_NUMBERS),
        (LinearRegressor(), 200, 20, race_plan.SECONDS),  # these can be over-fitted
        (LinearClassifier(), 300, 20, race_plan.SECONDS),
        (MLPRegressor((4,)), 3000, 2, race_plan.SECONDS),
    ],
)
def test_linear_regressors_of_many_rows_search_for_less_time(
    estimator, rows, columns, seconds, monkeypatch
):
    asked = []

    def plan(*args):
        asked.append(args[-1])
        return race_plan.plan_race(*args)

    monkeypatch.setattr("fastlr.estimators.search.trial.plan_race", plan)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, columns))
    y = X[:, 0] + rng.standard_normal(rows)
    clone(estimator).fit(X, y > 0 if isinstance(estimator, LinearClassifier) else y)
    assert asked == [seconds]


@pytest.mark.filterwarnings("ignore::fastlr.DivergenceWarning")  # of the grid
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", ["few directions", "unlike scales", "heavy tails"])
def test_a_short_search_finds_a_rate_as_good_as_the_best_of_a_grid(kind, optimizer):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((900, 20))
    if kind == "few directions":
        X = X @ (rng.standard_normal((20, 20)) * np.logspace(0, -1.5, 20))
    elif kind == "unlike scales":
        X *= np.logspace(-2, 2, 20)
    w = rng.standard_normal(20) / X.std(axis=0)
    noise = rng.standard_normal(900) if kind != "heavy tails" else rng.standard_t(3, 900)
    y = X @ w + 2 * noise
    model = LinearRegressor(optimizer, random_state=0)

    def score(lr):
        return clone(model).set_params(lr=lr).fit(X[:600], y[:600]).score(X[600:], y[600:])

    best = max(score(lr) for lr in np.geomspace(1e-4, 1, 9))
    assert score("auto") > best - 0.02  # 0.01 but for gradient descent in few directions
