"""A handle learns and predicts single rows as the estimator does, to the bit."""

import pickle
import threading
import time

import numpy as np
import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError

from fastlr import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor

ROWS = 120


def data(regression, dtype, n_classes=2):
    if regression:
        X, y = make_regression(ROWS, 7, noise=0.3, random_state=0)
        return X.astype(dtype), y / y.std()
    X, y = make_classification(
        ROWS, 7, n_informative=5, n_classes=n_classes, n_clusters_per_class=1, random_state=0
    )
    return X.astype(dtype), np.array(["no", "yes", "perhaps"])[y]


MODELS = {
    "linear": (lambda: LinearClassifier(random_state=0, lr=0.01), False, 2),
    "hinge": (lambda: LinearClassifier(loss="hinge", random_state=0, lr=0.01), False, 2),
    "classes": (lambda: LinearClassifier("sgd", random_state=0, lr=0.01), False, 3),
    "penalty": (
        lambda: LinearClassifier(penalty="l1", alpha=1e-3, random_state=0, lr=0.01),
        False,
        2,
    ),
    "averaged": (lambda: LinearClassifier(average=True, random_state=0, lr=0.01), False, 2),
    "regressor": (lambda: LinearRegressor(random_state=0, lr=0.01), True, 0),
    "huber": (lambda: LinearRegressor(loss="huber", random_state=0, lr=0.01), True, 0),
    "network": (lambda: MLPClassifier((5,), random_state=0, lr=0.01), False, 2),
    "network regressor": (lambda: MLPRegressor((5,), random_state=0, lr=0.01), True, 0),
}
each = pytest.mark.parametrize("kind", MODELS)
STARTS = ("fit", "partial_fit", "fit_stream", "pickle")


def fitted(kind, dtype=np.float64, start="fit"):
    make, regression, n_classes = MODELS[kind]
    X, y = data(regression, dtype, n_classes)
    known = {} if regression else {"classes": np.unique(y)}
    model = make()
    if start == "partial_fit":
        model.partial_fit(X[:40], y[:40], **known)
    elif start == "fit_stream":
        model.fit_stream([(X[:20], y[:20]), (X[20:40], y[20:40])], **known)
    else:
        model.fit(X[:40], y[:40])
    return (pickle.loads(pickle.dumps(model)) if start == "pickle" else model), X, y


def parameters(model):
    found = {}
    for name, value in vars(model).items():
        for k, array in enumerate(value if isinstance(value, list) else [value]):
            if name.endswith("_") and isinstance(array, np.ndarray) and array.dtype.kind == "f":
                found[f"{name}{k}"] = array.copy()
    return found


def assert_same(one, other):
    one, other = parameters(one), parameters(other)
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@each
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_handle_has_the_bits_of_partial_fit_and_predict(kind, start, dtype):
    model, X, y = fitted(kind, dtype, start)
    twin, _, _ = fitted(kind, dtype, start)
    handle = twin.online()
    for x, target in zip(X[40:], y[40:], strict=True):
        model.partial_fit(x[None], [target])
        handle.learn_one(x, target)
        assert handle.predict_one(x) == model.predict(x[None])[0]
        if hasattr(model, "predict_proba"):
            np.testing.assert_array_equal(
                handle.predict_proba_one(x), model.predict_proba(x[None])[0]
            )
        if hasattr(model, "decision_function"):
            np.testing.assert_array_equal(
                handle.decision_one(x), model.decision_function(x[None])[0]
            )
    assert_same(model, twin)
    model.partial_fit(X[:32], y[:32])
    handle.learn_many(X[:32], y[:32])
    assert_same(model, twin)
    assert handle.version == ROWS - 40 + 1


FORMS = {
    "row": lambda x: x,
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(x.tolist()),
    "strided": lambda x: np.repeat(x, 2)[::2],
    "double": lambda x: x.astype(np.float64),
    "pairs": lambda x: (np.flatnonzero(x), x[np.flatnonzero(x)]),
    "split pairs": lambda x: (np.r_[0, 1:7, 0], np.r_[x[0] - 1, x[1:], 1].astype(x.dtype)),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_row_may_come_in_any_form(form):
    (model, X, y), (twin, _, _) = fitted("linear", np.float32), fitted("linear", np.float32)
    X = np.round(X * 4) / 4  # so that sums of pairs are exact
    one, other = model.online(), twin.online()
    for x, target in zip(X[40:60], y[40:60], strict=True):
        one.learn_one(x, target)
        other.learn_one(FORMS[form](x), target)
        assert other.decision_one(FORMS[form](x)) == one.decision_one(x)
    assert_same(model, twin)


def test_a_weight_acts_as_in_partial_fit():
    (model, X, y), (twin, _, _) = fitted("linear"), fitted("linear")
    for weight in (0.5, 3.0, 1.0):
        model.partial_fit(X[:1], y[:1], sample_weight=[weight])
        twin.online().learn_one(X[0], y[0], weight=weight)
    assert_same(model, twin)


BAD = {
    "nan": (lambda x: np.where(np.arange(7) == 3, np.nan, x), ValueError, "x holds NaN"),
    "infinite": (lambda x: np.where(np.arange(7) == 3, np.inf, x), ValueError, "infinite"),
    "too large": (lambda x: x.astype(np.float64) * 1e300, ValueError, "infinite"),
    "short": (lambda x: x[:5], ValueError, "x must be one row of 7 numbers"),
    "matrix": (lambda x: x[None], ValueError, "x must be one row of 7 numbers"),
    "ragged": (lambda x: [[1], [2, 3]], ValueError, "x must be one row"),
    "text": (lambda x: ["a"] * 7, TypeError, "x must hold numbers"),
    "complex": (lambda x: x + 1j, TypeError, "x must hold numbers"),
    "outside": (lambda x: ([7], [1.0]), ValueError, "indices must lie in 0 ... 6"),
    "negative": (lambda x: ([-1], [1.0]), ValueError, "indices must lie in 0 ... 6"),
    "unequal": (lambda x: ([0, 1], [1.0]), ValueError, "as many values as indices"),
    "float indices": (lambda x: ([0.5], [1.0]), TypeError, "whole numbers"),
    "none": (lambda x: None, (TypeError, ValueError), "x must"),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("kind", ["linear", "network regressor"])
def test_a_bad_row_is_refused_and_nothing_changes(kind, bad):
    model, X, y = fitted(kind, np.float32)
    handle, before = model.online(), pickle.dumps(model)
    make, error, said = BAD[bad]
    with pytest.raises(error, match=said):
        handle.learn_one(make(X[0]), y[0])
    with pytest.raises(error, match=said):
        handle.predict_one(make(X[0]))
    assert pickle.dumps(model) == before
    assert handle.version == 0


@pytest.mark.parametrize("kind", ["linear", "network"])
def test_an_unknown_label_and_a_bad_weight_are_refused(kind):
    model, X, _ = fitted(kind)
    handle, before = model.online(), parameters(model)
    with pytest.raises(ValueError, match="never"):
        handle.learn_one(X[0], "never")
    for weight in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="weight must be"):
            handle.learn_one(X[0], "no", weight=weight)
    with pytest.raises(TypeError, match="weight must be"):
        handle.learn_one(X[0], "no", weight="heavy")
    for name, array in before.items():
        np.testing.assert_array_equal(parameters(model)[name], array)


def test_a_model_that_is_not_fitted_has_no_handle():
    with pytest.raises(NotFittedError):
        LinearClassifier().online()


@each
def test_a_snapshot_stays_as_it_was_and_pickles(kind):
    model, X, y = fitted(kind)
    handle = model.online()
    handle.learn_one(X[40], y[40])
    snapshot = handle.snapshot()
    assert handle.snapshot() is snapshot
    expected = model.predict(X)
    again = pickle.loads(pickle.dumps(snapshot))
    for x, target in zip(X[41:], y[41:], strict=True):
        handle.learn_one(x, target)
    for each_of in (snapshot, again):
        assert each_of.version == 1
        np.testing.assert_array_equal(each_of.predict(X), expected)
        assert each_of.predict_one(X[0]) == expected[0]
    assert handle.snapshot().version == ROWS - 40
    np.testing.assert_array_equal(handle.snapshot().predict(X), model.predict(X))
    with pytest.raises(AttributeError, match="does not change"):
        snapshot.version = 3


def test_a_handle_sees_what_the_estimator_learns_by_itself():
    model, X, y = fitted("linear")
    handle = model.online()
    first = handle.snapshot()
    model.partial_fit(X, y)
    assert handle.version == 1
    np.testing.assert_array_equal(handle.snapshot().predict_proba(X), model.predict_proba(X))
    model.fit(X[::2], y[::2])
    assert handle.version == 2
    np.testing.assert_array_equal(handle.snapshot().predict_proba(X), model.predict_proba(X))
    assert first.version == 0


@pytest.mark.parametrize("kind", ["linear", "network", "regressor"])
def test_a_handle_follows_a_fit_to_other_columns_and_another_precision(kind):
    model, X, y = fitted(kind)
    handle = model.online()
    handle.learn_one(X[0], y[0])
    handle.predict_one(X[0])
    narrow = X[:, :4].astype(np.float32)
    twin, _, _ = fitted(kind)
    for each_of in (model, twin):
        each_of.fit(narrow, y)
    for x, target in zip(narrow[:20], y[:20], strict=True):
        handle.learn_one(x, target)
        twin.partial_fit(x[None], [target])
        assert handle.predict_one(x) == twin.predict(x[None])[0]
    assert_same(model, twin)
    with pytest.raises(ValueError, match="x must be one row of 4 numbers"):
        handle.learn_one(X[0], y[0])


def torn(seconds, n_features, readers=4):
    """Return predictions and mixtures seen by readers while one thread learns.

    The writer keeps the score of a fixed row for each version, before the next begins.
    """
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(256, n_features)), rng.integers(0, 2, 256)
    model = LinearClassifier("sgd", lr=0.05, schedule=None, random_state=0).fit(X, y)
    handle, row = model.online(), X[0]
    expected = {0: float(model.decision_function(row[None])[0])}
    stop, seen, errors = threading.Event(), [[] for _ in range(readers)], []

    def write():
        try:
            k = 0
            while not stop.is_set():
                handle.learn_one(X[k % 256], y[k % 256])
                expected[handle.version] = float(model.decision_function(row[None])[0])
                k += 1
        except Exception as error:
            errors.append(error)

    def read(mine):
        try:
            while not stop.is_set():
                snapshot = handle.snapshot()
                mine.append((snapshot.version, float(snapshot.decision_one(row))))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write)]
    threads += [threading.Thread(target=read, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    pairs = [pair for mine in seen for pair in mine]
    wrong = sum(expected[version] != score for version, score in pairs)
    return len(pairs), wrong, max(expected)


@pytest.mark.parametrize("n_features", [20, 20_000])
def test_readers_see_one_version_or_the_next_never_a_mixture(n_features):
    predictions, wrong, versions = torn(1.0, n_features)
    assert wrong == 0
    assert predictions > 20
    assert versions > 5


@pytest.mark.parametrize("kind", ["linear", "network"])
def test_estimators_predict_without_mixtures_while_another_thread_learns(kind):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2000)), rng.integers(0, 2, 300)
    model = {
        "linear": LinearClassifier("sgd", lr=0.05, schedule=None, random_state=0),
        "network": MLPClassifier((4,), optimizer="sgd", lr=0.05, schedule=None, random_state=0),
    }[kind].fit(X, y)
    scores, errors, stop = {model.decision_function(X[:1])[0]}, [], threading.Event()

    def learn():
        try:
            for k in range(200):
                model.partial_fit(X[k % 300][None], y[k % 300][None])
                scores.add(model.decision_function(X[:1])[0])
        except Exception as error:
            errors.append(error)
        stop.set()

    seen = []

    def predict():
        try:
            while not stop.is_set():
                seen.append(model.decision_function(X[:1])[0])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=f) for f in (learn, predict, predict)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(seen) <= scores
