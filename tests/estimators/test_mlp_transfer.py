"""Layers that are frozen, copied from another model, or trained at a rate of their own."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, train_test_split

from fastlr import SGD, AdamW, MLPClassifier, MLPRegressor, Muon
from fastlr.estimators.settings.mlp_params import parameter_groups
from fastlr.schedules import epochs

NAMES = [f"{kind}_{k}" for k in range(3) for kind in ("coef", "intercept")]
PLAIN = {"optimizer": SGD(lr=0.01), "schedule": None, "batch_size": 20, "random_state": 0}


def problem(rows=120, classes=3):
    rng = np.random.default_rng(0)
    X = 3 + 2 * rng.standard_normal((rows, 6))
    return X, (X @ rng.standard_normal((6, classes))).argmax(axis=1)


def moved(model, start):
    """How far each layer has moved from a model of no training."""
    return [np.abs(a - b).max() for a, b in zip(model.coefs_, start.coefs_, strict=True)]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("frozen", [[0], [1], [-1], [0, 1]])
@pytest.mark.parametrize(
    "optimizer",
    [SGD(lr=0.05, momentum=0.9), AdamW(lr=0.01, weight_decay=0.5), "prodigy", Muon(lr=0.01)],
)
def test_frozen_layers_stay_as_they_are(optimizer, frozen, standardize):
    X, y = problem()
    params = {"random_state": 0, "standardize": standardize, "frozen_layers": frozen}
    made = MLPClassifier((7, 5), optimizer=optimizer, max_epochs=2, **params)
    start = clone(made).set_params(lr=0.0, optimizer=SGD()).fit(X, y)
    model = made.fit(X, y)
    fixed = {k % 3 for k in frozen}
    for k in range(3):
        same = np.array_equal(model.coefs_[k], start.coefs_[k])
        assert same == (k in fixed)
        if k in fixed:
            assert_array_equal(model.intercepts_[k], start.intercepts_[k])


def test_rates_fall_from_layer_to_layer():
    X, y = problem()
    first = MLPClassifier((7, 5), max_epochs=1, **PLAIN | {"optimizer": SGD(lr=0.0)}).fit(X, y)
    params = PLAIN | {"lr": 0.01, "max_epochs": 1, "batch_size": 120, "shuffle": False}
    even = moved(MLPClassifier((7, 5), **params).fit(X, y), first)
    falling = moved(MLPClassifier((7, 5), layer_lr_decay=0.5, **params).fit(X, y), first)
    assert_allclose(falling, np.array(even) * [0.25, 0.5, 1], rtol=1e-6)


def test_groups_multiply_rates_and_replace_decay():
    made = parameter_groups(
        NAMES,
        [0.25, 0.5, 1.0],
        [0],
        {1: 2},
        [{"match": "*_2", "lr": 3.0}, {"match": "coef_1", "l2": 0.5}],
        (),
    )
    by_name = {n: {k: v for k, v in g.items() if k != "match"} for g in made for n in g["match"]}
    none = {"weight_decay": 0.0, "l1": 0.0, "l2": 0.0}
    assert by_name == {
        "coef_0": {"lr": 0.0, **none},
        "intercept_0": {"lr": 0.0, **none},
        "coef_1": {"lr": 0.5, "l2": 0.5, "start": epochs(2)},
        "intercept_1": {"lr": 0.5, "start": epochs(2), **none},
        "coef_2": {"lr": 3.0},
        "intercept_2": {"lr": 3.0, **none},
    }
    assert "l2" not in parameter_groups(["intercept_0"], [1.0], [], {}, None, ("l2",))[0]


def test_groups_reach_the_training():
    X, y = problem()
    first = MLPClassifier((7, 5), max_epochs=1, **PLAIN | {"optimizer": SGD(lr=0.0)}).fit(X, y)
    model = MLPClassifier(
        (7, 5), groups=[{"match": ["coef_0", "coef_2"], "lr": 0.0}], max_epochs=1, **PLAIN
    ).fit(X, y)
    assert [m > 0 for m in moved(model, first)] == [False, True, False]
    assert not np.array_equal(model.intercepts_[0], first.intercepts_[0])


@pytest.mark.parametrize("standardize", [False, True])
def test_matching_layers_are_copied_and_new_ones_start_afresh(standardize):
    X, y = problem(classes=5)
    source = MLPClassifier((7, 5), "tanh", max_epochs=3, random_state=0).fit(X, y)
    before = [c.copy() for c in source.coefs_]
    X, y = problem(classes=3)
    still = {"lr": 0.0, "optimizer": SGD(), "max_epochs": 1, "standardize": standardize}
    other = MLPClassifier((7, 5), "tanh", warm_start_from=source, random_state=3, **still)
    other.fit(X, y)
    for k in range(2):
        assert_allclose(other.coefs_[k], source.coefs_[k], rtol=1e-12, atol=1e-13)
        assert_allclose(other.intercepts_[k], source.intercepts_[k], rtol=1e-9, atol=1e-11)
    assert other.coefs_[2].shape == (5, 3)
    assert not other.intercepts_[2].any()
    for mine, kept in zip(source.coefs_, before, strict=True):
        assert_array_equal(mine, kept)


def test_the_last_layer_is_copied_only_if_its_outputs_mean_the_same():
    X, y = problem(classes=3)
    source = MLPClassifier((7, 5), random_state=0, max_epochs=3).fit(X, y)
    still = {"lr": 0.0, "optimizer": SGD(), "max_epochs": 1, "warm_start_from": source}
    same = MLPClassifier((7, 5), random_state=3, **still).fit(X, y)
    assert_allclose(same.predict_proba(X), source.predict_proba(X), rtol=1e-9)
    other = MLPClassifier((7, 5), random_state=3, **still).fit(X, np.array(["a", "b", "c"])[y])
    assert not np.allclose(other.coefs_[2], source.coefs_[2])
    numbers = MLPRegressor((7, 5), random_state=3, **still).fit(X, np.eye(3)[y])
    assert_allclose(numbers.coefs_[1], source.coefs_[1], rtol=1e-12)
    assert not np.allclose(numbers.coefs_[2], source.coefs_[2])


def test_regressor_is_carried_over_between_units_of_targets():
    X, _ = problem()
    y = X[:, 0] * X[:, 1]
    source = MLPRegressor((20,), random_state=0, max_epochs=5).fit(X, 1000 * y)
    still = {"lr": 0.0, "optimizer": SGD(), "max_epochs": 1, "warm_start_from": source}
    other = MLPRegressor((20,), **still).fit(X, y)
    assert_allclose(other.predict(X), source.predict(X), rtol=1e-9)


def test_copied_layers_have_a_rate_of_their_own():
    X, y = problem()
    source = MLPClassifier((7, 5), random_state=0, max_epochs=2).fit(X, y)
    common = PLAIN | {"lr": 0.001, "max_epochs": 1, "batch_size": 120, "shuffle": False}
    distances = []
    for factor in (1.0, 0.1):
        model = MLPClassifier(
            (7, 5), warm_start_from=source, transferred_lr_factor=factor, **common
        ).fit(X, y)
        distances.append(moved(model, source))
    assert_allclose(distances[1], 0.1 * np.array(distances[0]), rtol=1e-6)


def test_transfer_learns_more_from_few_rows_than_a_fresh_start():
    X, y = load_digits(return_X_y=True)
    many, few = train_test_split(np.arange(len(X)), train_size=1200, stratify=y, random_state=0)
    few, rest = train_test_split(few, train_size=20, stratify=y[few], random_state=0)
    source = MLPClassifier((100,), random_state=0, max_epochs=10).fit(X[many], y[many])
    names = np.array([f"digit {k}" for k in range(10)])[y]
    fresh = MLPClassifier((100,), random_state=0, max_epochs=20, batch_size=5)
    moved_on = clone(fresh).set_params(warm_start_from=source, frozen_layers=[0], lr=0.05)
    scores = [m.fit(X[few], names[few]).score(X[rest], names[rest]) for m in (moved_on, fresh)]
    assert scores[0] > scores[1] + 0.05


@pytest.mark.parametrize("wrapped", [False, True])
def test_clones_and_searches_keep_what_they_start_from(wrapped):
    X, y = problem()
    source = MLPClassifier((7, 5), random_state=0, max_epochs=2).fit(X, y)
    given = FrozenEstimator(source) if wrapped else source
    model = MLPClassifier((7, 5), warm_start_from=given, random_state=0, max_epochs=1, lr=0.0)
    assert clone(model).warm_start_from is given
    search = GridSearchCV(model, {"transferred_lr_factor": [0.1, 1.0]}, cv=2).fit(X, y)
    assert_allclose(search.best_estimator_.coefs_[0], source.coefs_[0], rtol=1e-9)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"warm_start_from": MLPClassifier()}, ValueError, "not fitted"),
        (
            {"warm_start_from": FrozenEstimator(GridSearchCV(MLPClassifier(), {}))},
            TypeError,
            "fitted",
        ),
        ({"hidden_layer_sizes": (8, 5)}, ValueError, "no layer fits; its first has shape"),
        ({"activation": "tanh"}, ValueError, "activations must be the same"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(changes, error, message):
    X, y = problem()
    source = MLPClassifier((7, 5), random_state=0, max_epochs=1).fit(X, y)
    params = {"hidden_layer_sizes": (7, 5), "warm_start_from": source} | changes
    with pytest.raises(error, match=message):
        MLPClassifier(**params).fit(X, y)
