"""Verdicts on histories of `partial_fit`: rows of chunks, each with the loss of new rows."""

import pickle

import numpy as np
import pytest

from fastlr import (
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    diagnose,
)

CLASSES, N_FEATURES = [0, 1], 8
MODELS = {
    "linear classes": lambda **p: LinearClassifier(random_state=0, **p),
    "linear numbers": lambda **p: LinearRegressor(random_state=0, **p),
    "network classes": lambda **p: MLPClassifier((8,), random_state=0, **p),
    "network numbers": lambda **p: MLPRegressor((8,), random_state=0, **p),
}
CHUNKS = [(1, 1500), (32, 200), (1000, 30)]


def rows(n, signal, numbers, seed=0):
    """Return features, and targets that depend on two of them, or on none."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, N_FEATURES))
    score = signal * (2 * X[:, 0] - X[:, 1])
    if numbers:
        return X, 5 + score + rng.standard_normal(n)
    return X, (score + rng.logistic(size=n) > 0).astype(int)


def fed(model, X, y, size):
    """Return a model that has been fed in chunks."""
    known = {} if "Regressor" in type(model).__name__ else {"classes": CLASSES}
    for start in range(0, len(X), size):
        model.partial_fit(X[start : start + size], y[start : start + size], **known)
        known = {}
    return model


@pytest.mark.parametrize(("size", "number"), CHUNKS)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_learns_from_chunks_is_not_said_to_be_ill(name, size, number):
    X, y = rows(size * number, 1.0, "numbers" in name)
    model = fed(MODELS[name](), X, y, size)
    found = diagnose(model)
    assert found.verdict in ("healthy", "unfinished")
    assert found.change == {}
    plain = {column: values.tolist() for column, values in model.history_.items()}
    assert diagnose(plain).verdict == found.verdict


@pytest.mark.parametrize(("size", "number"), CHUNKS)
@pytest.mark.parametrize("name", MODELS)
def test_without_signal_no_other_rate_is_advised(name, size, number):
    X, y = rows(size * number, 0.0, "numbers" in name)
    found = diagnose(fed(MODELS[name](), X, y, size))
    assert found.verdict in ("no signal", "too short")
    if size == 1000:
        assert found.verdict == "no signal"
    assert found.change == {}


@pytest.mark.parametrize("factor", [1e-4, 1e-6])
@pytest.mark.parametrize(("size", "number"), CHUNKS)
@pytest.mark.parametrize("name", MODELS)
def test_a_rate_too_low_is_not_taken_for_features_without_signal(name, size, number, factor):
    X, y = rows(size * number, 1.0, "numbers" in name)
    found = diagnose(fed(MODELS[name](lr=0.01 * factor), X, y, size))
    assert found.verdict in ("stuck", "too slow", "too short")
    if "linear" in name:
        assert found.verdict in ("stuck", "too slow")
        assert found.change["lr"] > 0.01 * factor


@pytest.mark.parametrize("name", ["linear classes", "linear numbers"])
def test_advice_on_data_without_signal_comes_to_an_end(name):
    X, y = rows(32 * 200, 0.0, "numbers" in name)
    lr, verdicts = 1e-7, []
    for _ in range(8):
        found = diagnose(fed(MODELS[name](lr=lr), X, y, 32))
        verdicts.append(found.verdict)
        if not found.change:
            break
        lr = found.change["lr"]
    assert verdicts[-1] in ("no signal", "too short")
    assert lr < 1.0


@pytest.mark.parametrize("name", MODELS)
def test_seven_chunks_are_too_short_to_tell(name):
    X, y = rows(7, 1.0, "numbers" in name)
    found = diagnose(fed(MODELS[name](), X, y, 1))
    assert found.verdict == "too short"
    assert "7 chunks" in found.causes[0]


def test_targets_that_do_not_vary_have_no_signal():
    X, _ = rows(640, 0.0, True)
    for model, y in (
        (LinearRegressor(), np.full(640, 3.7)),
        (MLPClassifier((4,)), np.zeros(640, int)),
    ):
        assert diagnose(fed(model, X, y, 32)).verdict == "no signal"


@pytest.mark.parametrize("name", MODELS)
def test_a_few_chunks_after_a_fit_leave_the_verdict_on_the_fit(name):
    X, y = rows(1200, 1.0, "numbers" in name)
    model = MODELS[name]().fit(X[:800], y[:800])
    before = diagnose(model).verdict
    assert diagnose(fed(model, X[800:804], y[800:804], 1)).verdict == before
    assert diagnose(fed(model, X[804:], y[804:], 4)).verdict in ("healthy", "unfinished")


def test_merged_rows_of_a_history_count_as_the_calls_that_they_hold():
    """Old rows may be means of several calls; their number is the step in `epoch`."""
    rng = np.random.default_rng(0)
    loss = 0.4 + 0.3 * np.exp(-np.arange(512) / 100) + 0.05 * rng.standard_normal(512)
    unknown = np.full(512, np.nan)
    full = {"epoch": np.arange(512) + 1, "loss": loss, "movement": unknown}
    merged = {
        "epoch": np.append(np.arange(8, 257, 8), np.arange(257, 513)),
        "loss": np.append(loss[:256].reshape(-1, 8).mean(axis=1), loss[256:]),
        "movement": np.full(288, np.nan),
    }
    found = [diagnose(each | {"constant_loss": 0 * each["loss"] + 0.7}) for each in (full, merged)]
    assert found[0].verdict == found[1].verdict == "healthy"
    assert found[0].evidence[0].value == pytest.approx(found[1].evidence[0].value, rel=1e-12)


def test_losses_that_rise_after_they_had_fallen_are_told_of():
    calls = np.arange(400)
    loss = np.where(calls < 250, 0.3, 0.6) + 0.02 * (-1.0) ** calls
    found = diagnose({"loss": loss, "movement": np.nan * loss, "constant_loss": 0 * loss + 0.7})
    assert found.verdict == "oscillating"
    assert "the data have changed" in found.causes


def test_a_model_that_has_been_sent_on_keeps_what_its_chunks_told():
    X, y = rows(32 * 200, 0.0, False)
    model = fed(LinearClassifier(random_state=0), X, y, 32)
    copy = pickle.loads(pickle.dumps(model))
    assert diagnose(copy).verdict == diagnose(model).verdict
    assert diagnose(fed(copy, X[:32], y[:32], 8)).verdict == diagnose(model).verdict == "no signal"
