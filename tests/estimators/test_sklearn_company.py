"""Every estimator inside what people combine it with: searches, ensembles, inspection, files."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from fastlr.estimators.session.callbacks import tasks_of
from tests.support.estimators import ALL, CLASSIFIERS, REGRESSORS, assert_same, data_for, raw_scores

every = pytest.mark.parametrize("cls", ALL)


def small(cls, **params):
    """Return an estimator that trains for a moment, the same each time."""
    return cls(**{"max_epochs": 3, "batch_size": 30, "random_state": 0} | params)


def wrapped(kind, other, cls, *args, **kwargs):
    """Return the meta-estimator of classifiers or of regressors."""
    return (kind if cls in CLASSIFIERS else other)(*args, **kwargs)


@every
def test_clones_train_alike_and_carry_nothing_over(cls):
    X, y = data_for(cls)
    model = small(cls, optimizer=fastlr.SGD(momentum=0.9)).fit(X, y)
    copied = clone(model)
    assert copied.optimizer is not model.optimizer
    assert not [name for name in vars(copied) if name.endswith("_")]
    assert_same(copied.fit(X, y), model, X)
    assert copied.set_params(optimizer__momentum=0.5).optimizer == fastlr.SGD(momentum=0.5)
    assert model.optimizer == fastlr.SGD(momentum=0.9)


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_files_keep_model_and_run(cls, dtype, tmp_path):
    skops = pytest.importorskip("skops.io")
    X, y = data_for(cls)
    X = X.astype(dtype)
    model = small(cls, early_stopping=True).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    dumped = skops.dumps(model)
    assert set(skops.get_untrusted_types(data=dumped)) <= set(fastlr.SKOPS_TRUSTED)
    loaded = [
        pickle.loads(pickle.dumps(model)),
        joblib.load(tmp_path / "model.joblib"),
        joblib.load(tmp_path / "model.joblib", mmap_mode="r"),
        skops.loads(dumped, trusted=fastlr.SKOPS_TRUSTED),
    ]
    before = raw_scores(model, X)
    for each in loaded:
        assert_same(each, model, X)
        np.testing.assert_array_equal(each.validation_scores_, model.validation_scores_)
    model.partial_fit(X, y)
    for each in loaded:
        assert_same(each.partial_fit(X, y), model, X)
    assert (raw_scores(model, X) != before).any()


@every
def test_fitted_state_is_arrays_and_plain_values(cls):
    X, y = data_for(cls)

    def plain(value):
        if isinstance(value, dict):
            return all(plain(v) for v in value.values())
        if isinstance(value, (list, tuple)):
            return all(plain(v) for v in value)
        return isinstance(value, (np.ndarray, int, float, str, bool, type(None)))

    model = small(cls).fit(X, y)
    fitted = {k: v for k, v in model.__getstate__().items() if k not in model.get_params()}
    assert {k: plain(v) for k, v in fitted.items()} == dict.fromkeys(fitted, True)
    size = len(pickle.dumps(model))
    # But for history, the last moves of parameters, and 16 rows at most that scales take in next.
    for _ in range(10):
        model.partial_fit(X, y)
    assert len(pickle.dumps(model)) < size + 6500 + 16 * (X[0].nbytes + y[0].nbytes)


@every
def test_grid_search_in_a_pipeline_refits_what_it_scored_best(cls):
    X, y = data_for(cls)
    name = cls.__name__.lower()
    pipeline = make_pipeline(StandardScaler(), small(cls))
    grid = {
        f"{name}__optimizer": [fastlr.SGD(momentum=0.9), fastlr.AdamW()],
        f"{name}__optimizer__weight_decay": [0, 1e-2],
        f"{name}__lr": [1e-4, 1e-2],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert search.cv_results_["mean_test_score"].std() > 0
    direct = clone(pipeline).set_params(**search.best_params_).fit(X, y)
    assert_same(direct, search, X)


@every
def test_halving_search_may_spend_epochs(cls):
    X, y = data_for(cls)
    search = HalvingGridSearchCV(
        small(cls), {"lr": [1e-5, 1e-4, 1e-3, 1e-2]}, resource="max_epochs", max_resources=8,
        min_resources=2, factor=2, cv=2, random_state=0, error_score="raise",
    ).fit(X, y)  # fmt: skip
    assert search.n_resources_ == [2, 4, 8]
    assert search.best_estimator_.n_iter_ == search.best_estimator_.max_epochs
    assert search.best_params_["lr"] > 1e-5


@every
def test_cross_validated_predictions_are_those_of_a_model_per_fold(cls):
    X, y = data_for(cls)
    folds = KFold(3, shuffle=True, random_state=0)
    got = cross_val_predict(small(cls), X, y, cv=folds)
    for train, test in folds.split(X):
        np.testing.assert_array_equal(
            got[test], small(cls).fit(X[train], y[train]).predict(X[test])
        )


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_calibration_improves_what_a_coarse_model_says(cls):
    X, y = data_for(cls)
    model = small(cls, max_epochs=1, lr=1e-4)  # sure of nothing
    calibrated = CalibratedClassifierCV(model, cv=3).fit(X[:200], y[:200])
    losses = [
        brier_score_loss(y[200:], each.predict_proba(X[200:])[:, 1])
        for each in (model.fit(X[:200], y[:200]), calibrated)
    ]
    assert losses[1] < 0.7 * losses[0]


@every
def test_voting_and_stacking(cls):
    X, y = data_for(cls)
    parts = [("a", small(cls)), ("b", small(cls, lr=1e-2))]
    vote = wrapped(VotingClassifier, VotingRegressor, cls, parts).fit(X, y)
    if cls in CLASSIFIERS:
        vote.set_params(voting="soft").fit(X, y)
        expected = np.mean([e.predict_proba(X) for e in vote.estimators_], axis=0)
        np.testing.assert_allclose(vote.predict_proba(X), expected, rtol=1e-12)
    else:
        expected = np.mean([e.predict(X) for e in vote.estimators_], axis=0)
        np.testing.assert_allclose(vote.predict(X), expected, rtol=1e-12)
    stack = wrapped(
        StackingClassifier,
        StackingRegressor,
        cls,
        parts,
        final_estimator=small(cls, max_epochs=10),
        cv=2,
    ).fit(X, y)
    assert stack.score(X, y) > 0.2
    assert type(stack.final_estimator_) is cls


@every
def test_one_model_for_each_output(cls):
    X, y = data_for(cls)
    targets = np.column_stack([y, y > np.median(y) if cls in REGRESSORS else 1 - y])
    model = wrapped(MultiOutputClassifier, MultiOutputRegressor, cls, small(cls)).fit(X, targets)
    for k in (0, 1):
        np.testing.assert_array_equal(
            model.predict(X)[:, k], small(cls).fit(X, targets[:, k]).predict(X)
        )


@every
def test_inspection_finds_the_feature_that_matters(cls):
    pytest.importorskip("matplotlib").use("Agg")
    X, y = data_for(cls)
    X = X[:, :4].copy()
    y = (X[:, 2] > 0).astype(int) if cls in CLASSIFIERS else 100 * X[:, 2]
    model = small(cls, max_epochs=30).fit(X, y)
    importance = permutation_importance(model, X, y, n_repeats=3, random_state=0)
    assert importance.importances_mean.argmax() == 2
    display = PartialDependenceDisplay.from_estimator(model, X, [2], grid_resolution=10)
    curve = display.pd_results[0]["average"][0]
    assert (np.diff(curve) > 0).all()


@every
def test_sample_weights_and_validation_sets_are_routed_through_a_pipeline(cls):
    X, y = data_for(cls)
    weight = np.random.default_rng(0).uniform(0, 2, len(X))
    with config_context(enable_metadata_routing=True):
        model = small(cls, early_stopping=True, max_epochs=4)
        model.set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model, transform_input=["X_val"])
        pipeline.fit(X[:200], y[:200], sample_weight=weight[:200], X_val=X[200:], y_val=y[200:])
        scaler = StandardScaler().fit(X[:200])
        direct = small(cls, early_stopping=True, max_epochs=4).fit(
            scaler.transform(X[:200]), y[:200], weight[:200],
            X_val=scaler.transform(X[200:]), y_val=y[200:],
        )  # fmt: skip
        assert_same(direct, pipeline[-1], scaler.transform(X))
        weighted = small(cls).set_fit_request(sample_weight=True)
        weighted.set_score_request(sample_weight=False)
        routed = cross_validate(
            weighted, X, y, cv=2, params={"sample_weight": weight}, return_estimator=True
        )
    plain = cross_validate(small(cls), X, y, cv=2, return_estimator=True)
    difference = raw_scores(routed["estimator"][0], X) - raw_scores(plain["estimator"][0], X)
    assert np.abs(difference).max() > 1e-6


@every
def test_it_shows_itself_in_text_and_html(cls):
    X, y = data_for(cls)
    model = small(cls, optimizer=fastlr.SGD(momentum=0.9))
    assert repr(model).startswith(f"{cls.__name__}(")
    assert "optimizer=SGD(momentum=0.9)" in repr(model)
    for each in (model, model.fit(X, y), make_pipeline(StandardScaler(), model)):
        assert "SGD(momentum=0.9)" in each._repr_html_()


@every
def test_names_of_columns_are_kept_and_checked(cls):
    pd = pytest.importorskip("pandas")
    X, y = data_for(cls)
    frame = pd.DataFrame(X).add_prefix("f")
    model = small(cls, early_stopping=True).fit(frame, y, X_val=frame[:50], y_val=y[:50])
    assert model.feature_names_in_.tolist() == frame.columns.tolist()
    plain = small(cls, early_stopping=True).fit(X, y, X_val=X[:50], y_val=y[:50])
    np.testing.assert_array_equal(raw_scores(model, frame), raw_scores(plain, X))
    for wrong in (
        lambda: model.partial_fit(frame[frame.columns[::-1]], y),
        lambda: model.fit(frame, y, X_val=frame[frame.columns[::-1]], y_val=y),
    ):
        with pytest.raises(ValueError, match="feature names should match"):
            wrong()


@every
def test_callbacks_are_ignored_before_scikit_learn_1_9(cls, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    X, y = data_for(cls)
    model = small(cls).set_callbacks(print)
    assert tasks_of(model, "epoch", 3) is None
    assert model.fit(X, y).n_iter_ == 3
