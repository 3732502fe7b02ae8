"""Sparse rows: the same network as of the dense ones, in training and in prediction."""

import pickle

import numpy as np
import pytest
from scipy import sparse

from fastlr import AdamW, MLPClassifier, MLPRegressor
from fastlr.training import FeatureScaling
from fastlr.training.mlp.core import network_outputs
from tests.support.engines import needs_compiled
from tests.support.mlp_cases import network


def rows_of(dtype, index, features=50, rows=300):
    X = sparse.random(rows, features, 0.1, "csr", dtype, random_state=0)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    rng = np.random.default_rng(0)
    return X, rng.integers(0, 4, rows), rng.uniform(0.5, 2, rows), rng.permutation(rows)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("compiled", marks=needs_compiled)])
@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dropout", [None, [0.3, 0.2]])
@pytest.mark.parametrize("scale", [None, 0.0, 1.0])
def test_sparse_rows_train_what_dense_ones_do(scale, dropout, dtype, index, engine):
    X, y, weight, order = rows_of(dtype, index)
    scaling = None
    if scale is not None:  # with a shift, zeros are no zeros any more
        scaling = FeatureScaling(scale * np.linspace(-1, 1, 50), np.linspace(0.5, 3, 50))
    found = []
    for rows in (X, X.toarray()):
        arena, epoch = network(
            [50, 21, 4],
            ["tanh"],
            dtype,
            AdamW(lr=0.01),
            dropout=dropout,
            scaling=scaling,
            engine=engine,
            n_threads=3,
        )
        for each in (order, None):
            epoch.run(rows, y, weight, each, 290)  # two blocks and a rest
        found.append((arena.params, *epoch.evaluate(rows, y, weight)))
    tight = dtype == "float64"
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(
            one, other, rtol=1e-9 if tight else 1e-4, atol=1e-12 if tight else 1e-5
        )


@needs_compiled
def test_threads_change_no_bit_of_sparse_training():
    X, y, weight, order = rows_of("float32", "int32", 2000, 500)
    found = []
    for n_threads in (1, 2, 3):
        arena, epoch = network([2000, 70, 4], ["relu"], "float32", n_threads=n_threads)
        epoch.run(X, y, weight, order, 100)
        found.append(arena.params)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


@needs_compiled
def test_one_engine_takes_sparse_and_dense_rows_in_turn():
    X, y, _, _ = rows_of("float64", "int32")
    arena, epoch = network([50, 21, 4], ["tanh"])
    other, twin = network([50, 21, 4], ["tanh"], engine="numpy")
    for rows in (X, X.toarray(), X):
        epoch.run(rows, y, batch_size=32)
        twin.run(rows, y, batch_size=32)
    np.testing.assert_allclose(arena.params, other.params, rtol=1e-9, atol=1e-12)


def test_outputs_of_sparse_rows_are_those_of_dense_ones():
    X, _, _, _ = rows_of("float64", "int64")
    _, epoch = network([50, 21, 4], ["tanh"])
    parts = epoch.weights, epoch.biases, epoch.activations
    whole = network_outputs(X, *parts)
    np.testing.assert_allclose(whole, network_outputs(X.toarray(), *parts), rtol=1e-11, atol=1e-14)
    np.testing.assert_array_equal(network_outputs(X[5:6], *parts), whole[5:6])


@pytest.mark.parametrize("engine", ["numpy", pytest.param("compiled", marks=needs_compiled)])
def test_corrupt_or_unfit_matrices_are_refused(engine):
    X, y, _, _ = rows_of("float64", "int32")
    _, epoch = network([50, 21, 4], ["tanh"], engine=engine)
    broken = X.copy()
    broken.indices[7] = 50
    with pytest.raises(ValueError, match="indices from 0 to 49"):
        epoch.run(broken, y)
    with pytest.raises(TypeError, match="CSR"):
        epoch.run(X.tocsc(), y)
    with pytest.raises(TypeError, match=r"X.data must be .*float64"):
        epoch.run(X.astype("f4"), y)
    assert epoch.updater.t == 0


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("standardize", [False, True, "auto"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_estimators_on_sparse_rows_are_those_on_dense_ones(kind, standardize, form):
    X, y, weight, _ = rows_of("float64", "int32", rows=400)
    X = X.asformat(form)
    fits = {"lr": 5e-3, "max_epochs": 3, "random_state": 0, "dropout": 0.2}
    fits["standardize"] = standardize
    model = kind((20,), **fits).fit(X, y, weight)
    np.testing.assert_allclose(model.predict(X), model.predict(X.toarray()), rtol=1e-10)
    if standardize is False:  # else dense features are shifted
        dense = kind((20,), **fits).fit(X.toarray(), y, weight)
        np.testing.assert_allclose(model.coefs_[0], dense.coefs_[0], rtol=1e-9, atol=1e-12)
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.partial_fit(X[:100] if form == "csr" else X.tocsr()[:100], y[:100])
    np.testing.assert_array_equal(model.coefs_[0], again.coefs_[0])


def test_rare_words_of_many_are_learned():
    rng = np.random.default_rng(0)
    X = sparse.random(1000, 5000, 0.01, "csr", "float32", random_state=1)
    y = (np.asarray(X[:, :500].sum(axis=1)).ravel() > 2.5).astype(int)
    rows = rng.permutation(1000)
    model = MLPClassifier((50,), lr=5e-3, random_state=0, max_epochs=20).fit(
        X[rows[:800]], y[rows[:800]]
    )
    assert model.score(X[rows[:800]], y[rows[:800]]) > 0.99
