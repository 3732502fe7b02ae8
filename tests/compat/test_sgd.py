"""fastlr.compat's SGD estimators give scikit-learn's weights, row by row."""

import pickle

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn import linear_model
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastlr.compat import SGDClassifier, SGDRegressor

X, SPECIES = load_iris(return_X_y=True)
X = scale(X)
ORDER = np.random.default_rng(0).permutation(len(X))
X, SPECIES = X[ORDER], SPECIES[ORDER]
XR, YR = load_diabetes(return_X_y=True)
XR, YR = scale(XR), scale(YR)
EXACT = {"shuffle": False, "tol": None, "max_iter": 3}
TARGETS = {"binary": np.where(SPECIES == 1, "yes", "no"), "classes": SPECIES}
CLASSIFIERS = linear_model.SGDClassifier.loss_functions
REGRESSORS = linear_model.SGDRegressor.loss_functions
# Rates at which no loss runs away: there a rounding would grow.
GENTLE = {"learning_rate": "constant", "eta0": 0.01}
SETTINGS = {
    "gentle": GENTLE,
    "inverse scaling": {"learning_rate": "invscaling", "eta0": 0.05, "power_t": 0.4},
    "optimal": {"learning_rate": "optimal", "alpha": 0.5},
    "strong penalty": GENTLE | {"alpha": 300.0, "eta0": 0.001, "average": True},
    "no penalty": GENTLE | {"penalty": None},
    "no intercept": GENTLE | {"fit_intercept": False},
    "average": GENTLE | {"average": True},
    "average with optimal": {"learning_rate": "optimal", "alpha": 0.5, "average": True},
    "average, late": GENTLE | {"average": 200},
    "average of a later rate": {"learning_rate": "invscaling", "eta0": 0.05, "average": 17},
    "average, never": GENTLE | {"average": 10_000},
    "epsilon": GENTLE | {"epsilon": 0.4},
}


def assert_same_weights(ours, theirs, rtol=1e-9):
    for name in ("coef_", "intercept_"):
        a, b = getattr(ours, name), getattr(theirs, name)
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("loss", CLASSIFIERS)
@pytest.mark.parametrize("target", TARGETS)
def test_classifier_walks_as_scikit_learn(loss, setting, target):
    params = EXACT | SETTINGS[setting] | {"loss": loss}
    ours = SGDClassifier(**params).fit(X, TARGETS[target])
    theirs = linear_model.SGDClassifier(**params).fit(X, TARGETS[target])
    assert_same_weights(ours, theirs)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("loss", REGRESSORS)
def test_regressor_walks_as_scikit_learn(loss, setting):
    params = EXACT | SETTINGS[setting] | {"loss": loss}
    ours = SGDRegressor(**params).fit(XR, YR)
    theirs = linear_model.SGDRegressor(**params).fit(XR, YR)
    assert_same_weights(ours, theirs)


@pytest.mark.parametrize("rate", ["constant", "optimal", "invscaling"])
def test_a_penalty_beyond_what_a_step_bears_ends_at_zero(rate):
    # Losses without a kink at zero, where the last bit would decide.
    params = EXACT | {"alpha": 2000.0, "learning_rate": rate, "eta0": 0.001, "loss": "log_loss"}
    ours = SGDClassifier(**params).fit(X, SPECIES)
    assert_same_weights(ours, linear_model.SGDClassifier(**params).fit(X, SPECIES))
    params |= {"loss": "squared_error"}
    ours = SGDRegressor(**params).fit(XR, YR)
    assert_same_weights(ours, linear_model.SGDRegressor(**params).fit(XR, YR))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("class_weight", [None, "balanced", "dict"])
def test_weights_of_rows_and_classes(target, class_weight):
    y = TARGETS[target]
    if class_weight == "dict":
        class_weight = dict(zip(np.unique(y), [0.3, 2.0, 0.7], strict=False))
    params = EXACT | GENTLE | {"class_weight": class_weight, "loss": "log_loss"}
    rows = np.random.default_rng(1).uniform(0, 3, len(y))
    ours = SGDClassifier(**params).fit(X, y, sample_weight=rows)
    theirs = linear_model.SGDClassifier(**params).fit(X, y, sample_weight=rows)
    assert_same_weights(ours, theirs)
    parallel = SGDClassifier(**params, n_jobs=2).fit(X, y, sample_weight=rows)
    np.testing.assert_array_equal(parallel.coef_, ours.coef_)


@pytest.mark.parametrize("average", [False, True, 200])
def test_partial_fit_and_warm_starts_go_on_alike(average):
    # With an intercept, scikit-learn 1.9 forgets between calls which one the average came from.
    params = {"shuffle": False, "average": average, "fit_intercept": not average, "alpha": 0.1}
    params |= {"loss": "modified_huber"}
    pair = SGDClassifier(**params), linear_model.SGDClassifier(**params)
    for start in (0, 50, 100, 0):
        for model in pair:
            rows = slice(start, start + 50)
            model.partial_fit(X[rows], SPECIES[rows], classes=[0, 1, 2])
    assert_same_weights(*pair)
    for model in pair:
        model.set_params(max_iter=2, tol=None, warm_start=True, alpha=0.05)
        model.fit(X, SPECIES).fit(X, SPECIES)
    assert_same_weights(*pair)
    for model in pair:
        model.fit(X, SPECIES, coef_init=np.ones((3, 4)), intercept_init=np.arange(3.0))
    assert_same_weights(*pair)


def test_partial_fit_of_a_regressor_after_pickling():
    params = {"shuffle": False, "average": 300, "loss": "huber", "epsilon": 0.5}
    ours, theirs = SGDRegressor(**params), linear_model.SGDRegressor(**params)
    for _ in range(2):
        ours = pickle.loads(pickle.dumps(ours.partial_fit(XR, YR)))
        theirs.partial_fit(XR, YR)
    assert_same_weights(ours, theirs)


@pytest.mark.parametrize("rate", ["constant", "adaptive"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_binary_training_stops_where_scikit_learn_stops(early_stopping, rate):
    params = {
        "shuffle": False,
        "early_stopping": early_stopping,
        "learning_rate": rate,
        "eta0": 0.05,
        "loss": "log_loss",
        "random_state": 0,
        "n_iter_no_change": 3,
        "tol": 1e-2,
    }
    ours = SGDClassifier(**params).fit(X, SPECIES == 1)
    theirs = linear_model.SGDClassifier(**params).fit(X, SPECIES == 1)
    assert 3 < ours.n_iter_ < 1000
    if not early_stopping:  # scikit-learn 1.9 scores +1 and -1 against labels 0 and 1 here
        assert_same_weights(ours, theirs)
    regressors = [
        m(**params | {"loss": "huber"}) for m in (SGDRegressor, linear_model.SGDRegressor)
    ]
    assert_same_weights(*(m.fit(XR, YR) for m in regressors))


@pytest.mark.parametrize("rate", ["pa1", "pa2"])
def test_what_is_left_to_scikit_learn_is_its_own(rate):
    params = {"learning_rate": rate, "eta0": 0.5, "random_state": 0}
    ours, theirs = SGDClassifier(**params), linear_model.SGDClassifier(**params)
    assert_same_weights(ours.fit(X, SPECIES), theirs.fit(X, SPECIES), rtol=0)
    ours, theirs = SGDClassifier(random_state=0), linear_model.SGDClassifier(random_state=0)
    rows = csr_array(X)
    rows.indices, rows.indptr = rows.indices.astype(np.int32), rows.indptr.astype(np.int32)
    assert_same_weights(ours.fit(rows, SPECIES), theirs.fit(rows, SPECIES), rtol=0)


@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
def test_l1_makes_zeros_and_comes_to_the_same_minimum(penalty):
    params = {"penalty": penalty, "alpha": 0.1, "l1_ratio": 0.9, "loss": "log_loss"}
    params |= {"learning_rate": "invscaling", "eta0": 0.1, "tol": None, "max_iter": 400}
    ours = SGDClassifier(**params, random_state=0).fit(X, SPECIES == 0)
    theirs = linear_model.SGDClassifier(**params, random_state=0).fit(X, SPECIES == 0)
    assert ((ours.coef_ == 0) == (theirs.coef_ == 0)).all()
    assert 1 <= (ours.coef_ == 0).sum() < 4
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-2)


def test_float32_stays_float32():
    model = SGDClassifier(**EXACT, **GENTLE).fit(X.astype(np.float32), SPECIES)
    assert model.coef_.dtype == model.decision_function(X.astype(np.float32)).dtype == np.float32


def test_shuffling_follows_the_random_state():
    fits = [SGDClassifier(random_state=s, tol=None, max_iter=2).fit(X, SPECIES) for s in (0, 0, 1)]
    np.testing.assert_array_equal(fits[0].coef_, fits[1].coef_)
    assert np.abs(fits[0].coef_ - fits[2].coef_).max() > 1e-3


def test_it_is_scikit_learns_class_for_everyone():
    model = SGDClassifier(alpha=0.01)
    assert isinstance(model, linear_model.SGDClassifier)
    assert clone(model).get_params() == linear_model.SGDClassifier(alpha=0.01).get_params()
    assert repr(model) == "SGDClassifier(alpha=0.01)"
    with pytest.warns(ConvergenceWarning, match="Maximum number of iteration reached"):
        SGDRegressor(max_iter=2, tol=1e-9).fit(XR, YR)
    with pytest.raises(ValueError, match="under-/overflow occurred at epoch #1"):
        SGDRegressor(eta0=1e100).fit(XR * 1e100, YR)


def weights_are_not_repetitions(estimator):
    """Return what scikit-learn too expects to fail: a row of weight 2 is not the row twice."""
    reason = "the order in which rows are visited depends on their number"
    return dict.fromkeys(
        (f"check_sample_weight_equivalence_on_{kind}_data" for kind in ("dense", "sparse")), reason
    )


@parametrize_with_checks(
    [SGDClassifier(max_iter=50), SGDRegressor(max_iter=50)],
    expected_failed_checks=weights_are_not_repetitions,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimator_checks(estimator, check):
    check(estimator)
