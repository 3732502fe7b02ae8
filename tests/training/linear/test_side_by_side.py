"""Several engines over the same mini-batches come to the bits of each alone."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from fastlr import SGD, AdamW
from fastlr.optimizers import LARS
from fastlr.training import (
    Arena,
    FeatureScaling,
    LinearEpoch,
    MLPEpoch,
    SparseEpoch,
    run_side_by_side,
)

RATES = (1e-3, 1e-2, 0.1)
N, F = 203, 19


@pytest.fixture(autouse=True)
def rows_that_are_worth_gathering(monkeypatch):
    """Let few rows take the way of many."""
    monkeypatch.setattr("fastlr.training.linear.epoch.CACHED", 0)


def linear(optimizer, lr, outputs=3, loss="log_loss", reduction="softmax", dtype="float32", **more):
    arena = Arena({"coef": (outputs, F), "intercept": (outputs,)}, dtype)
    updater = optimizer.replace(lr=lr).bind(arena.param)
    return LinearEpoch(arena, updater, loss, reduction, **more)


def rows(dtype="float32", outputs=3, codes=True, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, F)).astype(dtype)
    if codes:
        return X, rng.integers(0, max(outputs, 2), N)
    return X, rng.standard_normal((N, outputs)).astype(dtype)


def assert_alone_is_the_same(make, X, y, weights=None, batch_size=16, ordered=False, epochs=2):
    alone, together = [make(lr) for lr in RATES], [make(lr) for lr in RATES]
    rng = np.random.default_rng(1)
    for _ in range(epochs):
        order = None if ordered else rng.permutation(N)[: N - 5]
        expected = [engine.run(X, y, weights, order, batch_size) for engine in alone]
        assert run_side_by_side(together, X, y, weights, order, batch_size) == expected
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.arena.params, other.arena.params)
        assert np.abs(other.arena.params).max() > 0


CASES = {
    "softmax": (3, "log_loss", "softmax"),
    "logistic": (1, "log_loss", "ovr"),
    "labels": (3, "log_loss", "each"),
    "ovr": (3, "hinge", "ovr"),
    "rival": (3, "hinge", "multinomial"),
    "regression": (2, "squared_error", "each"),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_linear_models_of_every_form(case, dtype):
    outputs, loss, reduction = CASES[case]
    X, y = rows(dtype, outputs, codes=reduction != "each")
    if case == "labels":
        y = np.sign(y)
    assert_alone_is_the_same(lambda lr: linear(AdamW(), lr, outputs, loss, reduction, dtype), X, y)


@pytest.mark.parametrize("engine", ["tiles", "blas"])
@pytest.mark.parametrize("ordered", [False, True])
def test_both_kinds_of_product_with_weights_scaling_and_l1(engine, ordered):
    X, y = rows("float64")
    weights = np.random.default_rng(2).uniform(0, 2, N)
    scaling = FeatureScaling(X.mean(axis=0), 1 / X.std(axis=0))
    assert_alone_is_the_same(
        lambda lr: linear(
            SGD(momentum=0.9), lr, dtype="float64", engine=engine, scaling=scaling, l1=0.01
        ),
        X, y, weights, batch_size=50, ordered=ordered,
    )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, N, 2 * N])
def test_mini_batches_of_one_row_and_of_all(batch_size):
    assert_alone_is_the_same(lambda lr: linear(AdamW(), lr), *rows(), batch_size=batch_size)


def test_rules_that_look_across_elements():
    assert_alone_is_the_same(lambda lr: linear(LARS(), lr), *rows())


def test_one_that_diverges_stops_where_it_would_alone_and_the_others_go_on():
    X, y = rows("float32", 1, codes=False)

    def make(lr):
        optimizer = SGD(nonfinite="raise")
        return linear(optimizer, {1e-2: 1e6}.get(lr, lr), 1, "squared_error", "each")

    expected = [make(lr).run(X, y, None, None, 8) for lr in RATES]
    found = run_side_by_side([make(lr) for lr in RATES], X, y, None, None, 8)
    assert found == expected
    assert [result.diverged_at is None for result in found] == [True, False, True]


def test_sparse_rows_and_networks_take_turns():
    X, y = rows()
    X[np.abs(X) < 1] = 0

    def sparse(lr):
        arena = Arena({"coef": (F, 3), "intercept": (3,)}, "float32")
        updater = AdamW(lr=lr).bind(arena.param)
        return SparseEpoch(arena, updater, "log_loss", "softmax")

    def network(lr):
        shapes = {"coef_0": (F, 5), "intercept_0": (5,), "coef_1": (5, 3), "intercept_1": (3,)}
        arena = Arena(shapes, "float32")
        arena.params[:] = np.linspace(-1, 1, arena.params.size)
        updater = AdamW(lr=lr).bind(arena.param)
        return MLPEpoch(arena, updater, "log_loss", "softmax", ["relu"], [0.2, 0.1], seed=3)

    assert_alone_is_the_same(sparse, csr_array(X), y)
    assert_alone_is_the_same(network, X, y)


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        ({"X": np.zeros((N, F + 1), "float32")}, "X must"),
        ({"y": np.full(N, 7)}, "y must hold codes from 0 to 2"),
        ({"order": np.array([0, N])}, "order must hold row numbers"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_unfit_arguments_are_named_before_anything_is_written(spoilt, named):
    X, y = rows()
    engines = [linear(AdamW(), lr) for lr in RATES]
    with pytest.raises(ValueError, match=named):
        run_side_by_side(engines, **({"X": X, "y": y} | spoilt))
    assert not any(engine.arena.params.any() for engine in engines)
