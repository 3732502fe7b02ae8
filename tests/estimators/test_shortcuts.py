"""Shortcuts on the way to the first step give what the long way gives."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from fastlr import (
    SGD,
    AdamW,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
)
from fastlr.estimators.fitting.begin import seeded, session_seed
from fastlr.optimizers import OPTIMIZERS
from fastlr.schedules import OneCycle, ReduceOnPlateau


@pytest.fixture
def rows():
    rng = np.random.RandomState(0)
    return rng.randn(60, 3), np.arange(60) % 3


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_seeded_is_the_generator_of_that_seed(seed):
    ours, theirs = seeded(seed), np.random.RandomState(seed)
    assert np.array_equal(ours.permutation(1000), theirs.permutation(1000))
    assert ours.normal() == theirs.normal()
    assert np.array_equal(ours.get_state()[1], theirs.get_state()[1])


def test_session_seed_is_drawn_as_check_random_state_draws_it():
    most = np.iinfo(np.int32).max
    for given in (7, np.int64(7)):
        assert session_seed(given) == np.random.RandomState(7).randint(most)
    ours, theirs = np.random.RandomState(7), np.random.RandomState(7)
    assert [session_seed(ours) for _ in range(3)] == [theirs.randint(most) for _ in range(3)]


def test_a_bad_parameter_is_refused_after_good_ones_have_passed(rows):
    good = {"lr": 0.1, "max_epochs": 1, "random_state": 0}
    LinearClassifier(**good).fit(*rows)
    for bad in ({"max_epochs": 0}, {"max_epochs": 1.0}, {"shuffle": "yes"}):
        for _ in range(2):  # a refusal is not remembered as passed either
            with pytest.raises(InvalidParameterError, match=next(iter(bad))):
                LinearClassifier(**{**good, **bad}).fit(*rows)


def test_parameters_of_another_class_are_checked_apart(rows):
    class Stricter(LinearClassifier):
        _parameter_constraints = {
            **LinearClassifier._parameter_constraints,
            "lr": [str],
        }

    LinearClassifier(lr=0.1, max_epochs=1).fit(*rows)
    with pytest.raises(InvalidParameterError, match="lr"):
        Stricter(lr=0.1, max_epochs=1).fit(*rows)


def test_names_of_parameters_are_those_of_each_class():
    class Fewer(LinearClassifier):
        def __init__(self, lr=0.1):
            super().__init__(lr=lr)

    assert Fewer._get_param_names() == ["lr"]
    assert {"lr", "optimizer"} < set(LinearClassifier._get_param_names())
    assert Fewer._get_param_names() == ["lr"]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16, np.float64, "U3"], ids=str)
def test_labels_of_any_type_are_learned(rows, dtype):
    X, y = rows
    model = LinearClassifier(lr=0.1, max_epochs=1).fit(X, y.astype(dtype))
    assert model.classes_.tolist() == sorted(set(y.astype(dtype).tolist()))


def test_labels_that_look_like_numbers_are_warned_of_and_fractions_refused(rows):
    X, _ = rows
    model = LinearClassifier(lr=0.1, max_epochs=1)
    with pytest.warns(UserWarning, match="unique classes is greater than 50%"):
        model.fit(X, np.arange(60))
    with pytest.raises(ValueError, match="Unknown label type"):
        model.fit(X, np.arange(60) / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, np.arange(60) // 2)


def rates_of(updater, steps):
    seen = []
    for _ in range(steps):
        before = updater.lr, updater.momentum
        updater.step(np.zeros(2))
        after = updater.stats()
        assert (after["lr"], after["momentum"]) == before
        seen.append(before)
    return np.array(seen)


def test_rates_told_are_those_of_the_schedule_across_tables():
    schedule, n = OneCycle(total_steps=700), 700
    updater = AdamW(lr=0.3, schedule=schedule).bind(np.zeros(2))
    expected = schedule.simulate(n, lr=0.3)
    seen = rates_of(updater, n)
    np.testing.assert_allclose(seen[:, 0], expected.lr, rtol=1e-13)
    np.testing.assert_allclose(seen[:, 1], expected.momentum, rtol=1e-13)


def test_rates_told_follow_a_metric_at_once():
    schedule = ReduceOnPlateau(factor=0.1, patience=0)
    updater = SGD(lr=1.0, schedule=schedule).bind(np.zeros(2))
    updater.observe(1.0)
    updater.step(np.zeros(2))
    saved = updater.state_dict()
    updater.observe(2.0)
    assert updater.stats()["lr"] == 1.0
    assert updater.lr == pytest.approx(0.1)
    updater.load_state_dict(saved)
    assert updater.lr == 1.0


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_groups_of_one_rate_step_as_parameters_alone_would(name):
    """Their coefficients are computed once; decay and penalties are each group's own."""
    optimizer = OPTIMIZERS[name](lr=0.02, weight_decay=0.3)
    groups = [
        {"match": "b", "weight_decay": 0.0},
        {"match": "c", "lr": 0.5},
        {"match": "d", "lr": 0.5, "weight_decay": 0.1},
    ]
    if getattr(optimizer, "scope", "array") == "all":
        pytest.skip("this rule looks at all parameters at once")
    rng = np.random.RandomState(0)
    start = {name: rng.randn(2, 3) for name in "abcd"}
    gradients = [{name: rng.randn(2, 3) for name in "abcd"} for _ in range(3)]
    together = {name: array.copy() for name, array in start.items()}
    updater = optimizer.bind(together, groups=groups)
    for each in gradients:
        updater.step(each)
    for name in "abcd":
        alone = {name: start[name].copy()}
        own = [{**g} for g in groups if g["match"] == name]
        apart = optimizer.bind(alone, groups=own or None)
        for each in gradients:
            apart.step({name: each[name]})
        assert np.array_equal(alone[name], together[name]), name


MODELS = [LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor]


@pytest.mark.parametrize("cls", MODELS, ids=lambda cls: cls.__name__)
def test_a_few_rows_are_predicted_as_validated_ones_are(rows, cls, monkeypatch):
    X, y = rows
    model = cls(lr=0.1, max_epochs=1, random_state=0).fit(X, y)
    quick = [model.predict(each) for each in (X[:1], X[:7], X[:7].astype(np.float32))]
    monkeypatch.setattr("fastlr.estimators.fitting.validation.is_plain", lambda X, n: False)
    long = [model.predict(each) for each in (X[:1], X[:7], X[:7].astype(np.float32))]
    for a, b in zip(quick, long, strict=True):
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)


@pytest.mark.parametrize("cls", MODELS, ids=lambda cls: cls.__name__)
def test_a_few_unfit_rows_are_refused(rows, cls):
    X, y = rows
    model = cls(lr=0.1, max_epochs=1, random_state=0)
    with pytest.raises(NotFittedError):
        model.predict(X[:1])
    model.fit(X, y)
    for bad, message in [
        (np.full((1, 3), np.nan), "NaN"),
        (np.full((2, 3), np.inf), "infinity"),
        (X[:1, :2], "features"),
        (X[:0], "0 sample"),
        (X[0], "2D"),
        (X[:1].astype(complex), "Complex"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.predict(bad)
    for unusual in (X[:2].astype(">f8"), np.asfortranarray(X[:2]), X[:4:2], X[:2].tolist()):
        expected = model.predict(np.ascontiguousarray(unusual, dtype=np.float64))
        assert np.array_equal(model.predict(unusual), expected)


def test_rows_without_names_are_still_warned_of(rows):
    pandas = pytest.importorskip("pandas")
    X, y = rows
    model = LinearClassifier(lr=0.1, max_epochs=1).fit(pandas.DataFrame(X, columns=list("abc")), y)
    with pytest.warns(UserWarning, match="feature names"):
        model.predict(X[:1])
