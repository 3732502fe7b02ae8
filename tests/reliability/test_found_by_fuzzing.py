"""Faults that hostile examples have found, each with what is right in its place."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fastlr import (
    SGD,
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    OneCycle,
    epochs,
)
from tests.fuzz.bits import bits_of

RNG = np.random.RandomState(0)
X, Y = RNG.rand(20, 3), np.arange(20) % 2
KINDS = [LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor]


@pytest.mark.parametrize("start", [2**53, 2**63, 10**300, epochs(1e308), epochs(10**400)])
def test_a_start_beyond_any_run_is_never_reached(start):
    w = np.ones(3)
    updater = SGD(lr=0.5).bind({"w": w}, [{"match": "w", "start": start}], steps_per_epoch=7)
    for _ in range(3):
        updater.step({"w": np.ones(3)})
    assert w.tolist() == [1.0, 1.0, 1.0]
    assert updater.starts == {"w": 2**53}


def test_lengths_beyond_floats_are_value_errors():
    with pytest.raises(ValueError, match="must be a length"):
        OneCycle(10**400)
    with pytest.raises(ValueError, match="must be a length"):
        SGD().bind({"w": np.ones(3)}, [{"match": "w", "start": 10**400}])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", ["X", "y", "sample_weight"])
def test_objects_beyond_floats_are_value_errors(kind, part):
    data = {"X": X.astype(object), "y": Y, "sample_weight": np.ones(20)}
    data[part] = data[part].astype(object)
    data[part].flat[3] = 10**400
    model = kind(max_epochs=1, random_state=0).fit(X, Y)
    before = bits_of(model)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=r"too large|Unknown label|classes"):
            call(**data)
    if part == "X":
        with pytest.raises(ValueError, match="too large"):
            model.predict(data["X"])
    assert bits_of(model) == before


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("n_threads", [2**31 - 1, 2**63, -(2**63)])
def test_predictions_take_no_memory_for_threads_that_cannot_help(kind, n_threads):
    model = kind(max_epochs=1, random_state=0).fit(X, Y)
    expected = model.predict(X)
    assert np.array_equal(model.set_params(n_threads=n_threads).predict(X), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["above", "floats", "short"])
def test_a_refused_chunk_draws_no_order(kind, how):
    """With the generator ahead, all later orders would differ."""
    rows = csr_matrix(X * (X > 0.6))
    bad = rows.copy()
    if how == "above":
        bad.indices[2] = 3
    elif how == "floats":
        bad.indices = bad.indices.astype(float)
    else:
        bad.indptr = bad.indptr[:-1]
    first = {"classes": [0, 1]} if "Classifier" in kind.__name__ else {}
    model = kind(random_state=0).partial_fit(rows, Y, **first)
    before = bits_of(model)
    with pytest.raises(ValueError, match="indices"):
        model.partial_fit(bad, Y)
    assert bits_of(model) == before


@pytest.mark.parametrize("unfreeze", [10**300, {-2: 10**400}])
def test_layers_that_wait_longer_than_any_run_stay_as_they_are(unfreeze):
    model = MLPRegressor((3,), lr=0.1, unfreeze=unfreeze, random_state=0, max_epochs=2)
    first = model.fit(X, Y).coefs_[0].copy()
    model.partial_fit(X, Y)
    assert np.array_equal(model.coefs_[0], first)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_starts_wider_than_indices_are_learned_online(kind):
    rows = csr_matrix(X * (X > 0.6))
    mixed = rows.copy()
    mixed.indptr = mixed.indptr.astype(np.int64)
    found = []
    for given in (rows, mixed):
        model = kind(max_epochs=2, random_state=0).fit(X, Y)
        model.partial_fit(given, Y, sample_weight=np.ones(20)).partial_fit(given, Y)
        found.append(model.predict(X))
    assert np.array_equal(*found)
