"""What linear estimators make of losses, outputs, scaled features and averages."""

import pickle
import tracemalloc

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import StandardScaler

from fastlr import FTRL, SGD, Adam, AdamW, LinearClassifier, LinearRegressor
from fastlr.losses import LOSSES, Huber, LogLoss, Loss, Poisson
from tests.losses.test_losses import Cauchy

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 5))
SIGNAL = X @ RNG.standard_normal((5, 3))
Y = SIGNAL.argmax(axis=1)
LABELS = (SIGNAL > 0).astype(int)
REAL = SIGNAL + 0.1 * RNG.standard_normal(SIGNAL.shape)
FAR = X * [1e-3, 1.0, 1e3, 1.0, 1.0] + [5.0, 0.0, 1e4, -30.0, 1.0]  # the same, badly scaled

MARGIN = [n for n, c in LOSSES.items() if c.task == "margin"]
NUMBERS = [n for n, c in LOSSES.items() if c.task != "margin"]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
@pytest.mark.parametrize("loss", MARGIN)
def test_every_loss_classifies(loss, multi_class, n_classes):
    y = np.array(["a", "b", "c"])[Y % n_classes]
    model = LinearClassifier(loss=loss, multi_class=multi_class, random_state=0).fit(X, y)
    assert model.score(X, y) > (0.95 if n_classes == 3 else 0.7)
    assert model.coef_.shape == (1 if n_classes == 2 else 3, 5)
    assert hasattr(model, "predict_proba") == (loss in {"logloss", "modifiedhuber"})


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("loss", NUMBERS)
def test_every_loss_regresses(loss, outputs):
    y = REAL[:, 0] if outputs == 1 else REAL
    y = np.exp(y / 4) if LOSSES[loss].task == "positive" else y
    model = LinearRegressor(loss=loss, random_state=0).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.score(X, y) > 0.95
    assert model.coef_.shape == ((5,) if outputs == 1 else (outputs, 5))


def test_outputs_of_very_different_size_are_each_learned_as_if_alone():
    y = REAL * [1e6, 1.0, 1e-5] + [1e7, 0.0, 1.0]
    options = {"lr": 0.01, "batch_size": 300, "shuffle": False, "max_epochs": 30}
    model = LinearRegressor(**options).fit(X, y)
    for k in range(3):
        alone = LinearRegressor(**options).fit(X, y[:, k])
        np.testing.assert_allclose(model.coef_[k], alone.coef_, rtol=1e-6)
        size = np.abs(y[:, k]).max()
        np.testing.assert_allclose(model.predict(X)[:, k], alone.predict(X), atol=1e-8 * size)


def test_multilabel_outputs_are_each_learned_as_if_alone():
    options = {"batch_size": 300, "shuffle": False, "max_epochs": 200, "lr": 0.05}
    model = LinearClassifier(**options).fit(X, LABELS)
    assert model.predict(X).shape == LABELS.shape
    assert (model.predict(X) == LABELS).mean() > 0.95
    for k in range(3):
        alone = LinearClassifier(**options).fit(X, LABELS[:, k])
        np.testing.assert_allclose(model.coef_[k], alone.coef_[0], rtol=1e-6)
        chance = model.predict_proba(X)[:, k]
        np.testing.assert_allclose(chance, alone.predict_proba(X)[:, 1], rtol=1e-6)
    logs = model.predict_log_proba(X)
    np.testing.assert_allclose(logs, np.log(model.predict_proba(X)), rtol=1e-9)
    hinge = LinearClassifier(loss="hinge", random_state=0).fit(X, LABELS)
    assert (hinge.predict(X) == LABELS).mean() > 0.95


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
def test_probabilities_one_against_the_rest_are_those_of_scikit_learn(loss, n_classes):
    y = Y % n_classes
    model = LinearClassifier(loss=loss, multi_class="ovr", random_state=0).fit(X, y)
    peer = SGDClassifier(loss=loss, max_iter=1, tol=None).fit(X, y)
    peer.coef_, peer.intercept_ = model.coef_.copy(), model.intercept_.copy()
    far = np.vstack([X, -50 * X])  # there, no class may claim a row
    expected = peer.predict_proba(far)
    np.testing.assert_allclose(model.predict_proba(far), expected, rtol=1e-10, atol=1e-15)
    with np.errstate(divide="ignore"):
        logs = np.log(expected)
    known = logs > -15
    np.testing.assert_allclose(
        model.predict_log_proba(far)[known], logs[known], rtol=1e-8, atol=1e-14
    )


class Soft(Loss):
    """A user's loss of margins: log-loss at half the temperature."""

    task = "margin"

    def coefficients(self):
        return {"one": 1.0, "two": 2.0}

    def probability(self, z):
        return expit(2 * z)

    @staticmethod
    def loss(z, y, one, two):
        small = exp(-two * y * z)  # noqa: F821
        return log1p(small), -two * y * small / (one + small)  # noqa: F821


def test_own_losses_work_in_both():
    rows, y = X[:240], (Y[:240] > 0).astype(int)
    options = {"optimizer": Adam(), "lr": 0.1, "schedule": "cosine", "max_epochs": 20}
    options |= {"penalty": "l2", "shuffle": False, "random_state": 0}
    soft = LinearClassifier(loss=Soft(), alpha=0.04, **options).fit(rows, y)
    # Scores are half those of log-loss, and the penalty must be four times as strong.
    plain = LinearClassifier(alpha=0.01, **options).fit(rows, y)
    np.testing.assert_allclose(2 * soft.coef_, plain.coef_, rtol=1e-4)
    np.testing.assert_allclose(soft.predict_proba(rows), plain.predict_proba(rows), atol=1e-5)
    again = pickle.loads(pickle.dumps(soft)).partial_fit(rows, y)
    np.testing.assert_array_equal(again.coef_, clone(soft).fit(rows, y).partial_fit(rows, y).coef_)
    model = LinearRegressor(loss=Cauchy(scale=0.5), random_state=0).fit(X, REAL[:, 0])
    assert model.score(X, REAL[:, 0]) > 0.95


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_standardized_training_is_training_on_standardized_data(weighted, intercept, dtype):
    data = FAR if dtype == np.float64 else X * [0.1, 1, 20, 3, 1] + [1, 0, 30, -3, 1]
    data = data.astype(dtype)
    weight = RNG.uniform(0.1, 2, 300) if weighted else None
    options = {"fit_intercept": intercept, "random_state": 0, "max_epochs": 3}
    model = LinearClassifier(standardize=True, **options).fit(data, Y, sample_weight=weight)
    share = np.ones(300) if weight is None else weight / weight.mean()
    wide = data.astype(float)
    mean = share @ wide / 300 if intercept else np.zeros(5)
    scale = np.sqrt(share @ (wide - mean) ** 2 / 300)
    made = ((wide - mean) / scale).astype(dtype)
    other = LinearClassifier(standardize=False, **options).fit(made, Y, sample_weight=weight)
    rtol = 1e-7 if dtype == np.float64 else 2e-3
    close = {"rtol": rtol, "atol": rtol}
    np.testing.assert_allclose(model.coef_ * scale, other.coef_, **close)
    ours, theirs = model.predict_proba(data), other.predict_proba(made)
    np.testing.assert_allclose(ours, theirs, **close)
    assert model.coef_.dtype == dtype
    np.testing.assert_allclose(model.loss_curve_, other.loss_curve_, rtol=rtol)


def test_constant_features_are_left_out_of_it():
    constant = np.column_stack([FAR, np.full(300, 1e6), np.zeros(300)])
    model = LinearClassifier(standardize=True, random_state=0).fit(constant, Y)
    assert np.abs(model.coef_[:, 5:]).max() < 1e-12
    plain = LinearClassifier(standardize=True, random_state=0).fit(FAR, Y)
    np.testing.assert_allclose(
        model.decision_function(constant), plain.decision_function(FAR), 1e-6
    )
    without = LinearClassifier(standardize=True, fit_intercept=False, random_state=0)
    assert np.isfinite(without.fit(constant, Y).coef_).all()


def test_features_are_standardized_where_that_is_needed():
    def decided(data):
        model = LinearClassifier(random_state=0, max_epochs=1).fit(data, Y)
        return "scale" in model._inputs

    made = StandardScaler().fit_transform(FAR)
    pixels = RNG.random((300, 400)) * (RNG.random((300, 400)) < 0.5)
    everywhere = pixels.copy()
    pixels[:, :40] *= RNG.random((300, 40)) < 0.01  # at the edges
    assert not decided(made)
    assert not decided(X)
    assert not decided(np.zeros((300, 3)))
    assert not decided(pixels)
    assert decided(FAR)
    assert decided(255 * pixels)
    assert decided(everywhere)
    assert decided(pixels[:, -20:])
    assert decided(RNG.integers(0, 16, (300, 16)).astype(float))
    assert decided(0.01 * X)
    assert decided(X + 10)
    assert decided(np.where(X > 3, 1e300, X))


def test_scaling_stays_over_partial_fit_pickles_and_warm_starts():
    options = {"lr": 0.01, "schedule": None, "random_state": 0}
    model = LinearClassifier(**options).fit(FAR, Y)
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.partial_fit(FAR, Y)
    np.testing.assert_array_equal(model.coef_, again.coef_)
    twin = clone(model).set_params(warm_start=True, shuffle=False, batch_size=300, max_epochs=2)
    twice = clone(twin).set_params(max_epochs=1).fit(FAR, Y).fit(FAR, Y)
    np.testing.assert_allclose(twice.coef_, twin.fit(FAR, Y).coef_, rtol=1e-9)
    fresh = LinearClassifier(**options).partial_fit(FAR, Y, classes=[0, 1, 2])
    np.testing.assert_allclose(fresh._inputs["scale"], FAR.std(axis=0), rtol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        model.coef_[0, 0] = 1.0


@pytest.mark.parametrize("average", [True, "polyak", "ema"])
def test_averages_are_what_is_predicted_with(average):
    options = {"lr": 0.5, "schedule": None, "max_epochs": 3, "random_state": 0}
    kind = "polyak" if average is True else average
    model = LinearClassifier("sgd", average=average, **options).fit(X, Y)
    other = LinearClassifier(SGD(average=kind), **options).fit(X, Y)
    plain = LinearClassifier("sgd", average=False, **options).fit(X, Y)
    np.testing.assert_array_equal(model.coef_, other.coef_)
    assert not np.array_equal(model.coef_, plain.coef_)


def test_a_penalty_takes_the_place_of_a_named_optimizers_decay():
    options = {"lr": 0.01, "random_state": 0, "alpha": 0.05}
    named = LinearClassifier("adamw", penalty="l2", **options).fit(X, Y)
    same = LinearClassifier(AdamW(weight_decay=0.0, l2=0.05), **options).fit(X, Y)
    np.testing.assert_array_equal(named.coef_, same.coef_)
    both = LinearClassifier(AdamW(weight_decay=0.5), penalty="l2", **options).fit(X, Y)
    assert np.abs(both.coef_).sum() < np.abs(named.coef_).sum()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinearClassifier(loss="huber").fit(X, Y), "loss must be one of margins.*'huber'"),
        (lambda: LinearClassifier(loss=Poisson()).fit(X, Y), "loss must be one of margins"),
        (lambda: LinearClassifier(loss="foo").fit(X, Y), "loss must be one of .*got 'foo'"),
        (lambda: LinearRegressor(loss="hinge").fit(X, Y), "loss must be one of numbers.*'hinge'"),
        (lambda: LinearRegressor(loss="gamma").fit(X, Y), r"Gamma needs values of y in \(0, inf\)"),
        (lambda: LinearRegressor(loss="poisson").fit(X, -Y), r"Poisson needs values of y in \[0"),
        (
            lambda: LinearRegressor(FTRL(), penalty="l2").fit(X, Y),
            "FTRL has penalties of its own: set its l1 and l2, and penalty=None here",
        ),
    ],
)
def test_unfit_losses_and_penalties_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()
    assert not hasattr(LinearClassifier(loss="foo"), "predict_proba")


def test_loss_objects_are_parameters_like_others():
    model = LinearRegressor(loss=Huber(2.0))
    assert model.get_params()["loss__delta"] == 2.0
    copy = clone(model).set_params(loss__delta=0.5)
    assert (copy.loss, model.loss) == (Huber(0.5), Huber(2.0))
    assert repr(model) == "LinearRegressor(loss=Huber(delta=2.0))"
    assert LinearClassifier(loss=LogLoss(), random_state=0).fit(X, Y).predict_proba(X).shape[1] == 3


@pytest.mark.parametrize("standardize", ["auto", True])
@pytest.mark.parametrize("model", [LinearClassifier(), LinearRegressor()])
def test_fit_needs_little_memory_above_the_data(model, standardize):
    data = RNG.random((20_000, 300))
    y = (data[:, 0] > 0.5).astype(int)
    model = clone(model).set_params(standardize=standardize, max_epochs=2)
    model.fit(data[:500], y[:500])
    tracemalloc.start()
    try:
        model.fit(data, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.1 * data.nbytes


def test_weights_of_a_vector_of_targets_are_a_vector_to_read_and_to_set():
    y = REAL[:, 0]
    model = LinearRegressor(standardize=False, random_state=0).fit(X, y)
    column = LinearRegressor(standardize=False, random_state=0).fit(X, y[:, None])
    assert model.coef_.shape == (5,)
    np.testing.assert_array_equal(model.coef_[None], column.coef_)
    expected = model.predict(X)
    np.testing.assert_allclose(expected, X @ model.coef_ + model.intercept_, rtol=1e-9)
    assert model.sparsify().coef_.shape == (1, 5)
    np.testing.assert_allclose(model.densify().predict(X), expected, rtol=1e-9)
    model.coef_ = np.arange(5.0)
    np.testing.assert_array_equal(model.coef_, np.arange(5.0))
    np.testing.assert_allclose(model.predict(X), X @ np.arange(5.0) + model.intercept_)
    step = abs(model.partial_fit(X[:1], y[:1]).coef_ - np.arange(5.0)).max()
    assert 0 < step < 0.1  # training goes on from what was set
