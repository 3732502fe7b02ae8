"""LinearClassifier inside what people use it with: pipelines, searches, files, threads."""

import copy
import importlib
import pickle
import threading
import time

import joblib
import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastlr
from fastlr import SGD, AdamW, LinearClassifier, OneCycle, StepDecay, Warmup
from fastlr.schedules import epochs

X, Y = load_digits(return_X_y=True)
X = X[:600] / 16
Y = Y[:600]


def test_clone_copies_nested_objects_and_leaves_fitted_state_behind():
    model = LinearClassifier(SGD(momentum=0.9, schedule=OneCycle()), lr=0.1).fit(X, Y)
    copied = clone(model)
    assert not hasattr(copied, "coef_")
    assert copied.optimizer == model.optimizer
    assert copied.optimizer is not model.optimizer
    assert copied.get_params()["optimizer__momentum"] == 0.9
    assert is_classifier(copied)


def test_grid_search_reaches_every_parameter_through_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), LinearClassifier(max_epochs=2, random_state=0))
    grid = {
        "optimizer": [SGD(momentum=0.9), AdamW()],
        "optimizer__weight_decay": [0, 1e-2],
        "lr": [1e-3, 1e-2],
        "schedule": ["onecycle", None],
        "batch_size": [16, "auto"],
    }
    grid = {f"linearclassifier__{name}": values for name, values in grid.items()}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, Y)
    assert len(search.cv_results_["params"]) == 32
    best = search.best_params_
    fitted = search.best_estimator_[-1]
    assert fitted.optimizer.weight_decay == best["linearclassifier__optimizer__weight_decay"]
    assert type(fitted.optimizer) is type(best["linearclassifier__optimizer"])
    # The candidate's scores are those of the model that its parameters describe.
    direct = clone(pipeline).set_params(**best).fit(X, Y)
    np.testing.assert_array_equal(direct[-1].coef_, fitted.coef_)
    assert search.best_score_ > 0.8
    model = LinearClassifier(max_epochs=2, random_state=0)
    by_name = GridSearchCV(model, {"optimizer": ["adamw", "sgd"]}, cv=2)
    assert by_name.fit(X, Y).best_score_ > 0.8


def test_parallel_cross_validation_equals_the_serial_one():
    model = LinearClassifier(random_state=0, batch_size=32)
    serial = cross_val_predict(model, X, Y, cv=3, method="predict_proba")
    parallel = cross_val_predict(model, X, Y, cv=3, method="predict_proba", n_jobs=2)
    np.testing.assert_array_equal(serial, parallel)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "optimizer",
    [
        "adamw",
        SGD(momentum=0.9, average="ema"),
        AdamW(schedule=Warmup(0.1).then(StepDecay(epochs(2)) * OneCycle(total_steps=500))),
    ],
)
def test_files_keep_predictions_and_the_run(optimizer, dtype, tmp_path):
    skops = pytest.importorskip("skops.io")
    data = X.astype(dtype)
    model = LinearClassifier(optimizer, random_state=0, batch_size=50, max_epochs=2).fit(data, Y)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = {
        "pickle": pickle.loads(pickle.dumps(model)),
        "joblib": joblib.load(tmp_path / "model.joblib"),
        "mapped": joblib.load(tmp_path / "model.joblib", mmap_mode="r"),
        "skops": skops.loads(skops.dumps(model), trusted=fastlr.SKOPS_TRUSTED),
        "copy": copy.deepcopy(model),
    }
    for each in loaded.values():
        assert each.get_params().keys() == model.get_params().keys()
        np.testing.assert_array_equal(each.predict_proba(data), model.predict_proba(data))
        np.testing.assert_array_equal(each.loss_curve_, model.loss_curve_)
        again = LinearClassifier(**each.get_params(deep=False)).fit(data, Y)
        np.testing.assert_array_equal(again.coef_, model.coef_)
    model.partial_fit(data, Y)
    for name, each in loaded.items():
        each.partial_fit(data, Y)
        np.testing.assert_array_equal(each.coef_, model.coef_, err_msg=name)
        np.testing.assert_array_equal(each.predict_proba(data), model.predict_proba(data))


def test_skops_needs_no_more_trust_than_is_exported():
    skops = pytest.importorskip("skops.io")
    model = make_pipeline(StandardScaler(), LinearClassifier(AdamW())).fit(X, Y)
    dumped = skops.dumps(model)
    assert set(skops.get_untrusted_types(data=dumped)) <= set(fastlr.SKOPS_TRUSTED)
    for name in fastlr.SKOPS_TRUSTED:
        module, _, cls = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), cls), type)


def test_threads_fit_their_own_models_at_once():
    def options(i):
        return {"random_state": i, "batch_size": 20 + i, "max_epochs": 20}

    expected = [LinearClassifier(**options(i)).fit(X, Y).coef_ for i in range(4)]
    got = [None] * 4

    def work(i):
        got[i] = LinearClassifier(**options(i)).fit(X, Y).coef_

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(
    fastlr.backend_info()["stepper"] != "compiled", reason="needs the compiled core"
)
def test_other_threads_run_during_an_epoch():
    rng = np.random.default_rng(0)
    rows, labels = rng.standard_normal((20_000, 500), np.float32), rng.integers(0, 10, 20_000)
    model = LinearClassifier(max_epochs=10, random_state=0)
    ticks: list[float] = []
    done = threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    model.fit(rows, labels)
    end = time.perf_counter()
    done.set()
    thread.join()
    started = end - model.history_["seconds"].sum()
    during = [t for t in ticks if started < t < end]
    # With the GIL held there would be some at the ends of the ten epochs only.
    assert len(during) > 30


def test_names_of_columns_are_kept_and_checked():
    pd = pytest.importorskip("pandas")
    frame, y = load_breast_cancer(return_X_y=True, as_frame=True)
    model = make_pipeline(
        StandardScaler().set_output(transform="pandas"), LinearClassifier(random_state=0)
    ).fit(frame, y)
    assert model[-1].feature_names_in_.tolist() == frame.columns.tolist()
    scaled = model[0].transform(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        model[-1].partial_fit(scaled[scaled.columns[::-1]], y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model[-1].partial_fit(scaled.to_numpy(), y.to_numpy())
    assert isinstance(scaled, pd.DataFrame)


def test_sample_weight_is_routed():
    from sklearn import config_context
    from sklearn.model_selection import cross_validate

    weight = np.random.default_rng(0).uniform(0, 2, len(X))
    with config_context(enable_metadata_routing=True):
        model = LinearClassifier("sgd", random_state=0)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        routed = cross_validate(
            model, X, Y, cv=2, params={"sample_weight": weight}, return_estimator=True
        )
    plain = cross_validate(model, X, Y, cv=2, return_estimator=True)
    assert (routed["estimator"][0].coef_ != plain["estimator"][0].coef_).any()
    assert "classes" in str(model.get_metadata_routing().partial_fit)


def test_it_shows_itself():
    model = LinearClassifier(SGD(momentum=0.9), lr=0.1)
    assert repr(model) == "LinearClassifier(lr=0.1, optimizer=SGD(momentum=0.9))"
    assert "SGD(momentum=0.9)" in model.fit(X, Y)._repr_html_()
