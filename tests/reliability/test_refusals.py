"""What is refused changes nothing: updaters keep their state, models still predict."""

import numpy as np
import pytest

from fastlr import (
    AdamW,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    ReduceOnPlateau,
)


def _trained():
    params = {"w": np.ones(3)}
    updater = AdamW(lr=0.1, schedule=ReduceOnPlateau()).bind(params)
    updater.step({"w": np.ones(3)})
    updater.observe(1.0)
    return params, updater


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("t", 2**63, ValueError),
        ("t", 10**400, ValueError),
        ("skipped", 2**63, ValueError),
        ("t", np.uint64(2**64 - 1), ValueError),
        ("schedule", "x", TypeError),
        ("schedule", None, TypeError),
        ("schedule", True, TypeError),
        ("schedule", float("nan"), ValueError),
        ("schedule", 10**400, ValueError),
    ],
)
def test_state_dict_that_does_not_fit_changes_nothing(name, value, error):
    _, updater = _trained()
    before = updater.state_dict()
    given = updater.state_dict()
    for arrays in given["state"].values():
        arrays["w"] += 7
    if name == "schedule":
        given["schedule"] = dict.fromkeys(given["schedule"], value)
    else:
        given[name] = value
    with pytest.raises(error, match=name):
        updater.load_state_dict(given)
    after = updater.state_dict()
    for key, arrays in before.pop("state").items():
        assert np.array_equal(after["state"][key]["w"], arrays["w"])
    after.pop("state")
    assert after == before


def test_state_dict_of_a_fresh_plateau_schedule_is_taken():
    """Its best value is infinite until a metric is observed."""
    updater = AdamW(lr=0.1, schedule=ReduceOnPlateau()).bind({"w": np.ones(3)})
    updater.load_state_dict(updater.state_dict())
    assert updater.state_dict()["t"] == 0


CLASSIFIERS = [LinearClassifier, MLPClassifier]
MODELS = [*CLASSIFIERS, LinearRegressor, MLPRegressor]
X, Y = np.random.RandomState(0).rand(30, 4), np.arange(30) % 2


@pytest.mark.parametrize("kind", MODELS)
def test_refused_fit_leaves_a_model_that_predicts(kind):
    model = kind(max_epochs=3, random_state=0).fit(X, Y)
    before = model.predict(X)
    refused = [
        lambda: model.fit(X[:, :2], Y, X_val=X, y_val=Y),
        lambda: model.fit(X[:, :2], Y, sample_weight=-np.ones(30)),
        lambda: model.fit(X[:, :2], np.array([{}] * 30)),
        lambda: (
            model.fit_stream(iter(()))
            if "Reg" in kind.__name__
            else model.fit_stream((), classes=[0, 1])
        ),
        lambda: model.fit_stream([(X[:, :2], -Y, -np.ones(30))]),
    ]
    if kind in CLASSIFIERS:
        refused.append(lambda: model.fit(X[:, :2], np.zeros(30)))
    for call in refused:
        with pytest.raises((TypeError, ValueError)):
            call()
        assert model.n_features_in_ == 4
        assert np.array_equal(model.predict(X), before)
        model.partial_fit(X[: 0 + 1], Y[:1])
        before = model.predict(X)


def test_refused_fit_keeps_names_of_columns():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model = LinearClassifier(max_epochs=3, random_state=0).fit(frame, Y)
    before = model.predict(frame)
    with pytest.raises(ValueError, match="one class"):
        model.fit(X[:, :2], np.zeros(30))
    assert model.feature_names_in_.tolist() == list("abcd")
    assert np.array_equal(model.predict(frame), before)
