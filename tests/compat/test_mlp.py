"""fastlr.compat's perceptrons come out as scikit-learn's do from the same random_state."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import neural_network
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastlr
from fastlr import compat
from fastlr.compat import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, DIGITS = load_digits(return_X_y=True)
X, DIGITS = X[:430] / 16, DIGITS[:430]  # batches of 200, 200 and 30 rows
TARGETS = {
    "classes": np.array([f"digit {k}" for k in range(10)])[DIGITS],
    "binary": DIGITS > 4,
    "multilabel": np.column_stack([DIGITS % 2, DIGITS > 4, DIGITS > 7]).astype(int),
    "numbers": DIGITS / 9.0,
    "several numbers": np.column_stack([DIGITS / 9, np.cos(DIGITS)]),
}
WEIGHTS = np.random.default_rng(0).uniform(0.2, 3, len(X))
SETTINGS = {
    "adam": {},
    "adam, its own": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "alpha": 0.3},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1, "alpha": 0.1},
    "sgd without momentum": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0},
    "sgd, heavy ball": {"solver": "sgd", "nesterovs_momentum": False, "batch_size": 61},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.2},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.2, "n_iter_no_change": 1},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 2, "tol": 0.05},
    "in order": {"shuffle": False, "activation": "logistic"},
    "tanh": {"activation": "tanh", "batch_size": 430},
    "identity": {"activation": "identity", "hidden_layer_sizes": (7,)},
}


def pair(target, **params):
    """Return our model and scikit-learn's with the same parameters."""
    names = {"hidden_layer_sizes": (20, 11), "max_iter": 8, "random_state": 3} | params
    if "number" in target:
        return MLPRegressor(**names), neural_network.MLPRegressor(**names)
    return MLPClassifier(**names), neural_network.MLPClassifier(**names)


def assert_same(ours, theirs, rtol=1e-10, loss_rtol=1e-3):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert a.shape == b.shape
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name)
    # The penalty in it is that of the ends of an epoch, not of each step.
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=loss_rtol)
    if theirs.validation_scores_ is not None:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=rtol)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("target", TARGETS)
def test_the_same_random_state_gives_the_same_model(target, setting):
    ours, theirs = pair(target, **SETTINGS[setting])
    assert_same(ours.fit(X, TARGETS[target]), theirs.fit(X, TARGETS[target]))
    guesses, expected = ours.predict(X), theirs.predict(X)
    assert guesses.dtype == expected.dtype
    if "number" in target:
        np.testing.assert_allclose(guesses, expected, rtol=1e-9)
    else:
        np.testing.assert_array_equal(guesses, expected)


def test_the_loss_without_a_penalty_is_the_same_to_rounding():
    for target, y in TARGETS.items():
        ours, theirs = pair(target, alpha=0.0)
        assert_same(ours.fit(X, y), theirs.fit(X, y), loss_rtol=1e-11)


def test_poisson():
    ours, theirs = pair("numbers", loss="poisson", alpha=0.0)
    assert_same(ours.fit(X, DIGITS * 1.0), theirs.fit(X, DIGITS * 1.0), loss_rtol=1e-11)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("target", ["classes", "several numbers"])
def test_weights_of_rows(target, early_stopping):
    ours, theirs = pair(target, alpha=0.0, early_stopping=early_stopping)
    for model in (ours, theirs):
        model.fit(X, TARGETS[target], sample_weight=WEIGHTS)
    assert_same(ours, theirs, loss_rtol=1e-11)


@pytest.mark.parametrize("setting", ["adam", "sgd", "inverse scaling"])
@pytest.mark.parametrize("target", ["classes", "multilabel", "numbers"])
def test_partial_fit_goes_on_after_pickling_and_in_other_sizes(target, setting):
    ours, theirs = pair(target, **SETTINGS[setting])
    y = TARGETS[target]
    more = {}
    if target == "classes":
        more = {"classes": np.unique(y)}
    elif target == "multilabel":
        more = {"classes": [0, 1, 2]}
    for stop in (430, 430, 77, 130, 430):
        for model in (ours, theirs):
            model.partial_fit(X[:stop], y[:stop], **more)
        ours = pickle.loads(pickle.dumps(ours))
    assert_same(ours, theirs)


@pytest.mark.parametrize("target", ["classes", "numbers"])
def test_warm_starts_go_on_alike(target):
    ours, theirs = pair(target, warm_start=True, **SETTINGS["inverse scaling"])
    for model in (ours, theirs):
        model.fit(X, TARGETS[target]).fit(X, TARGETS[target])
    assert_same(ours, theirs)


def test_float32_stays_float32():
    ours, theirs = pair("classes")
    rows = X.astype(np.float32)
    ours, theirs = ours.fit(rows, DIGITS), theirs.fit(rows, DIGITS)
    assert_same(ours, theirs, rtol=2e-5, loss_rtol=1e-4)
    assert ours.predict_proba(rows).dtype == np.float32


def test_what_is_left_to_scikit_learn_is_its_own():
    for params, rows in [({"solver": "lbfgs"}, X), ({}, csr_array(X))]:
        ours, theirs = pair("classes", **params)
        ours, theirs = ours.fit(rows, DIGITS), theirs.fit(rows, DIGITS)
        np.testing.assert_array_equal(ours.coefs_[0], theirs.coefs_[0])


def test_a_model_that_diverges_is_refused_as_there():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
            MLPRegressor(solver="sgd", learning_rate_init=1e200).fit(X * 1e100, DIGITS)


@pytest.mark.parametrize("name", compat.__all__)
def test_skops_needs_to_trust_fastlr_alone_and_training_goes_on(name):
    skops = pytest.importorskip("skops.io")
    model = getattr(compat, name)(random_state=0).partial_fit(X, DIGITS, **_classes(name))
    loaded = skops.loads(skops.dumps(model), trusted=fastlr.SKOPS_TRUSTED)
    for each in (model, loaded):
        each.partial_fit(X, DIGITS)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def _classes(name):
    return {"classes": np.unique(DIGITS)} if "Classifier" in name else {}


@parametrize_with_checks([MLPClassifier(max_iter=50), MLPRegressor(max_iter=50)])
def test_estimator_checks(estimator, check):
    check(estimator)
