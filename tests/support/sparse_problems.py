"""Sparse problems, models over them, and a slow reference of lazy steps."""

import numpy as np
from scipy import sparse

from fastlr.training import Arena, SparseEpoch


def rows_of(rows=90, features=40, dtype="float64", density=0.12, seed=0, index="int32"):
    """Return CSR rows with empty ones, features that never occur, duplicates, and no order."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(density * features, rows)
    counts[[0, rows // 2, rows - 1]] = 0
    starts = np.concatenate([[0], np.cumsum(counts)])
    indices = rng.integers(0, features - 5, starts[-1])
    values = rng.standard_normal(starts[-1]).astype(dtype)
    X = sparse.csr_array((values, indices.astype(index), starts.astype(index)), (rows, features))
    X.indices, X.indptr = indices.astype(index), starts.astype(index)  # SciPy prefers 32 bits
    assert not X.has_canonical_format
    return X


def problem(outputs, dtype="float64", reduction="softmax", seed=0, **more):
    """Return rows, targets, weights and an order."""
    rng = np.random.default_rng(seed + 1)
    X = rows_of(dtype=dtype, seed=seed, **more)
    rows = X.shape[0]
    y = rng.integers(0, max(outputs, 2), rows)
    if reduction == "each":
        y = rng.standard_normal((rows, outputs)).astype(dtype)
    return X, y, rng.uniform(0.1, 3.0, rows), rng.permutation(rows)


def model(X, outputs, optimizer, engine="auto", loss="log_loss", reduction=None, **more):
    """Return arena and epoch, started from some numbers."""
    intercept = more.pop("intercept", True)
    shapes = {"coef": (X.shape[1], outputs)} | ({"intercept": (outputs,)} if intercept else {})
    arena = Arena(shapes, X.dtype)
    rng = np.random.default_rng(1)
    for values in arena.param.values():
        values[...] = 0.3 * rng.standard_normal(values.shape)
    arena.grads[...] = np.nan  # whatever was there before must not matter
    groups = [{"match": "intercept", "weight_decay": 0.0, "l1": 0.0}] if intercept else None
    if optimizer.predicts_elsewhere or "l1" in optimizer.own_fields or not optimizer.l1:
        groups = groups and [{"match": "intercept", "weight_decay": 0.0}]
    updater = optimizer.bind(arena.param, groups, total_steps=40)
    reduction = reduction or ("ovr" if outputs == 1 else "softmax")
    return arena, SparseEpoch(arena, updater, loss, reduction, engine, **more)


def assert_agree(got, expected, dtype="float64", state=True):
    """Compare two models after the same training, and what it came to."""
    (arena, epoch, result), (other, reference, expected_result) = got, expected
    tight = np.dtype(dtype) == np.float64
    close = {"rtol": 1e-9, "atol": 1e-11} if tight else {"rtol": 5e-4, "atol": 1e-5}
    for name, values in arena.param.items():
        np.testing.assert_allclose(values, other.param[name], **close, err_msg=name)
    assert np.isclose(result.loss_sum, expected_result.loss_sum, rtol=1e-11 if tight else 1e-5)
    assert np.isclose(result.weight_sum, expected_result.weight_sum, rtol=1e-13)
    assert result[2:] == expected_result[2:]
    one, two = epoch.updater.state_dict(), reference.updater.state_dict()
    assert (one["t"], one["skipped"]) == (two["t"], two["skipped"])
    if state:
        for name, arrays in one["state"].items():
            for param, values in arrays.items():
                expect = two["state"][name][param]
                np.testing.assert_allclose(values, expect, **close, err_msg=f"{name} of {param}")


def steps_between(meetings):
    """Return the mean number of steps between meetings, 1 for a single one; the last 16 count."""
    mean = 1.0
    for i in range(1, len(meetings)):
        mean += (meetings[i] - meetings[i - 1] - mean) / min(i, 16)
    return mean


def slow_lazy(X, y, weight, order, batch_size, arena, updater, meetings=None):
    """Train by softmax as the docstring of `SparseEpoch` says, feature by feature, step by step.

    A whole step is made with zeros for a gradient where there is none; then features that the
    mini-batch does not hold are put back, and what is left of a step is done to them one by one.
    `meetings` has the steps that met each feature in earlier calls.
    """
    meetings = {} if meetings is None else meetings
    dense, optimizer = X.toarray(), updater.optimizer
    coef, intercept = arena.param["coef"], arena.param["intercept"]
    states = {name: arrays[0] for name, arrays in updater.binding.state.items()}
    l2 = optimizer.weight_decay if optimizer.decay == "l2" else 0.0
    momentum = getattr(optimizer, "momentum", 0.0)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        scores = dense[rows] @ coef + intercept
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        slopes = e / e.sum(axis=1, keepdims=True) - np.eye(coef.shape[1])[y[rows]]
        slopes *= weight[rows, None] / len(rows)
        touched = np.zeros(len(coef), bool)
        touched[
            np.unique(np.concatenate([X.indices[X.indptr[r] : X.indptr[r + 1]] for r in rows]))
        ] = True
        lr, t = updater.lr, updater.t + 1
        before = {name: a.copy() for name, a in {"p": coef, **states}.items()}
        grad = dense[rows].T @ slopes
        if l2 and not optimizer.is_linear:
            for j in np.flatnonzero(touched):
                meetings.setdefault(j, []).append(t)
                grad[j] += (steps_between(meetings[j]) - 1) * l2 * coef[j]
        updater.step({"coef": grad, "intercept": slopes.sum(axis=0)})
        kept = {
            "l2": np.exp(-lr / (1 - momentum) * l2) if momentum else 1 - lr * l2,
            "decoupled": 1 - lr * optimizer.weight_decay,
            "independent": 1 - lr / optimizer.lr * optimizer.weight_decay,
        }[optimizer.decay]
        p = before["p"] * (1 if l2 and not optimizer.is_linear else kept)
        p = np.sign(p) * np.maximum(np.abs(p) - lr * optimizer.l1, 0)
        before["p"] = p
        if optimizer.average:
            share = (
                1 / t if optimizer.average == "polyak" or t == 1 else 1 - optimizer.average_decay
            )
            before["average"] += share * (p - before["average"])
        for name, a in {"p": coef, **states}.items():
            a[~touched] = before[name][~touched]
