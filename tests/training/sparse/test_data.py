"""Sparse rows as they come: any index width, any order, any optimizer; and what is refused."""

import _thread
import contextlib
import threading
import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from fastlr import SGD, Adagrad, Adam, AdamW
from fastlr.training import Arena, SparseEpoch
from fastlr.training.engine import compiled
from tests.support.cases import COMPILED_CASES, FULLEST, make
from tests.support.engines import needs_compiled, use_engine
from tests.support.sparse_problems import assert_agree, model, problem, rows_of

ENGINES = ["numpy", pytest.param("compiled", marks=needs_compiled)]


def trained(data, outputs, optimizer, engine="auto", batch_size=8, **more):
    arena, epoch = model(data[0], outputs, optimizer, engine, **more)
    return arena, epoch, epoch.run(*data, batch_size)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("outputs", [1, 11])
def test_storage_of_the_rows_does_not_matter(outputs, engine):
    X, y, weight, order = problem(outputs)
    tidy = sparse.csr_matrix(X, copy=True)
    tidy.sum_duplicates()
    assert tidy.nnz < X.nnz
    wide = X.copy()
    wide.indices, wide.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    mixed = X.copy()
    mixed.indices, mixed.indptr = X.indices.astype(np.int64), X.indptr
    other = X.copy()
    other.indices, other.indptr = X.indices, X.indptr.astype(np.int64)
    locked = X.copy()
    for array in (locked.data, locked.indices, locked.indptr):
        array.flags.writeable = False
    part = sparse.vstack([X[:3], X, X[:2]], format="csr")
    start, stop = part.indptr[3], part.indptr[-3]
    cut = X.copy()  # rows in the midst of larger arrays
    cut.data, cut.indices, cut.indptr = part.data, part.indices, part.indptr[3:-2]
    assert (cut.indptr[0], cut.indptr[-1]) == (start, stop)
    expected = trained((X, y, weight, order), outputs, Adagrad(lr=0.1), engine)
    for rows in (tidy, wide, mixed, other, locked, cut):
        got = trained((rows, y, weight, order), outputs, Adagrad(lr=0.1), engine)
        assert_agree(got, expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_features_that_never_occur_and_empty_rows_are_left_alone(engine):
    X = sparse.csr_array((20, 6))
    y = np.arange(20) % 3
    arena, _, result = trained((X, y, None, None), 3, Adam(lr=0.1), engine)
    before = model(X, 3, Adam())[0]
    np.testing.assert_array_equal(arena.param["coef"], before.param["coef"])
    assert (arena.param["intercept"] != before.param["intercept"]).all()
    assert (result.steps, result.weight_sum) == (3, 20)


@pytest.mark.parametrize("name", COMPILED_CASES)
@pytest.mark.parametrize("outputs", [2, 9])
@needs_compiled
def test_every_rule_runs_compiled_as_in_numpy(name, outputs):
    data = problem(outputs, rows=40)
    optimizer = make(name)
    got, expected = (trained(data, outputs, optimizer, e) for e in ("compiled", "numpy"))
    assert got[1].is_lazy == (not optimizer.sums)
    assert_agree(got, expected)


@pytest.mark.parametrize("name", FULLEST)
def test_rules_that_look_across_elements_make_dense_steps(name):
    optimizer = make(FULLEST[name])
    X, y, weight, order = problem(3, rows=40)
    arena, epoch, _ = trained((X, y, weight, order), 3, optimizer)
    if epoch.is_lazy:
        return
    dense, _ = model(X, 3, SGD())
    updater = optimizer.bind(dense.param, [{"match": "intercept", "weight_decay": 0.0}])
    for start in range(0, 40, 8):
        rows = order[start : start + 8]
        x = X.toarray()[rows]
        e = np.exp(x @ dense.param["coef"] + dense.param["intercept"])
        slopes = (e / e.sum(axis=1, keepdims=True) - np.eye(3)[y[rows]]) * weight[rows, None] / 8
        updater.step({"coef": x.T @ slopes, "intercept": slopes.sum(axis=0)})
    np.testing.assert_allclose(arena.params, dense.params, rtol=1e-6, atol=1e-9)


MODIFIED = {
    "lookahead": (AdamW(lr=0.05, lookahead=3, weight_decay=0.1), False),
    "l1 and average": (SGD(lr=0.1, l1=0.01, average="polyak"), False),
    "cautious": (AdamW(lr=0.05, cautious=True, weight_decay=0.1), True),
    "cautious average": (Adam(lr=0.05, cautious=True, average="ema", clip_norm=0.1), True),
    "skip": (Adam(lr=0.05, nonfinite="skip", clip_norm=0.1), True),
}


@needs_compiled
@pytest.mark.parametrize("outputs", [2, 9])
@pytest.mark.parametrize("name", MODIFIED)
def test_modifiers_run_compiled_as_in_numpy(name, outputs):
    optimizer, is_lazy = MODIFIED[name]
    data = problem(outputs)
    got, expected = (trained(data, outputs, optimizer, e) for e in ("compiled", "numpy"))
    assert got[1].is_lazy == is_lazy
    assert_agree(got, expected)


@needs_compiled
@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize("batch_size", [1, 40, 3000])
@pytest.mark.parametrize("outputs", [1, 8, 70])
def test_mini_batches_of_many_blocks_are_summed(outputs, batch_size, index):
    data = problem(outputs, rows=700, features=60, density=0.3, index=index)
    optimizer = Adagrad(lr=0.05, clip_norm=0.05, weight_decay=0.1, decay="decoupled")
    got, expected = (
        trained(data, outputs, optimizer, e, batch_size) for e in ("compiled", "numpy")
    )
    assert got[2].steps == -(-700 // batch_size)
    assert_agree(got, expected)


@needs_compiled
def test_a_row_longer_than_a_block_is_taken_whole():
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.standard_normal((3, 70_000)))
    data = (X, np.array([0, 1, 0]), None, None)
    got, expected = (trained(data, 1, SGD(lr=0.001), e, 2) for e in ("compiled", "numpy"))
    assert_agree(got, expected)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("outputs", [1, 11])
@pytest.mark.parametrize("bad", ["loss", "gradient"])
def test_divergence_ends_the_epoch_with_what_was_there_before(bad, outputs, engine):
    X, y, weight, order = problem(outputs)
    optimizer = AdamW(lr=0.1, weight_decay=0.3, nonfinite="raise")
    kept = X.copy()
    row = next(r for r in order[40:48] if X.indptr[r] < X.indptr[r + 1])
    part = slice(X.indptr[row], X.indptr[row + 1])
    X.data[part] = np.nan if bad == "loss" else 1e200
    arena, epoch = model(X, outputs, optimizer, engine)
    if bad == "gradient":  # a finite loss with a gradient beyond all bounds
        weight = weight.copy()
        weight[row] = 1e120
        X.indices[part] = 39  # which no other row has
        arena.param["coef"][39] = 0
    start = arena.params.copy()
    result = epoch.run(X, y, weight, order, 8)
    assert (result.steps, result.diverged_at, epoch.updater.t) == (5, 5, 5)
    other, reference = model(kept, outputs, optimizer, engine)
    other.params[...] = start
    reference.run(kept, y, weight, order[:40], 8)
    np.testing.assert_array_equal(arena.params, other.params)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("outputs", [2, 11])
def test_steps_that_are_skipped_leave_no_trace(outputs, engine):
    X, y, weight, order = problem(outputs)
    X.data[...] *= 1e100
    weight = weight.copy()
    weight[order[16:24]] = 1e250
    optimizer = SGD(lr=1e-202, weight_decay=1e201, nonfinite="skip", decay="decoupled")
    arena, epoch = model(X, outputs, optimizer, engine)
    arena.params[...] = 0
    result = epoch.run(X, y, weight, order, 8)
    assert (result.steps, epoch.updater.skipped, epoch.updater.t) == (12, 1, 11)
    if engine == "compiled":  # its stepper takes no reports from outside
        assert epoch.updater.stats()["last_skipped"] == "coef"
    assert np.isfinite(arena.params).all()


@pytest.mark.parametrize("outputs", [1, 9])
def test_without_a_compiled_core_steps_are_as_lazy_and_the_same(outputs):
    data = problem(outputs)
    optimizer = AdamW(lr=0.05, eps=1e-3, weight_decay=0.1, average="ema", clip_norm=0.2)
    expected = trained(data, outputs, optimizer)
    compiled.cache_clear()
    try:
        with use_engine("numba-no_compiler"):
            got = trained(data, outputs, optimizer)
            assert (got[1].is_lazy, compiled("sparse")) == (True, None)
    finally:
        compiled.cache_clear()
    assert_agree(got, expected)
    norms = [each[1].updater.stats()["grad_norm"] for each in (got, expected)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-9)


def test_unfit_arguments_are_refused_by_name():
    X, y, weight, order = problem(3)
    arena, epoch = model(X, 3, SGD())
    before = arena.params.copy()
    wrong, negative, falling = X.copy(), X.copy(), X.copy()
    wrong.indices = X.indices.copy()
    wrong.indices[7] = X.shape[1]
    negative.indices = X.indices.copy()
    negative.indices[-1] = -1
    falling.indptr = X.indptr.copy()
    falling.indptr[3] = X.indptr[9]
    for run in (epoch, model(X, 3, SGD(), "numpy")[1]):
        for given, message in [
            ((X.toarray(), y), "X must be a SciPy matrix"),
            ((X.tocsc(), y), "csc"),
            ((X.astype(np.float32), y), r"X\.data"),
            ((X[:, :5], y), "X must be of shape"),
            ((wrong, y), "indices from 0 to 39"),
            ((negative, y), "indices from 0 to 39"),
            ((falling, y), "do not fall"),
            ((X, y[:-1]), "y must"),
            ((X, y + 1), "codes from 0 to 2"),
            ((X, y, weight[:3]), "sample_weight"),
            ((X, y, weight, order + 1), "order"),
            ((X, y, weight, order, 0), "batch_size"),
        ]:
            with pytest.raises((TypeError, ValueError), match=message):
                run.run(*given)
    np.testing.assert_array_equal(arena.params, before)
    for more, message in [
        ({"engine": "fast"}, "engine"),
        ({"reduction": "mean"}, "reduction"),
        ({"loss": "l7"}, "loss"),
    ]:
        with pytest.raises(ValueError, match=message):
            model(X, 3, SGD(), **more)


def large(rows=20_000, features=5_000):
    rng = np.random.default_rng(0)
    X = rows_of(rows, features, np.float32, 40 / features)
    return X, rng.integers(0, 20, rows)


@needs_compiled
def test_memory_of_an_epoch_is_small_beside_the_rows():
    X, y = large()
    arena = Arena({"coef": (X.shape[1], 20), "intercept": (20,)}, "float32")
    epoch = SparseEpoch(arena, SGD(lr=0.1).bind(arena.param), "log_loss", "softmax")
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    tracemalloc.start()
    epoch.run(X, y, None, None, 64)
    epoch.evaluate(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.01 * size


@needs_compiled
@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_other_threads_run_and_ctrl_c_is_noticed_in_an_epoch():
    X, y = large()
    order = np.tile(np.arange(len(y)), 200)
    arena = Arena({"coef": (X.shape[1], 20), "intercept": (20,)}, "float32")
    updater = SGD(lr=0.01, weight_decay=0.1, decay="decoupled").bind(arena.param)
    epoch = SparseEpoch(arena, updater, "log_loss", "softmax")
    ticks = []

    def interrupt():
        for _ in range(20):
            threading.Event().wait(0.005)
            ticks.append(updater.t)
        _thread.interrupt_main()

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        epoch.run(X, y, None, order, 64)
    with contextlib.suppress(KeyboardInterrupt):
        other.join()
    assert len(set(ticks)) > 5  # steps went on between two looks of the other thread
    assert 0 < updater.t < len(order) // 64
    assert np.isfinite(arena.params).all()
