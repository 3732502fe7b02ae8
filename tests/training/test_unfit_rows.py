"""Epochs over rows at the edges, and over arrays that are not what they claim to be.

Run with sanitizers (`.ci/sanitize`), these tests show that nothing is read or written out of
bounds; run without, that all engines refuse the same and take the same.
"""

import numpy as np
import pytest
from scipy import sparse

from fastlr import AdamW
from fastlr.training import Arena, LinearEpoch, MLPEpoch, SparseEpoch
from tests.support.engines import needs_compiled

ENGINES = ["numpy", pytest.param("compiled", marks=needs_compiled)]
MODELS = ["linear", "sparse", "mlp", "mlp on sparse"]


def epoch_of(model, features, outputs, dtype, engine):
    shapes = {"coef": (features, outputs), "intercept": (outputs,)}
    if model == "linear":
        shapes["coef"] = outputs, features
    if model.startswith("mlp"):
        shapes = {
            **{"coef_0": (features, 5), "intercept_0": (5,)},
            **{"coef_1": (5, outputs), "intercept_1": (outputs,)},
        }
    arena = Arena(shapes, dtype)
    arena.params[...] = np.linspace(-0.3, 0.4, arena.params.size)
    updater = AdamW(lr=0.05, weight_decay=0.1).bind(arena.param)
    reduction = "ovr" if outputs == 1 else "softmax"
    if model.startswith("mlp"):
        epoch = MLPEpoch(arena, updater, "log_loss", reduction, ["relu"], engine=engine)
    else:
        engine = "tiles" if (model, engine) == ("linear", "compiled") else engine
        kind = {"linear": LinearEpoch, "sparse": SparseEpoch}[model]
        epoch = kind(arena, updater, "log_loss", reduction, engine)
    return arena, epoch


def data_of(model, rows, features, outputs, dtype, index="int32"):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((rows, features)).astype(dtype)
    if model in ("sparse", "mlp on sparse"):
        X = sparse.csr_array(X * (rng.random_sample(X.shape) < 0.6))
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    y, weights = rng.randint(0, max(outputs, 2), rows), rng.uniform(0.5, 2, rows)
    return X, y, weights, rng.permutation(rows)


def copied(data):
    return tuple(part.copy() for part in data)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 3, 17])
@pytest.mark.parametrize(
    ("rows", "features", "batch_size"),
    [(0, 1, 1), (0, 7, 4), (1, 1, 1), (1, 1, 2**40), (3, 1, 2), (5, 7, 100), (19, 33, 8)],
)
@pytest.mark.parametrize("model", MODELS)
def test_engines_agree_on_few_rows_and_features(model, rows, features, batch_size, outputs, dtype):
    found = []
    for engine in ("numpy", "auto"):
        arena, epoch = epoch_of(model, features, outputs, dtype, engine)
        data = data_of(model, rows, features, outputs, dtype)
        for _ in range(2):
            result = epoch.run(*data, batch_size)
        found.append((arena.params.copy(), result.loss_sum, epoch.evaluate(*data[:3])[0]))
        assert epoch.updater.t == 2 * -(-rows // batch_size)
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    for got, expected in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def shifted(array):
    """Return a copy that does not begin at a multiple of its element's size."""
    room = np.zeros(array.nbytes + 1, np.uint8)
    odd = room[1:].view(array.dtype).reshape(array.shape)
    odd[...] = array
    return odd


def swapped(array):
    return array.astype(array.dtype.newbyteorder())


def spoil(index, value):
    def change(array):
        array[index] = value
        return array

    return change


# What is wrong with which part of the data.
ANY_ROWS = {
    "y: above": ("y", spoil(4, 99)),
    "y: negative": ("y", spoil(4, -1)),
    "y: short": ("y", lambda y: y[:-1]),
    "y: long": ("y", lambda y: np.r_[y, 0]),
    "y: int32": ("y", lambda y: y.astype(np.int32)),
    "y: floats": ("y", lambda y: y.astype(float)),
    "y: swapped": ("y", swapped),
    "y: misaligned": ("y", shifted),
    "y: strided": ("y", lambda y: np.repeat(y, 2)[::2]),
    "y: two columns": ("y", lambda y: np.c_[y, y]),
    "weights: short": ("weights", lambda w: w[:-1]),
    "weights: float32": ("weights", lambda w: w.astype(np.float32)),
    "weights: swapped": ("weights", swapped),
    "weights: misaligned": ("weights", shifted),
    "weights: backwards": ("weights", lambda w: w[::-1]),
    "order: above": ("order", spoil(2, 20)),
    "order: far above": ("order", spoil(2, 2**62)),
    "order: negative": ("order", spoil(2, -1)),
    "order: int32": ("order", lambda order: order.astype(np.int32)),
    "order: swapped": ("order", swapped),
    "order: misaligned": ("order", shifted),
}
DENSE = {
    "X: narrow": ("X", lambda X: np.ascontiguousarray(X[:, :-1])),
    "X: wide": ("X", lambda X: np.c_[X, X]),
    "X: columns first": ("X", np.asfortranarray),
    "X: backwards": ("X", lambda X: X[::-1]),
    "X: swapped": ("X", swapped),
    "X: misaligned": ("X", shifted),
    "X: float16": ("X", lambda X: X.astype(np.float16)),
    "X: one row": ("X", lambda X: X[0]),
    "X: objects": ("X", lambda X: X.astype(object)),
    "X: list": ("X", lambda X: X.tolist()),
}
SPARSE = {
    "indices: above": ("indices", spoil(3, 7)),
    "indices: far above": ("indices", spoil(3, 2**31 - 1)),
    "indices: negative": ("indices", spoil(3, -1)),
    "indices: far below": ("indices", spoil(3, -(2**31))),
    "indices: short": ("indices", lambda i: i[:-2]),
    "indices: long": ("indices", lambda i: np.r_[i, i]),
    "indices: floats": ("indices", lambda i: i.astype(float)),
    "indices: int16": ("indices", lambda i: i.astype(np.int16)),
    "indices: unsigned": ("indices", lambda i: i.astype(np.uint32)),
    "indices: swapped": ("indices", swapped),
    "indices: misaligned": ("indices", shifted),
    "indptr: falling": ("indptr", lambda p: np.r_[p[:4], p[6], p[5:]].astype(p.dtype)),
    "indptr: negative": ("indptr", spoil(0, -3)),
    "indptr: end": ("indptr", spoil(-1, 10**6)),
    "indptr: middle": ("indptr", spoil(9, 2**31 - 1)),
    "indptr: short": ("indptr", lambda p: p[:-1]),
    "indptr: long": ("indptr", lambda p: np.r_[p, p[-1:]]),
    "indptr: swapped": ("indptr", swapped),
    "indptr: misaligned": ("indptr", shifted),
    "data: short": ("data", lambda d: d[:-2]),
    "data: swapped": ("data", swapped),
    "data: misaligned": ("data", shifted),
    "data: integers": ("data", lambda d: d.astype(np.int64)),
}


def is_refused(call, *given):
    try:
        call(*given)
    except (ValueError, TypeError):
        return True
    return False


def spoiled(data, part, change):
    X, y, weights, order = copied(data)
    if part in ("indices", "indptr", "data"):
        setattr(X, part, change(getattr(X, part)))
        return X, y, weights, order
    parts = {"X": X, "y": y, "weights": weights, "order": order}
    parts[part] = change(parts[part])
    return tuple(parts.values())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize("model", MODELS)
def test_what_is_unfit_is_refused_before_a_step(model, index, engine):
    is_sparse = model.endswith("sparse")
    for dtype in ("float32", "float64"):
        arena, epoch = epoch_of(model, 7, 3, dtype, engine)
        data = data_of(model, 20, 7, 3, dtype, index)
        epoch.run(*data, 6)
        before = arena.params.copy()
        for name, (part, change) in (ANY_ROWS | (SPARSE if is_sparse else DENSE)).items():
            bad = spoiled(data, part, change)
            assert is_refused(epoch.run, *bad, 6), name
            assert part == "order" or is_refused(epoch.evaluate, *bad[:3]), name
        assert np.array_equal(arena.params, before)
        assert epoch.updater.t == 4


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model", MODELS)
def test_arrays_that_may_not_be_written_are_only_read(model, engine):
    data = data_of(model, 20, 7, 3, "float64")
    found = []
    for locked in (False, True):
        arena, epoch = epoch_of(model, 7, 3, "float64", engine)
        given = copied(data)
        X = given[0]
        arrays = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
        for array in (*arrays, *given[1:]):
            array.flags.writeable = not locked
        epoch.run(*given, 6)
        found.append(arena.params.copy())
    assert np.array_equal(*found)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [0, -1, 1.5, True, "8", None, 2**63, 10**400])
@pytest.mark.parametrize("model", MODELS)
def test_odd_batch_sizes_are_refused(model, batch_size, engine):
    arena, epoch = epoch_of(model, 7, 3, "float64", engine)
    data = data_of(model, 20, 7, 3, "float64")
    before = arena.params.copy()
    with pytest.raises((ValueError, TypeError)):
        epoch.run(*data, batch_size)
    assert np.array_equal(arena.params, before)
