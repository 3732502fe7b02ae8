"""The learning-rate range test on estimators, what it returns, and what it refuses."""

import copy

import matplotlib.figure
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_linnerud, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from fastlr import SGD, AdamW, LinearClassifier, find_lr
from fastlr.estimators.search.trial import trial_of
from fastlr.rates.range_curve import METHODS

DIGITS, DIGITS_Y = load_digits(return_X_y=True)
DIGITS = DIGITS / 16


def flat(w, rng):
    return 0.0, 0 * w


@pytest.mark.parametrize("fitted", [False, True])
def test_an_estimator_is_untouched(fitted):
    optimizer = SGD(momentum=0.9)
    model = LinearClassifier(optimizer, random_state=np.random.RandomState(5))
    if fitted:
        model.fit(DIGITS, DIGITS_Y)
    before, params = dict(model.__dict__), model.get_params(deep=False)
    draws = copy.deepcopy(model.random_state)
    coef = model.coef_.copy() if fitted else None
    find_lr(model, DIGITS, DIGITS_Y, n_runs=1, n_steps=60)
    assert model.__dict__.keys() == before.keys()
    assert all(model.__dict__[name] is value for name, value in before.items())
    assert all(model.get_params(deep=False)[k] is v for k, v in params.items())
    assert optimizer == SGD(momentum=0.9)
    assert model.random_state.randint(10**6) == draws.randint(10**6)
    if fitted:
        np.testing.assert_array_equal(model.coef_, coef)


@pytest.mark.parametrize("rows", [100, 300, 2000])
def test_mini_batches_are_those_of_fit(rows):
    X, y = np.random.default_rng(0).standard_normal((rows, 3)), np.arange(rows) % 2
    model = LinearClassifier(max_epochs=1).fit(X, y)
    assert trial_of(model, X, y).plan.steps == model.t_


@pytest.mark.filterwarnings("ignore:find_lr")
def test_losses_are_those_of_the_estimators_own_training():
    """At a constant rate the steps of a sweep are the steps of a fit in the same order."""
    rate = 0.05
    model = LinearClassifier(
        SGD(momentum=0.5), lr=rate, schedule=None, batch_size=300, max_epochs=1, shuffle=False
    ).fit(DIGITS, DIGITS_Y)
    test = find_lr(model, DIGITS, DIGITS_Y, low=rate, high=rate * (1 + 1e-9), n_steps=10, n_runs=1)
    sizes = np.array([300] * 5 + [len(DIGITS) - 1500])
    mean = float(sizes @ test.table["loss"][:6] / len(DIGITS))
    assert mean == pytest.approx(float(model.loss_curve_[0]), rel=1e-6)


def test_the_suggestion_trains_about_as_well_as_the_best_of_a_grid():
    for optimizer in (SGD(momentum=0.9), AdamW()):
        model = LinearClassifier(optimizer, random_state=0)
        rate = find_lr(model, DIGITS[::2], DIGITS_Y[::2]).suggestion

        def score(lr, model=model):
            fitted = clone(model).set_params(lr=lr).fit(DIGITS[::2], DIGITS_Y[::2])
            return fitted.score(DIGITS[1::2], DIGITS_Y[1::2])

        assert score(rate) > max(score(lr) for lr in np.geomspace(1e-4, 3, 8)) - 0.02


@pytest.mark.filterwarnings("ignore:find_lr")
def test_a_pipeline_prepares_its_features():
    X, y = load_wine(return_X_y=True)
    model = LinearClassifier("sgd", random_state=0)
    scaled = find_lr(make_pipeline(StandardScaler(), model), X, y, n_runs=1)
    by_hand = find_lr(model, StandardScaler().fit_transform(X), y, n_runs=1)
    assert scaled.suggestions == by_hand.suggestions


def test_some_128_mini_batches_are_an_epoch():
    trial = trial_of(LinearClassifier(), DIGITS, DIGITS_Y)
    batches = trial.batches(np.random.RandomState(0))
    first = [next(batches) for _ in range(129)]  # some 128 steps are an epoch
    assert [len(b) for b in first] == [14] * 128 + [5]
    np.testing.assert_array_equal(np.sort(np.concatenate(first)), np.arange(len(DIGITS)))


def test_features_times_ten_want_a_hundredth_of_the_rate():
    """The curvature of a linear model is the square of its features."""
    model = LinearClassifier(SGD(), fit_intercept=False, standardize=False, random_state=0)
    plain, large = (find_lr(model, DIGITS * k, DIGITS_Y).suggestions["edge"] for k in (1, 10))
    assert plain / large == pytest.approx(100, rel=0.5)


@pytest.mark.filterwarnings("ignore:find_lr")
def test_optimizer_replaces_the_estimators_and_weights_count():
    model = LinearClassifier("adamw", random_state=0)
    test = find_lr(model, DIGITS, DIGITS_Y, optimizer="sgd", n_runs=1, n_steps=50)
    assert test.label == "LinearClassifier with SGD"
    weights = (DIGITS_Y < 2).astype(float)
    weighted = find_lr(model, DIGITS, DIGITS_Y, sample_weight=weights, n_runs=1, n_steps=50)
    plain = find_lr(model, DIGITS, DIGITS_Y, n_runs=1, n_steps=50)
    assert not np.allclose(weighted.table["loss"][:20], plain.table["loss"][:20])


# The result


@pytest.fixture(scope="module")
def result():
    return find_lr(LinearClassifier(random_state=0), DIGITS, DIGITS_Y, method="steepest")


def test_table_holds_every_step_of_every_run(result):
    table = result.table
    lengths = {len(column) for column in table.values()}
    assert len(lengths) == 1
    assert set(np.unique(table["run"])) == {0, 1, 2}
    first = table["run"] == 0
    np.testing.assert_array_equal(table["step"][first], np.arange(first.sum()))
    ratios = table["lr"][first][1:] / table["lr"][first][:-1]
    np.testing.assert_allclose(ratios, 1e9 ** (1 / 199), rtol=1e-9)


def test_repr_tells_the_rates_and_how_the_runs_ended(result):
    said = repr(result)
    assert f"suggestion {result.suggestion:.3g} (steepest)" in said
    for name in METHODS:
        assert name in said
    assert "3 diverged" in said
    assert max(map(len, said.splitlines())) <= 88


def test_plot_draws_runs_and_suggestions(result):
    axes = result.plot().ax_
    assert axes.get_xscale() == "log"
    assert len(axes.lines) == 2 * 3 + len(METHODS)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"steepest: {result.suggestion:.3g} (suggestion)" in labels
    own = matplotlib.figure.Figure().subplots()
    assert result.plot(own).ax_ is own


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"low": 0}, ValueError, "low"),
        ({"low": 1.0, "high": 0.5}, ValueError, "high must be larger"),
        ({"n_steps": 5}, ValueError, "n_steps"),
        ({"n_steps": 20.5}, TypeError, "n_steps"),
        ({"n_runs": 0}, ValueError, "n_runs"),
        ({"scale": "log"}, ValueError, "scale must be one of"),
        ({"method": "best"}, ValueError, "method must be one of"),
        ({"beta": 1.0}, ValueError, "beta"),
        ({"stop_factor": 0}, ValueError, "stop_factor"),
        ({"params": np.ones(2)}, TypeError, "params is for functions"),
        ({"optimizer": "adamx"}, ValueError, "optimizer must be one of"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, error, said):
    with pytest.raises(error, match=said):
        find_lr(LinearClassifier(), DIGITS, DIGITS_Y, **arguments)


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(TypeError, match="estimator of fastlr"):
        find_lr(LogisticRegression(), DIGITS, DIGITS_Y)
    with pytest.raises(TypeError, match="X, y and sample_weight"):
        find_lr(flat, DIGITS, params=np.ones(4), optimizer=SGD())
    with pytest.raises(TypeError, match="optimizer must be given"):
        find_lr(flat, params=np.ones(4))
    with pytest.raises(TypeError, match="params must be given"):
        find_lr(flat, optimizer=SGD())
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        find_lr(LinearClassifier(), DIGITS, DIGITS_Y[:-1])


def test_it_is_reached_from_the_package():
    assert fastlr.find_lr is fastlr.tuning.find_lr is find_lr


@pytest.mark.filterwarnings("ignore:find_lr")
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize(
    ("estimator", "load"),
    [
        (fastlr.LinearClassifier(), load_wine),
        (fastlr.LinearRegressor(), load_diabetes),
        (fastlr.MLPClassifier((8,)), load_iris),
        (fastlr.MLPRegressor((8,)), load_linnerud),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else value.__name__,
)
def test_the_suggestion_trains_as_well_as_the_rate_that_fit_finds(estimator, load, optimizer):
    X, y = load(return_X_y=True)
    model = clone(estimator).set_params(optimizer=optimizer, random_state=3, max_epochs=5)
    auto = clone(model).fit(X, y)
    found = find_lr(model, X, y, n_runs=1)
    assert found.suggestion == found.suggestions["race"] == auto.lr_
    at_suggestion = clone(model).set_params(lr=found.suggestion).fit(X, y)
    np.testing.assert_array_equal(at_suggestion.loss_curve_, auto.loss_curve_)


@pytest.mark.filterwarnings("ignore:find_lr")
def test_the_suggestion_stays_between_the_ends():
    X, y = load_wine(return_X_y=True)
    model = LinearClassifier("sgd", random_state=0)
    free = find_lr(model, X, y, n_runs=1).suggestion
    assert find_lr(model, X, y, n_runs=1, low=2 * free).suggestion == 2 * free
    assert find_lr(model, X, y, n_runs=1, high=free / 2).suggestion == free / 2
