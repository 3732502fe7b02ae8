"""The compiled sparse epoch against its twin, against the dense one, and against a slow loop."""

import importlib

import numpy as np
import pytest

from fastlr import LARS, QHM, SGD, Adagrad, Adam, AdamW, Lion, OneCycle, Piecewise
from fastlr.kernels.find import info
from fastlr.losses import Huber, SquaredHinge
from fastlr.training import Arena, FeatureScaling, LinearEpoch
from tests.support.engines import needs_compiled
from tests.support.sparse_problems import assert_agree, model, problem, slow_lazy

ENGINE_NAMES = ["compiled", "numpy"]
ENGINES = ["numpy", pytest.param("compiled", marks=needs_compiled)]


def train(epoch, arena, data, batch_size=7, epochs=2):
    for _ in range(epochs):
        result = epoch.run(*data, batch_size)
    return arena, epoch, result


def isas():
    names = []
    for isa in info.backend_info()["isas_supported"]:
        try:
            importlib.import_module(f"fastlr.training.sparse._sparse_{isa}")
        except ImportError:
            continue
        names.append(isa)
    return names


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4, 5, 7, 8, 9, 16, 50, 67, 130])
def test_compiled_epoch_equals_the_numpy_one(outputs, dtype, isa, monkeypatch):
    module = importlib.import_module(f"fastlr.training.sparse._sparse_{isa}")
    monkeypatch.setattr("fastlr.training.engine.compiled", lambda model: module)
    data = problem(outputs, dtype)
    optimizer = Adam(
        lr=0.05, eps=1e-3, weight_decay=0.1, decay="decoupled", schedule=OneCycle(), clip_norm=0.4
    )
    got, expected = (
        train(epoch, arena, data)
        for arena, epoch in (model(data[0], outputs, optimizer, e) for e in ("compiled", "numpy"))
    )
    assert expected[2].steps == 13  # twelve of 7 rows, and one of 6
    assert_agree(got, expected, dtype)


# Penalties in all ways that a step may deal with them, beside what else changes a gradient.
PENALISED = {
    "sgd": (SGD(lr=0.3, l2=0.1), 0.02),
    "momentum": (SGD(lr=0.1, momentum=0.8, nesterov=True, l2=0.1, clip_norm=0.3), 0.02),
    "momentum, dampened": (SGD(lr=0.1, momentum=0.8, dampening=0.5, l2=2.0, l1=0.01), 0.01),
    "qhm, up": (QHM(lr=0.1, momentum=0.9, weight_decay=0.1, maximize=True), 0.02),
    "qhm, decayed and averaged": (
        QHM(lr=0.1, momentum=0.9, weight_decay=0.1, decay="decoupled", average="ema", l2=0.1),
        0.02,
    ),
    "adam": (Adam(lr=0.05, eps=1e-3, l2=0.1, clip_norm=0.3, schedule=OneCycle()), 0.02),
    "adam, clipped apart": (
        Adam(lr=0.05, eps=1e-3, l2=0.1, clip_norm=0.2, clip_scope="parameter", clip_value=0.02),
        0.02,
    ),
    "adamw, up": (AdamW(lr=0.05, eps=1e-3, l2=0.1, maximize=True, average="polyak"), 0.02),
    "cautious": (AdamW(lr=0.05, eps=1e-3, l2=0.1, cautious=True), 0.02),
    "cautious momentum": (SGD(lr=0.1, momentum=0.8, l2=0.1, cautious=True), 0.02),
    "lion, with a proximal step": (Lion(lr=0.01, l2=0.1, l1=0.01, weight_decay=0.1), 0.02),
    "dense": (LARS(lr=0.1, l2=0.1), 0.02),
    "dense, lookahead": (Adam(lr=0.05, eps=1e-3, lookahead=3), 0.02),
}


@needs_compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 3, 11, 67])
@pytest.mark.parametrize("name", PENALISED)
def test_penalties_equal_those_of_the_numpy_epoch(name, outputs, dtype):
    data, (optimizer, l1) = problem(outputs, dtype), PENALISED[name]
    got, expected = (
        train(epoch, arena, data, epochs=3)
        for arena, epoch in (model(data[0], outputs, optimizer, e, l1=l1) for e in ENGINE_NAMES)
    )
    assert_agree(got, expected, dtype)
    for one, other in zip(got[1].memory, expected[1].memory, strict=True):
        close = {"rtol": 1e-9, "atol": 1e-12} if dtype == "float64" else {"rtol": 0, "atol": 1e-4}
        np.testing.assert_allclose(one, other, **close)


# Steps that are the same whether features without a gradient are stepped or caught up.
SAME = {
    "sgd": SGD(lr=0.3),
    "sgd, decoupled": SGD(lr=0.3, weight_decay=0.2, decay="decoupled", schedule=OneCycle()),
    "sgd, independent": SGD(lr=0.3, weight_decay=0.02, decay="independent", schedule=OneCycle()),
    "sgd, l2": SGD(lr=0.3, weight_decay=0.2, schedule=OneCycle()),
    "sgd, l2 as penalty beside decay": SGD(lr=0.3, l2=0.1, weight_decay=0.2, decay="decoupled"),
    "sgd, l1": SGD(lr=0.3, l1=0.02, schedule=OneCycle()),
    "sgd, elastic net": SGD(lr=0.3, l1=0.01, l2=0.2, clip_value=0.05, schedule=OneCycle()),
    "sgd, decay that comes and goes": SGD(
        lr=0.3,
        l1=0.01,
        weight_decay=0.2,
        decay="decoupled",
        schedules={
            "weight_decay": Piecewise([5, 9, 20], [0.0, 1.0, 0.0, 1.0]),
            "l1": Piecewise([4, 17], [0.0, 1.0, 0.0]),
        },
    ),
    "sgd, ema": SGD(lr=0.3, average="ema", average_decay=0.9, weight_decay=0.2),
    "sgd, polyak": SGD(lr=0.3, average="polyak", weight_decay=0.2, schedule=OneCycle()),
    "sgd, up": SGD(lr=0.03, maximize=True, weight_decay=0.3, clip_norm=0.2),
    "sgd, decay that turns signs": SGD(lr=0.3, weight_decay=4.5),
    "sgd, decay that leaves nothing": SGD(lr=0.5, weight_decay=2.0, l1=0.01),
    "adagrad": Adagrad(lr=0.2, eps=1e-3),
    "adagrad, all": Adagrad(lr=0.2, eps=1e-3, weight_decay=0.2, decay="decoupled", l1=0.01),
    "adagrad, clipped apart": Adagrad(lr=0.2, eps=1e-3, clip_norm=0.1, clip_scope="parameter"),
    "adagrad, clipped by group": Adagrad(lr=0.2, eps=1e-3, clip_norm=0.1, clip_scope="group"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("outputs", [1, 3, 11])
@pytest.mark.parametrize("name", SAME)
def test_lazy_steps_equal_dense_ones_where_nothing_moves_without_a_gradient(name, outputs, engine):
    optimizer = SAME[name].replace(nonfinite="raise")
    X, y, weight, order = problem(outputs)
    arena, epoch = model(X, outputs, optimizer, engine)
    assert epoch.is_lazy
    dense = Arena({"coef": (outputs, X.shape[1]), "intercept": (outputs,)}, "float64")
    dense.param["coef"][...] = arena.param["coef"].T
    dense.param["intercept"][...] = arena.param["intercept"]
    own = {"l1": 0.0} if optimizer.l1 else {}
    groups = [{"match": "intercept", "weight_decay": 0.0, **own}]
    updater = optimizer.bind(dense.param, groups, total_steps=40)
    reference = LinearEpoch(dense, updater, "log_loss", epoch.reduction)
    for _ in range(2):
        result = epoch.run(X, y, weight, order, 7)
        expected = reference.run(X.toarray(), y, weight, order, 7)
    close = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(arena.param["coef"].T, dense.param["coef"], **close)
    np.testing.assert_allclose(arena.param["intercept"], dense.param["intercept"], **close)
    if optimizer.average:
        for name in ("coef", "intercept"):
            got = epoch.updater.averaged[name].T
            np.testing.assert_allclose(got, updater.averaged[name], **close)
    assert result.loss_sum == pytest.approx(expected.loss_sum, rel=1e-11)
    assert epoch.updater.stats()["t"] == updater.t
    if optimizer.l1 and optimizer.weight_decay != 2.0:
        assert 0 < (arena.param["coef"] == 0).sum() < arena.param["coef"].size


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("outputs", [1, 11])
def test_rows_of_weight_zero_are_as_good_as_empty(outputs, engine):
    X, y, weight, order = problem(outputs)
    weight[::3] = 0
    emptied = X.copy()
    counts = np.diff(X.indptr) * (weight != 0)
    emptied.data = np.concatenate([X[[r]].data for r in np.flatnonzero(weight)])
    emptied.indices = np.concatenate([X[[r]].indices for r in np.flatnonzero(weight)])
    emptied.indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    (arena, epoch), (other, reference) = (
        model(X, outputs, Adam(lr=0.1, weight_decay=0.1), engine) for _ in range(2)
    )
    result = epoch.run(X, y, weight, order, 8)
    assert result == reference.run(emptied, y, weight, order, 8)
    np.testing.assert_array_equal(arena.params, other.params)
    assert epoch.evaluate(X, y, weight) == pytest.approx(reference.evaluate(emptied, y, weight))


LAZY = {
    "adam": Adam(lr=0.05, eps=1e-3, beta1=0.8),
    "adam, l2": Adam(lr=0.05, eps=1e-3, weight_decay=0.3),
    "adamw": AdamW(lr=0.05, eps=1e-3, weight_decay=0.3, schedule=OneCycle(), l1=0.05),
    "adamw, ema": AdamW(lr=0.05, eps=1e-3, weight_decay=0.3, average="ema", average_decay=0.8),
    "adam, polyak": Adam(lr=0.05, eps=1e-3, average="polyak", clip_norm=0.1, maximize=True),
    "momentum": SGD(lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.2),
    "lion": Lion(lr=0.01, weight_decay=0.5, clip_value=0.02),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("outputs", [2, 11])
@pytest.mark.parametrize("name", LAZY)
def test_lazy_steps_are_what_their_docstring_says(name, outputs, engine):
    X, y, weight, order = problem(outputs)
    (arena, epoch), (other, reference) = (
        model(X, outputs, LAZY[name], e) for e in (engine, "numpy")
    )
    meetings = {}
    for _ in range(2):
        epoch.run(X, y, weight, order, 7)
        slow_lazy(X, y, weight, order, 7, other, reference.updater, meetings)
    np.testing.assert_allclose(arena.params, other.params, rtol=1e-9, atol=1e-12)
    for name, arrays in reference.updater.state_dict()["state"].items():
        got = epoch.updater.state_dict()["state"][name]
        for param, values in arrays.items():
            np.testing.assert_allclose(got[param], values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_products_that_vanish_start_anew(engine):
    # A tenth is left by each step: nothing of 400 steps' product would be left.
    X, y, weight, order = problem(2)
    optimizer = SGD(lr=1.0, weight_decay=0.9, decay="decoupled", l1=1e-9)
    (arena, epoch), (other, reference) = (model(X, 2, optimizer, e) for e in (engine, "numpy"))
    order = np.tile(order, 5)
    epoch.run(X, y, weight, order, 1)
    slow_lazy(X, y, weight, order, 1, other, reference.updater)
    np.testing.assert_allclose(arena.params, other.params, rtol=1e-9, atol=1e-20)


LOSSES = [
    ("log_loss", "ovr", 3),
    ("hinge", "multinomial", 4),
    (SquaredHinge(), "ovr", 12),
    (Huber(), "each", 1),
    ("squared_error", "each", 9),
    ("poisson", "each", 2),
]


@needs_compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("loss", "reduction", "outputs"), LOSSES)
def test_every_reduction_of_a_loss_equals_the_numpy_one(loss, reduction, outputs, dtype):
    data = problem(outputs, dtype, reduction)
    if loss == "poisson":
        data = (data[0], np.abs(data[1]), *data[2:])
    got, expected = (
        train(epoch, arena, data)
        for arena, epoch in (
            model(data[0], outputs, Adagrad(lr=0.1), e, loss, reduction)
            for e in ("compiled", "numpy")
        )
    )
    assert_agree(got, expected, dtype)
    X, y, weight, _ = data
    values = [e.evaluate(X, y, weight) for e in (got[1], expected[1])]
    assert values[0] == pytest.approx(values[1], rel=1e-10 if dtype == "float64" else 1e-4)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("outputs", [1, 3, 12])
@pytest.mark.parametrize("scaled", [False, True])
def test_scaling_and_evaluation_are_those_of_the_dense_epoch(scaled, outputs, engine):
    X, y, weight, order = problem(outputs)
    scaling = None
    if scaled:
        scaling = FeatureScaling(None, np.random.default_rng(3).uniform(0.3, 3.0, X.shape[1]))
    arena, epoch = model(X, outputs, Adagrad(lr=0.1), engine, scaling=scaling)
    dense = Arena({"coef": (outputs, X.shape[1]), "intercept": (outputs,)}, "float64")
    dense.param["coef"][...] = arena.param["coef"].T
    dense.param["intercept"][...] = arena.param["intercept"]
    updater = Adagrad(lr=0.1).bind(dense.param)
    reference = LinearEpoch(dense, updater, "log_loss", epoch.reduction, scaling=scaling)
    epoch.run(X, y, weight, order, 8)
    reference.run(X.toarray(), y, weight, order, 8)
    np.testing.assert_allclose(arena.param["coef"].T, dense.param["coef"], rtol=1e-9, atol=1e-12)
    expected = reference.evaluate(X.toarray(), y, weight)
    assert epoch.evaluate(X, y, weight) == pytest.approx(expected, rel=1e-11)
