"""The compiled loop of single rows leaves behind what `partial_fit` does, to the bit."""

import pickle
import warnings

import numpy as np
import pytest

from fastlr import LinearClassifier, LinearRegressor
from fastlr.estimators.online.compiled import RowLoop

N_ROWS = 1300  # beyond the first merging of rows of the history

MODELS = {
    "log loss": (lambda: LinearClassifier(random_state=0), 2),
    "hinge": (lambda: LinearClassifier("sgd", loss="hinge", random_state=0), 2),
    "classes": (lambda: LinearClassifier("lion", random_state=0), 3),
    "penalty": (lambda: LinearClassifier(penalty="l1", alpha=1e-3, random_state=0), 2),
    "no intercept": (lambda: LinearClassifier(fit_intercept=False, random_state=0), 2),
    "regressor": (lambda: LinearRegressor(random_state=0), 0),
    "huber": (lambda: LinearRegressor("sgd", lr=0.01, loss="huber", random_state=0), 0),
}


def data(n_classes, dtype):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(N_ROWS, 9)) * [1, 5, 1, 1, 0.2, 1, 1, 1, 1]).astype(dtype)
    w = rng.normal(size=(9, max(n_classes, 1)))
    w[:, 0] *= np.where(np.arange(9) % 2, 1, -1)
    scores = X @ w + 0.5 * rng.normal(size=(N_ROWS, max(n_classes, 1)))
    return X, scores.argmax(axis=1) if n_classes else scores[:, 0].astype(np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", MODELS)
def test_hundreds_of_rows_leave_what_partial_fit_leaves(kind, dtype, monkeypatch):
    make, n_classes = MODELS[kind]
    X, y = data(n_classes, dtype)
    known = {"classes": np.arange(n_classes)} if n_classes else {}
    model, twin = (make().partial_fit(X[:5], y[:5], **known) for _ in range(2))
    done, learn = [], RowLoop.learn
    monkeypatch.setattr(RowLoop, "learn", lambda *a: done.append(learn(*a)) or done[-1])
    handle = twin.online()
    X[700] *= 1e4  # an outlier, which the compiled loop leaves to Python
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for x, target in zip(X, y, strict=True):
            model.partial_fit(x[None], np.array([target]))
            handle.learn_one(x, target if n_classes else float(target))
    assert sum(done) > 800
    probes = X[:50]
    np.testing.assert_array_equal(twin.coef_, model.coef_)
    np.testing.assert_array_equal(twin.intercept_, model.intercept_)
    assert [handle.predict_one(x) for x in probes] == model.predict(probes).tolist()
    for name, column in model.history_.items():
        if name != "seconds":
            np.testing.assert_array_equal(twin.history_[name], column, err_msg=name)
    one, other = (pickle.loads(pickle.dumps(each))._checkpoint for each in (model, twin))
    assert one["online"] == other["online"]
    assert one["usual"] == other["usual"]
    if one["heading"] is not None:
        np.testing.assert_equal(other["heading"], one["heading"])
    np.testing.assert_array_equal(one["scales"]["X"], other["scales"]["X"])
    assert one["scales"]["skip"] == other["scales"]["skip"]


def test_a_changed_parameter_and_a_second_handle_are_noticed():
    X, y = data(2, np.float32)
    model, twin = (
        LinearClassifier(random_state=0).partial_fit(X[:5], y[:5], classes=[0, 1]) for _ in range(2)
    )
    handles = [twin.online(), twin.online()]
    for k in range(600):
        if k == 400:
            model.set_params(lr=0.001)
            twin.set_params(lr=0.001)
        if k == 500:
            model.coef_, twin.coef_ = model.coef_ * 0.5, twin.coef_ * 0.5
            assert handles[0].decision_one(X[0]) == model.decision_function(X[:1])[0]
        model.partial_fit(X[k][None], y[k : k + 1])
        handles[k // 50 % 2].learn_one(X[k], y[k])
    np.testing.assert_array_equal(twin.coef_, model.coef_)
