"""partial_fit and warm_start: a run that is cut into pieces is the run in one piece, to the bit."""

import copy
import pickle

import numpy as np
import pytest

from fastlr import (
    SGD,
    AdamW,
    CosineAnnealing,
    ExponentialDecay,
    LinearClassifier,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
)
from tests.estimators.test_linear_values import data

X, Y = data(3, rows=300)
CLASSES = np.arange(3)

# Schedules that say their own length, so that a run may be cut anywhere.
OWN_LENGTH = [None, OneCycle(total_steps=90), CosineAnnealing(50), ExponentialDecay(0.99)]


def classifier(schedule=None, **kwargs):
    optimizer = kwargs.pop("optimizer", AdamW(lr=0.03, beta1=0.7, weight_decay=0.1))
    return LinearClassifier(optimizer, schedule=schedule, batch_size=20, random_state=5, **kwargs)


def assert_same(a, b):
    np.testing.assert_array_equal(a.coef_, b.coef_)
    np.testing.assert_array_equal(a.intercept_, b.intercept_)
    assert (a.n_iter_, a.t_) == (b.n_iter_, b.t_)
    for name in ("epoch", "loss", "lr", "momentum"):
        np.testing.assert_array_equal(a.history_[name], b.history_[name])


def reloaded(model):
    return pickle.loads(pickle.dumps(model))


@pytest.mark.parametrize("schedule", OWN_LENGTH)
def test_partial_fit_epochs_equal_fit(schedule):
    whole = classifier(schedule, max_epochs=6).fit(X, Y)
    parts = classifier(schedule)
    for _ in range(6):
        parts.partial_fit(X, Y, classes=CLASSES)
    assert_same(parts, whole)


@pytest.mark.parametrize("between", [lambda m: m, reloaded, copy.deepcopy])
@pytest.mark.parametrize("schedule", OWN_LENGTH)
def test_partial_fit_goes_on_where_fit_ended(schedule, between):
    whole = classifier(schedule, max_epochs=6).fit(X, Y)
    model = classifier(schedule, max_epochs=3).fit(X, Y)
    for _ in range(3):
        model = between(model).partial_fit(X, Y)
    assert_same(model, whole)


def test_going_on_draws_no_more_random_numbers():
    source = np.random.RandomState(0)
    model = LinearClassifier(random_state=source).partial_fit(X, Y, classes=CLASSES)
    drawn = source.get_state()[2]
    model.random_state = source
    model.partial_fit(X, Y).set_params(lr=0.5).partial_fit(X, Y)
    assert source.get_state()[2] == drawn


def test_a_copy_goes_its_own_way():
    model = classifier().fit(X, Y)
    before = model.coef_.copy()
    copied = copy.deepcopy(model)
    copied.partial_fit(X, Y)
    np.testing.assert_array_equal(model.coef_, before)
    assert (copied.coef_ != before).any()


@pytest.mark.parametrize("average", ["ema", "polyak"])
@pytest.mark.parametrize("between", [lambda m: m, reloaded])
def test_averages_are_handed_out_and_training_goes_on_from_the_weights_behind_them(
    average, between
):
    optimizer = SGD(lr=0.3, average=average, average_decay=0.9)
    whole = classifier(optimizer=optimizer, max_epochs=4).fit(X, Y)
    model = classifier(optimizer=optimizer, max_epochs=1).fit(X, Y)
    for _ in range(3):
        model = between(model).partial_fit(X, Y)
    assert_same(model, whole)
    plain = classifier(optimizer=SGD(lr=0.3), max_epochs=4).fit(X, Y)
    assert np.abs(plain.coef_ - whole.coef_).max() > 1e-4


def test_stretched_schedule_gives_way_to_a_low_rate_after_a_fit():
    model = classifier("onecycle", max_epochs=3).fit(X, Y)
    assert model.history_["lr"][-1] < 1e-5
    for between in (lambda m: m, reloaded):
        model = between(model).partial_fit(X, Y)
        assert model.history_["lr"][-1] == pytest.approx(0.03 * 2**-5, rel=1e-12)
        assert model.history_["momentum"][-1] == 0.7
    assert model.t_ == 75
    constant = classifier(max_epochs=2)
    streamed = classifier("onecycle")
    for _ in range(2):
        streamed.partial_fit(X, Y, classes=CLASSES)
    assert_same(streamed, constant.fit(X, Y))


def test_lengths_in_epochs_count_calls_as_long_as_the_first():
    from fastlr.schedules import epochs

    model = classifier(StepDecay(every=epochs(2), gamma=0.5))
    for _ in range(5):
        model.partial_fit(X, Y, classes=CLASSES)
    np.testing.assert_allclose(model.history_["lr"] / 0.03, [1, 1, 0.5, 0.5, 0.25])


def test_plateau_schedule_hears_the_loss_of_each_call():
    schedule = ReduceOnPlateau(patience=0, factor=0.5)
    rng = np.random.default_rng(0)
    noise, labels = rng.standard_normal((60, 2)), rng.integers(0, 2, 60)
    model = classifier(schedule, optimizer=SGD(lr=30.0))
    for _ in range(6):
        model = reloaded(model.partial_fit(noise, labels, classes=[0, 1]))
    whole = classifier(schedule, optimizer=SGD(lr=30.0), max_epochs=6).fit(noise, labels)
    assert_same(model, whole)
    assert model.history_["lr"][-1] < 30.0


def test_quick_path_and_checked_path_are_the_same():
    quick, checked = classifier(), classifier()
    for model in (quick, checked):
        model.partial_fit(X, Y, classes=CLASSES)
    for i in range(40):
        quick.partial_fit(X[i : i + 1], Y[i : i + 1])
        checked.partial_fit(X[i : i + 1].tolist(), Y[i : i + 1].tolist())
    assert_same(quick, checked)


def test_weights_of_partial_fit_are_used_as_they_are():
    once, twice = (
        classifier(optimizer=SGD(lr=lr)).partial_fit(X, Y, CLASSES, np.full(300, w)).coef_
        for lr, w in ((0.1, 2.0), (0.2, 1.0))
    )
    np.testing.assert_allclose(once, twice, rtol=1e-12)
    row = slice(0, 1)
    models = [classifier(optimizer=SGD(lr=0.1)).partial_fit(X, Y, CLASSES) for _ in range(2)]
    start = models[0].coef_.copy()
    moves = [
        m.partial_fit(X[row], Y[row], sample_weight=[w]).coef_ - start
        for m, w in zip(models, (1.0, 3.0), strict=True)
    ]
    np.testing.assert_allclose(moves[1], 3 * moves[0], rtol=1e-9)


def test_weights_that_the_user_puts_in_place_are_gone_on_from():
    given = np.arange(18.0).reshape(3, 6) / 10
    model = classifier(optimizer=SGD(lr=1e-9), max_epochs=1).fit(X, Y)
    model.coef_, model.intercept_ = given.copy(), np.ones(3)
    for between in (lambda m: m, reloaded):
        model = between(model).partial_fit(X, Y)
        np.testing.assert_allclose(model.coef_, given, atol=1e-6)
        np.testing.assert_allclose(model.intercept_, 1, atol=1e-6)


@pytest.mark.parametrize("between", [lambda m: m, reloaded])
def test_changed_parameters_take_effect_and_state_is_kept(between):
    model = classifier().fit(X, Y)
    model.set_params(lr=0.5)
    model = between(model).partial_fit(X, Y)
    assert model.history_["lr"][-1] == 0.5
    assert model.t_ == 11 * 15
    model.set_params(lr="auto", optimizer__lr=0.25)
    model = between(model).partial_fit(X, Y)
    assert model.history_["lr"][-1] == 0.25
    model.optimizer.set_params(lr=0.125)  # behind the estimator's back
    model = between(model).partial_fit(X, Y)
    assert model.history_["lr"][-1] == 0.125
    assert model.t_ == 13 * 15
    # State of another optimizer does not fit: it starts afresh from the same weights.
    before = model.coef_.copy()
    model.set_params(optimizer=SGD(lr=1e-9, momentum=0.5))
    model = between(model).partial_fit(X, Y)
    assert model.t_ == 15
    np.testing.assert_allclose(model.coef_, before, atol=1e-6)
    model.set_params(fit_intercept=False)
    assert between(model).partial_fit(X, Y).intercept_.tolist() == [0, 0, 0]


def test_float32_model_stays_so_whatever_comes_later():
    model = classifier().partial_fit(X.astype("f4"), Y, classes=CLASSES)
    model.partial_fit(X, Y)
    assert model.coef_.dtype == np.float32


@pytest.mark.parametrize("schedule", OWN_LENGTH)
def test_warm_start_goes_on_where_the_schedule_says_its_own_length(schedule):
    whole = classifier(schedule, max_epochs=6).fit(X, Y)
    model = classifier(schedule, max_epochs=3, warm_start=True).fit(X, Y)
    assert_same(reloaded(model).fit(X, Y), whole)
    assert_same(model.fit(X, Y), whole)


def test_warm_start_with_a_stretched_schedule_is_a_new_run_from_the_old_weights():
    model = classifier("onecycle", max_epochs=3, warm_start=True).fit(X, Y)
    first = model.history_
    model.fit(X, Y)
    np.testing.assert_array_equal(model.history_["lr"], first["lr"])
    assert model.loss_curve_[0] < first["loss"][0]
    cold = classifier("onecycle", max_epochs=3).fit(X, Y)
    np.testing.assert_array_equal(cold.fit(X, Y).loss_curve_, first["loss"])


def test_warm_start_refuses_other_classes_and_features():
    model = classifier(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="warm_start: y must have the classes"):
        model.fit(X, Y + 1)
    with pytest.raises(ValueError, match=r"warm_start: coef had shape \(3, 6\)"):
        model.fit(X[:, :4], Y)


def test_classes_are_checked():
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        classifier().partial_fit(X, Y)
    with pytest.raises(ValueError, match="classes must name at least 2"):
        classifier().partial_fit(X, np.zeros(300), classes=[0])
    model = classifier().partial_fit(X, Y, classes=[0, 1, 2, 3])
    assert model.coef_.shape == (4, 6)
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        model.partial_fit(X, Y, classes=[0, 1])
    before = model.coef_.copy()
    for labels in (Y + 2, (Y + 2).tolist()):
        with pytest.raises(ValueError, match=r"not among the classes .*: \[4\]"):
            model.partial_fit(X, labels)
    np.testing.assert_array_equal(model.coef_, before)
    assert model.t_ == 15


def test_unfit_rows_are_refused_on_the_quick_path_too():
    model = classifier().partial_fit(X, Y, classes=CLASSES)
    bad = X[:2].copy()
    bad[1, 3] = np.nan
    before = model.coef_.copy()
    for rows, labels, message in [
        (bad, Y[:2], "contains NaN"),
        (X[:2, :5], Y[:2], "5 features"),
        (X[:2], Y[:1], "inconsistent numbers"),
        (X[0], Y[:1], "Expected 2D"),
        (X[:0], Y[:0], "0 sample"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(rows, labels)
    np.testing.assert_array_equal(model.coef_, before)


def test_text_labels_go_through():
    labels = np.array(["low", "mid", "high"])[Y]
    model = classifier().partial_fit(X, labels, classes=["low", "mid", "high"])
    model.partial_fit(X, labels).partial_fit(X, labels.astype(object))
    numbers = classifier(max_epochs=3).fit(X, np.searchsorted(["high", "low", "mid"], labels))
    np.testing.assert_array_equal(model.coef_, numbers.coef_)
