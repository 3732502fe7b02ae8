"""lr=slice(...) and gradual unfreezing in the estimators of networks."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skops.io import dumps, loads

from fastlr import (
    FTRL,
    SGD,
    SKOPS_TRUSTED,
    AdamW,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    find_lr,
)

PLAIN = {"schedule": None, "batch_size": 20, "random_state": 0}


def problem(rows=120, classes=3):
    rng = np.random.default_rng(0)
    X = 3 + 2 * rng.standard_normal((rows, 6))
    return X, (X @ rng.standard_normal((6, classes))).argmax(axis=1)


def moved(model, start):
    return [np.abs(a - b).max() for a, b in zip(model.coefs_, start.coefs_, strict=True)]


@pytest.mark.parametrize(
    ("lr", "rates"),
    [
        (slice(1e-3, 0.1), [1e-3, 1e-2, 0.1]),
        (slice(0.1), [0.01, 0.01, 0.1]),
        (slice(np.float32(0.125), 0.5), [0.125, 0.25, 0.5]),
    ],
)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_slice_gives_each_layer_its_rate(kind, lr, rates):
    X, y = problem()
    params = PLAIN | {"max_epochs": 1, "batch_size": 120, "shuffle": False}
    first = kind((7, 5), optimizer=SGD(), **params, lr=0.0).fit(X, y)
    even = moved(kind((7, 5), optimizer=SGD(), lr=rates[2], **params).fit(X, y), first)
    model = kind((7, 5), optimizer=SGD(), lr=lr, **params).fit(X, y)
    # One step: moves are to each other as the rates are.
    assert_allclose(moved(model, first), np.array(even) * rates / rates[2], rtol=1e-6)
    assert_allclose(model.layer_lrs_, rates, rtol=1e-12)
    assert model.lr_ == rates[2]


def test_schedule_and_copied_layers_scale_all_rates():
    X, y = problem()
    source = MLPClassifier((7, 5), random_state=0, max_epochs=1).fit(X, y)
    model = MLPClassifier(
        (7, 5),
        lr=slice(0.01, 0.04),
        warm_start_from=source,
        transferred_lr_factor=0.5,
        frozen_layers=[1],
        max_epochs=4,
        random_state=0,
    ).fit(X, 2 * y + 1)
    assert_allclose(model.layer_lrs_, [0.005, 0.0, 0.04], rtol=1e-12)
    rates = model.history_["lr"]
    assert rates[-1] < rates.max() <= 0.04


def test_one_layer_takes_the_highest_rate():
    X, y = problem()
    one = MLPClassifier((), lr=slice(1e-4, 0.02), **PLAIN).fit(X, y)
    other = MLPClassifier((), lr=0.02, **PLAIN).fit(X, y)
    assert_array_equal(one.coefs_[0], other.coefs_[0])
    assert_array_equal(one.layer_lrs_, [0.02])


def test_a_slice_is_a_parameter_like_others():
    X, y = problem()
    model = MLPClassifier((7,), lr=slice(1e-3, 1e-2), max_epochs=2, **PLAIN)
    assert clone(model).lr == model.get_params()["lr"] == slice(1e-3, 1e-2)
    assert "lr=slice(0.001, 0.01, None)" in repr(model)
    model.fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert again.lr == model.lr
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    again = loads(dumps(model), trusted=SKOPS_TRUSTED)
    assert again.lr == model.lr
    for each in (model, again, copy.deepcopy(model)):
        each.partial_fit(X, y)
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    search = GridSearchCV(model, {"lr": [slice(1e-5, 1e-4), slice(0.01, 0.1), 0.05]}, cv=2)
    assert search.fit(X, y).best_params_["lr"] != slice(1e-5, 1e-4)
    assert model.set_params(lr=slice(0.5)).fit(X, y).lr_ == 0.5
    assert_allclose(model.layer_lrs_, [0.05, 0.5])


def test_a_range_test_keeps_the_ratios_of_a_slice():
    X, y = problem()
    falling = find_lr(MLPClassifier((7,), lr=slice(0.01, 0.1), **PLAIN), X, y)
    same = find_lr(MLPClassifier((7,), groups=[{"match": "*_0", "lr": 0.1}], **PLAIN), X, y)
    assert falling.suggestion == pytest.approx(same.suggestion)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"lr": slice(1e-2, 1e-3)}, ValueError, "the lower one first"),
        ({"lr": slice(1e-3, None)}, ValueError, "must hold two learning rates"),
        ({"lr": slice("low", "high")}, TypeError, "lr: highest must be"),
        ({"lr": slice(0.1), "layer_lr_decay": 0.5}, ValueError, "both spread rates"),
        ({"unfreeze": 0}, ValueError, "'unfreeze' parameter"),
        ({"unfreeze": 1.5}, ValueError, "'unfreeze' parameter"),
        ({"unfreeze": {9: 1}}, ValueError, "unfreeze must name layers"),
        ({"unfreeze": {0: 1}, "frozen_layers": [0]}, ValueError, "never trained"),
        ({"unfreeze": 1, "optimizer": FTRL()}, ValueError, "FTRL makes parameters of"),
        ({"frozen_layers": [0], "optimizer": FTRL()}, ValueError, "frozen_layers=.*FTRL makes"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes, error, said):
    X, y = problem()
    model = MLPClassifier((7,), max_epochs=1, **{"lr": 0.01, **changes})
    with pytest.raises(error, match=said):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("kind", [LinearClassifier, LinearRegressor])
def test_linear_models_have_no_layers_to_spread_rates_over(kind):
    X, y = problem()
    with pytest.raises(ValueError, match="'lr' parameter of Linear"):
        kind(lr=slice(1e-3, 1e-2)).fit(X, y)
    model = kind(lr=0.01).fit(X, y)
    model.set_params(lr=slice(1e-3, 1e-2))
    with pytest.raises(TypeError, match=r"lr must be a number or 'auto'.*has one layer"):
        model.partial_fit(X, y)


# Gradual unfreezing


def layers_moved(model, X, y):
    """Which layers have moved in each epoch, by a fit that keeps the weights of all."""
    kept = []
    model.fit(X, y, on_epoch=lambda m, _: kept.append([c.copy() for c in m.coefs_]))
    first = clone(model).set_params(lr=0.0, optimizer=SGD(), schedule=None, max_epochs=1)
    kept.insert(0, first.fit(X, y).coefs_)
    return [
        [not np.array_equal(a, b) for a, b in zip(now, before, strict=True)]
        for before, now in itertools.pairwise(kept)
    ]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(
    ("unfreeze", "frozen", "epochs_of"),
    [(1, [], [2, 1, 0]), (2, [], [4, 2, 0]), (1, [1], [1, 9, 0]), ({0: 3, -1: 1}, [], [3, 0, 1])],
)
def test_layers_join_when_it_is_their_turn(unfreeze, frozen, epochs_of, standardize):
    X, y = problem()
    model = MLPClassifier(
        (7, 5),
        optimizer=AdamW(weight_decay=0.5),
        lr=0.01,
        unfreeze=unfreeze,
        frozen_layers=frozen,
        max_epochs=6,
        standardize=standardize,
        random_state=0,
        batch_size=20,
    )
    seen = layers_moved(model, X, y)
    assert seen == [[epoch >= first for first in epochs_of] for epoch in range(6)]


def test_a_layer_that_joins_starts_with_fresh_state():
    """The first step of Adam moves every weight by the rate, decay apart, whatever was before."""
    X, y = problem()
    params = PLAIN | {
        "batch_size": 120,
        "optimizer": AdamW(weight_decay=0.1),
        "lr": 0.01,
        "activation": "tanh",
        "standardize": False,
    }
    model = MLPClassifier((7,), unfreeze=30, shuffle=False, max_epochs=31, **params)
    kept = {}
    model.fit(X, y, on_epoch=lambda m, row: kept.update({row["epoch"]: m.coefs_[0].copy()}))
    assert_array_equal(kept[30], kept[1])
    assert_allclose(np.abs(kept[30] * (1 - 0.01 * 0.1) - kept[31]), 0.01, rtol=1e-3)


def test_a_pickle_in_the_middle_goes_on_to_the_bit():
    X, y = problem()
    model = MLPClassifier((7, 5), lr=slice(0.001, 0.01), unfreeze=2, **PLAIN)
    for epoch in range(6):
        model.partial_fit(X, y, classes=range(3))
        if epoch in {1, 2}:
            other = pickle.loads(pickle.dumps(model))
            for _ in range(epoch + 1, 6):
                other.partial_fit(X, y)
            kept = other
    assert_array_equal(kept.predict_proba(X), model.predict_proba(X))
    assert model.t_ == 36


def test_chunks_of_any_size_count_the_steps_of_the_first():
    X, y = problem()
    model = MLPClassifier((7,), lr=0.01, unfreeze=1, shuffle=False, **PLAIN)
    first = clone(model).set_params(lr=0.0, optimizer=SGD())
    first = first.partial_fit(X[:60], y[:60], classes=range(3)).coefs_[0]
    model.partial_fit(X[:60], y[:60], classes=range(3))  # 3 steps, an epoch
    assert_array_equal(model.coefs_[0], first)
    model.partial_fit(X, y)
    assert not np.array_equal(model.coefs_[0], first)


@pytest.mark.filterwarnings("ignore:MLPClassifier diverged")  # so that early epochs are best
def test_an_early_stop_may_put_a_frozen_layer_back():
    X, y = problem()
    model = MLPClassifier((7,), lr=10.0, optimizer="sgd", unfreeze=2, tol=0.0, max_epochs=6)
    model.set_params(random_state=0, batch_size=20, schedule=None, n_iter_no_change=3)
    model.fit(X, y)
    more = pickle.loads(pickle.dumps(model))
    assert model.partial_fit(X, y).t_ == more.partial_fit(X, y).t_
    assert_array_equal(model.coefs_[0], more.coefs_[0])


@pytest.mark.parametrize("what", ["auto", "find_lr"])
def test_rates_are_looked_for_with_all_layers(what):
    X, y = problem()
    waits = MLPClassifier((7,), unfreeze=50, random_state=0, max_epochs=2)
    plain = clone(waits).set_params(unfreeze=None)
    if what == "auto":
        assert waits.fit(X, y).lr_ == plain.fit(X, y).lr_
    else:
        assert_array_equal(find_lr(waits, X, y).suggestion, find_lr(plain, X, y).suggestion)
