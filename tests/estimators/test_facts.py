"""What `fit` notes for a diagnosis, against what NumPy and scikit-learn make of the same data."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss

from fastlr import LinearClassifier, LinearRegressor, MLPClassifier, ScaleWarning

X, Y = load_digits(n_class=4, return_X_y=True)
X = X[:120]
Y = Y[:120]  # so few that all are looked at
WEIGHTS = np.linspace(0.2, 2.0, len(Y))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("labels", [Y, Y == 0])
def test_loss_of_the_best_constant_prediction(labels, weights):
    history = LinearClassifier(lr=0.01, max_epochs=2).fit(X, labels, weights).history_
    share = [np.average(labels == each, weights=weights) for each in np.unique(labels)]
    expected = log_loss(labels, np.tile(share, (len(labels), 1)), sample_weight=weights)
    np.testing.assert_allclose(history["constant_loss"], expected, rtol=1e-12)
    np.testing.assert_allclose(history["start_loss"], np.log(len(share)), rtol=1e-12)


def test_constant_loss_of_the_hinge_is_twice_the_rarer_class():
    labels = Y == 0
    history = LinearClassifier(loss="hinge", lr=0.01, max_epochs=2).fit(X, labels).history_
    np.testing.assert_allclose(history["constant_loss"], 2 * labels.mean(), rtol=1e-12)


def test_constant_loss_of_regression_is_that_of_the_mean():
    y = np.stack([X[:, 10] * 100 + 7, X[:, 20]], axis=1)
    model = LinearRegressor(lr=0.01, max_epochs=2).fit(X, y)
    np.testing.assert_allclose(model.history_["constant_loss"], 1.0, rtol=1e-12)  # two halves
    np.testing.assert_allclose(model.history_["start_loss"], 1.0, rtol=1e-12)


def test_start_loss_of_a_network_is_that_of_its_first_weights():
    model = MLPClassifier((8,), lr=1e-30, optimizer="sgd", max_epochs=1, random_state=0)
    model.fit(X, Y)
    start = -model.predict_log_proba(X)[np.arange(len(Y)), Y].mean()
    np.testing.assert_allclose(model.history_["start_loss"], start, rtol=1e-9)


def test_movement_and_alignment_are_of_the_parameters():
    points = []

    def keep(model, row):
        points.append(np.concatenate([model.coef_.ravel(), model.intercept_]).copy())

    model = LinearClassifier(lr=0.01, max_epochs=5, random_state=0, standardize=False)
    history = model.fit(X, Y, on_epoch=keep).history_
    moves = np.diff([np.zeros_like(points[0]), *points], axis=0)
    sizes = np.linalg.norm(moves, axis=1)
    np.testing.assert_allclose(history["movement"], sizes / np.linalg.norm(points, axis=1))
    cosines = (moves[1:] * moves[:-1]).sum(axis=1) / (sizes[1:] * sizes[:-1])
    np.testing.assert_allclose(history["alignment"], [np.nan, *cosines])


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_sizes_of_features_that_are_not_scaled(convert):
    wide = X * np.logspace(-3, 3, X.shape[1])
    model = LinearClassifier(lr=1e-9, max_epochs=1, standardize=False)
    with pytest.warns(ScaleWarning):
        model.fit(convert(wide), Y)
    sizes = np.abs(wide).max(axis=0)
    assert model.history_["smallest_feature"] == sizes[sizes > 0].min()
    assert model.history_["largest_feature"] == sizes.max()
    scaled = LinearClassifier(lr=1e-9, max_epochs=1, standardize=True).fit(convert(wide), Y)
    assert np.isnan(scaled.history_["largest_feature"]).all()


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
def test_dead_units_are_those_that_no_row_gets_through_to(convert):
    first = MLPClassifier((10,), lr=1e-9, max_epochs=1, random_state=0).fit(X, Y)
    first.coefs_ = [first.coefs_[0].copy(), first.coefs_[1]]
    first.coefs_[0][:, :4] = -1.0
    model = MLPClassifier((10,), lr=1e-9, max_epochs=1, warm_start_from=first, random_state=0)
    model.fit(convert(X), Y)
    alive = (X @ model.coefs_[0] + model.intercepts_[0] > 0).any(axis=0)
    assert model.history_["dead_units"] == 1 - alive.mean() >= 0.4


def test_facts_are_of_the_first_of_warm_fits_and_in_pickles():
    import pickle

    model = LinearClassifier(lr=0.01, max_epochs=1, schedule=None, warm_start=True).fit(X, Y)
    first = model.history_["start_loss"][0]
    again = pickle.loads(pickle.dumps(model)).fit(X, Y)
    assert again.history_["start_loss"].tolist() == [first] * 2
