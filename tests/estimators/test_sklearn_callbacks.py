"""Epochs as tasks of scikit-learn's callbacks, alone and deep inside other estimators."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastlr import DivergenceWarning, LinearClassifier
from tests.estimators.test_linear_values import data

callback = pytest.importorskip("sklearn.callback")

X, Y = data(3, rows=300)
WEIGHT = np.random.default_rng(0).uniform(0, 2, 300)


def classifier(**kwargs):
    given = {"batch_size": 20, "random_state": 5, "max_epochs": 4}
    return LinearClassifier(**(given | kwargs))


class Log:
    """Notes what it is told."""

    def __init__(self, stop_after=None):
        self.events, self.models, self.stop_after = [], [], stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(("begin", context.task_name, context.task_id, context.max_subtasks))
        self.given = X, y, metadata

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id, context.max_subtasks))
        if context.task_name == "epoch" and fitted_estimator is not None:
            self.models.append(fitted_estimator)
        return self.stop_after is not None and len(self.models) == self.stop_after


def tasks(name, number, most):
    return [("begin", name, number, most), ("end", name, number, most)]


def test_each_epoch_is_a_task_with_the_data_as_given_and_a_model_of_its_own():
    log, coefs, frame = Log(), [], X.tolist()
    model = classifier().set_callbacks(log)
    model.fit(frame, Y, WEIGHT, on_epoch=lambda m, row: coefs.append(m.coef_.copy()))
    fit = [("begin", "fit", 0, 4), ("end", "fit", 0, 4)]
    epochs = [event for k in range(4) for event in tasks("epoch", k, 0)]
    assert log.events == ["setup", fit[0], *epochs, fit[1], "teardown"]
    assert log.given[0] is frame
    assert log.given[1] is Y
    assert log.given[2]["sample_weight"] is WEIGHT
    for fitted, coef in zip(log.models, coefs, strict=True):
        np.testing.assert_array_equal(fitted.coef_, coef)
        assert fitted.predict(X).shape == (300,)
    assert not hasattr(model, "_callback_fit_ctx")
    np.testing.assert_array_equal(model.coef_, classifier().fit(X, Y, WEIGHT).coef_)


def test_a_callback_can_stop_the_fit():
    model = classifier(max_epochs=9).set_callbacks(Log(stop_after=3)).fit(X, Y)
    assert model.n_iter_ == 3
    assert len(model.loss_curve_) == 3
    model.set_callbacks().fit(X, Y)
    assert model.n_iter_ == 9


def test_a_fit_that_ends_early_ends_its_tasks():
    log = Log()
    model = classifier(lr=1e300, schedule=None).set_callbacks(log)
    with pytest.warns(DivergenceWarning):
        model.fit(1e10 * X, Y)
    begun, ended = ([e[1:] for e in log.events if e[0] == which] for which in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    assert log.events[-1] == "teardown"


def test_chunks_are_tasks_of_a_stream():
    log = Log()
    model = classifier().set_callbacks(log)
    model.fit_stream([(X[:150], Y[:150]), (X[150:], Y[150:])], classes=[0, 1, 2], n_chunks=2)
    assert log.events[1:6] == [
        ("begin", "fit", 0, 2), *tasks("chunk", 0, 0), *tasks("chunk", 1, 0)
    ]  # fmt: skip
    model.partial_fit(X, Y)
    assert log.events[-1] == "teardown"
    assert len(log.events) == 8


def test_scoring_monitor_scores_each_epoch_of_each_candidate():
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = classifier().set_callbacks(monitor)
    scores = []
    model.fit(X, Y, on_epoch=lambda m, row: scores.append(accuracy_score(Y, m.predict(X))))
    logged = monitor.get_logs().data
    assert [r["accuracy"] for r in logged if r["task_name"] == "epoch"] == scores
    inside = make_pipeline(StandardScaler(), clone(model))
    search = GridSearchCV(inside, {"linearclassifier__lr": [0.01, 0.1]}, cv=3)
    search.fit(X, Y)
    rows = [r for r in monitor.get_logs().data if r["task_name"] == "epoch"]
    assert len(rows) == 4 * (2 * 3 + 1)
    assert len({r["parent_task_id_path"] for r in rows}) == 7
    assert all(0.3 < r["accuracy"] <= 1 for r in rows)


@pytest.mark.parametrize("depth", [0, None])
def test_progress_bar_shows_epochs_alone_and_in_a_search(depth, capsys):
    pytest.importorskip("rich")
    classifier().set_callbacks(callback.ProgressBar(max_propagation_depth=depth)).fit(X, Y)
    assert "LinearClassifier" in capsys.readouterr().out
    search = GridSearchCV(
        make_pipeline(StandardScaler(), classifier()), {"linearclassifier__lr": [0.01, 0.1]}, cv=2
    )
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=depth)).fit(X, Y)
    shown = capsys.readouterr().out
    assert "GridSearchCV" in shown
    assert ("LinearClassifier" in shown) is (depth is None)


def test_callbacks_are_checked_and_kept_by_clones_and_pickles():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        classifier().set_callbacks(3)
    log = Log()
    model = classifier().set_callbacks(log).fit(X, Y)
    clone(model).fit(X, Y)
    assert log.events.count("setup") == 2
    again = pickle.loads(pickle.dumps(model)).fit(X, Y)
    np.testing.assert_array_equal(again.coef_, model.coef_)


def test_importing_the_estimators_does_not_import_callbacks():
    code = (
        "import sys; from fastlr import LinearClassifier; print('sklearn.callback' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
