"""A rate that is given for one batch size and used with another."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastlr import (
    SGD,
    Adam,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    Prodigy,
    scale_lr,
)

KINDS = [LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor]
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((300, 4)), np.arange(300) % 3


def made(kind, **params):
    return kind(**{"max_epochs": 1, "random_state": 0, "schedule": None, **params})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("optimizer", "factor"), [("sgd", 0.25), (SGD(momentum=0.9), 0.25), ("adam", 0.5)]
)
def test_the_rate_is_scaled_to_the_batch_size_in_use(kind, optimizer, factor):
    params = {"optimizer": optimizer, "batch_size": 16}
    scaled = made(kind, lr=0.02, reference_batch_size=64, **params).fit(X, Y)
    plain = made(kind, lr=0.02 * factor, **params).fit(X, Y)
    assert scaled.lr_ == plain.lr_ == 0.02 * factor
    assert_array_equal(scaled.predict(X), plain.predict(X))
    assert scaled.history_["lr"][0] == pytest.approx(0.02 * factor)


def test_batches_are_no_larger_than_the_data():
    model = made(LinearClassifier, optimizer="sgd", lr=0.01, reference_batch_size=100)
    assert model.set_params(batch_size=5000).fit(X, Y).lr_ == pytest.approx(0.03)
    assert model.set_params(batch_size="auto").fit(X[:200], Y[:200]).lr_ == pytest.approx(0.02)
    held_out = clone(model).set_params(early_stopping=True, validation_fraction=0.5)
    assert held_out.fit(X[:200], Y[:200]).lr_ == pytest.approx(0.01)


def test_an_optimizer_that_was_given_a_rate_has_it_scaled():
    model = made(LinearClassifier, optimizer=SGD(lr=0.5), batch_size=10, reference_batch_size=20)
    assert model.fit(X, Y).lr_ == 0.25
    model = made(LinearClassifier, optimizer=Prodigy(lr=0.5), batch_size=10)
    assert model.set_params(reference_batch_size=20).fit(X, Y).lr_ == 0.5
    large = made(LinearClassifier, optimizer="sgd", lr=0.1, batch_size=100)
    large.set_params(reference_batch_size=4000).fit(X, Y)
    assert large.lr_ == scale_lr(0.1, 4000, 100) == pytest.approx(0.1 / 20)


def test_rates_by_layer_are_all_scaled():
    model = made(MLPClassifier, lr=slice(0.01, 0.04), optimizer="adam", batch_size=25)
    model.set_params(reference_batch_size=100, hidden_layer_sizes=(5, 5)).fit(X, Y)
    np.testing.assert_allclose(model.layer_lrs_, [0.005, 0.01, 0.02])


@pytest.mark.parametrize("kind", KINDS)
def test_chunks_go_by_the_first_and_pickles_remember_it(kind):
    model = made(kind, lr=0.1, optimizer=Adam(), batch_size=32, reference_batch_size=128)
    more = {"classes": range(3)} if "Classifier" in kind.__name__ else {}
    model.partial_fit(X[:200], Y[:200], **more)
    assert model.lr_ == pytest.approx(0.05)
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        assert each.partial_fit(X[:8], Y[:8]).lr_ == pytest.approx(0.05)
    assert_array_equal(model.predict(X), again.predict(X))
    small = clone(model).partial_fit(X[:8], Y[:8], **more)
    assert small.lr_ == pytest.approx(0.025)
    chunks = [(X[:32], Y[:32]), (X[32:], Y[32:])]
    assert clone(model).fit_stream(chunks, **more).lr_ == pytest.approx(0.05)
    model.set_params(reference_batch_size=None).partial_fit(X, Y)
    assert model.lr_ == pytest.approx(0.1)


def test_a_warm_start_scales_to_its_own_batches():
    model = made(LinearClassifier, lr=0.1, optimizer="sgd", warm_start=True, batch_size=10)
    model.set_params(reference_batch_size=10).fit(X, Y)
    assert model.set_params(batch_size=30).fit(X, Y).lr_ == pytest.approx(0.3)


def test_searches_over_batch_sizes_keep_the_rate_in_step():
    model = made(LinearClassifier, lr=0.01, optimizer="sgd", reference_batch_size=10)
    found = GridSearchCV(model, {"batch_size": [5, 20]}, cv=2).fit(X, Y).best_estimator_
    assert found.lr_ == pytest.approx(0.01 * found.batch_size / 10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [0, -3, 2.5, "auto"])
def test_unfit_sizes_are_refused_by_name(kind, wrong):
    with pytest.raises(ValueError, match="'reference_batch_size' parameter of"):
        made(kind, lr=0.1, reference_batch_size=wrong).fit(X, Y)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_that_is_still_to_be_found_has_no_reference(kind):
    model = made(kind, reference_batch_size=32)
    more = {"classes": range(3)} if "Classifier" in kind.__name__ else {}
    for train in (model.fit, lambda X, y: model.partial_fit(X, y, **more)):
        with pytest.raises(ValueError, match=r"reference_batch_size=32 says.*lr='auto' finds"):
            train(X, Y)
    assert not hasattr(model, "n_iter_")
