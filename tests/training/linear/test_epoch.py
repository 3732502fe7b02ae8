"""The compiled epoch against its readable twin, the twin against calculus, and refusals."""

import _thread
import importlib
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from fastlr import SGD, AdamW, OneCycle
from fastlr.kernels.find import info, processor
from fastlr.training import Arena, LinearEpoch
from fastlr.training.losses import softmax_loss

compiled = pytest.mark.skipif(
    processor.compiled_stepper() is None or processor.instruction_set() is None,
    reason="needs the compiled core",
)


def isas():
    """Instruction sets that were built and that this processor has."""
    names = []
    for isa in info.backend_info()["isas_supported"]:
        try:
            importlib.import_module(f"fastlr.training.linear._linear_{isa}")
        except ImportError:
            continue
        names.append(isa)
    return names


def problem(outputs, features, dtype, rows=75, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, features)).astype(dtype)
    y = rng.integers(0, max(outputs, 2), rows)
    weight = rng.uniform(0.1, 3.0, rows)
    return X, y, weight, rng.permutation(rows)


def model(outputs, features, dtype, optimizer, engine, intercept=True):
    shapes = {"coef": (outputs, features)} | ({"intercept": (outputs,)} if intercept else {})
    arena = Arena(shapes, dtype)
    rng = np.random.default_rng(1)
    for values in arena.param.values():
        values[...] = 0.1 * rng.standard_normal(values.shape)
    arena.grads[...] = np.nan  # whatever was there before must not matter
    updater = optimizer.bind(arena.param, total_steps=10)
    reduction = "ovr" if outputs == 1 else "softmax"
    return arena, LinearEpoch(arena, updater, "log_loss", reduction, engine)


def assert_agree(got, expected, dtype):
    (arena, result), (other, reference) = got, expected
    tight = dtype == "float64"
    rtol = 1e-10 if tight else 2e-4
    np.testing.assert_allclose(arena.params, other.params, rtol=rtol, atol=1e-12 if tight else 2e-6)
    assert result.loss_sum == pytest.approx(reference.loss_sum, rel=1e-12 if tight else 1e-5)
    assert result.weight_sum == pytest.approx(reference.weight_sum, rel=1e-14)
    assert result[2:] == reference[2:]


@compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["tiles", "blas"])
@pytest.mark.parametrize("features", [1, 7, 8, 13, 784])
@pytest.mark.parametrize("outputs", [1, 2, 3, 4, 5, 10, 40])
@pytest.mark.parametrize("size", [16, 1])
def test_compiled_epoch_equals_the_numpy_one(size, outputs, features, engine, dtype):
    X, y, weight, order = problem(outputs, features, dtype)
    order = order[: 5 * size]
    optimizer = SGD(lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.01, schedule=OneCycle())
    got, expected = (
        (arena, epoch.run(X, y, weight, order, size))
        for arena, epoch in (
            model(outputs, features, dtype, optimizer, e) for e in (engine, "numpy")
        )
    )
    assert expected[1].steps == 5  # four of 16 rows, and one of 11; or of a row each
    assert_agree(got, expected, dtype)


@compiled
@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [20, 1])
def test_every_instruction_set_agrees_with_numpy(size, isa, dtype, monkeypatch):
    module = importlib.import_module(f"fastlr.training.linear._linear_{isa}")
    monkeypatch.setattr("fastlr.training.engine.compiled", lambda model: module)
    for outputs, features in [(1, 33), (2, 17), (3, 784), (5, 16), (11, 31)]:
        X, y, weight, order = problem(outputs, features, dtype)
        got, expected = (
            (arena, epoch.run(X, y, weight, order, size))
            for arena, epoch in (
                model(outputs, features, dtype, SGD(lr=0.1, weight_decay=0.02), e)
                for e in ("tiles", "numpy")
            )
        )
        assert_agree(got, expected, dtype)


@compiled
@pytest.mark.parametrize("engine", ["tiles", "blas"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_optional_inputs_may_be_left_out(ordered, weighted, intercept, engine):
    X, y, weight, order = problem(3, 20, "float64", rows=150)
    optimizer = AdamW(lr=0.01, beta1=0.8, weight_decay=0.1, clip_norm=0.3, nonfinite="raise")
    got, expected = (
        (arena, epoch.run(X, y, weight if weighted else None, order if ordered else None, 140))
        for arena, epoch in (
            model(3, 20, "float64", optimizer, e, intercept) for e in (engine, "numpy")
        )
    )
    assert_agree(got, expected, "float64")


def test_gradient_of_the_softmax_reference_is_the_slope_of_its_loss():
    rng = np.random.default_rng(0)
    scores, codes = 3 * rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    gradient = softmax_loss(scores, codes)[1]
    h = 1e-6
    for k in range(4):
        up, down = scores.copy(), scores.copy()
        up[:, k] += h
        down[:, k] -= h
        slope = (softmax_loss(up, codes)[0] - softmax_loss(down, codes)[0]) / (2 * h)
        np.testing.assert_allclose(gradient[:, k], slope, rtol=1e-7, atol=1e-9)


def test_reference_loss_is_the_log_loss_of_scikit_learn():
    from sklearn.metrics import log_loss

    rng = np.random.default_rng(0)
    scores, codes = rng.standard_normal((50, 4)), rng.integers(0, 4, 50)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = log_loss(codes, probabilities, labels=range(4))
    assert softmax_loss(scores, codes)[0].mean() == pytest.approx(expected, rel=1e-12)


def engines():
    return ["numpy", pytest.param("tiles", marks=compiled), pytest.param("blas", marks=compiled)]


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_first_step_of_a_zero_model_is_known_in_closed_form(engine, dtype):
    # At zero every class has probability 1/3, so the gradient is (1/3 - [k = y]) x.
    X = np.array([[1.0, 2.0], [4.0, -1.0], [0.5, 0.0]], dtype)
    y, weight = np.array([0, 2, 0]), np.array([1.0, 2.0, 1.0])
    arena = Arena({"coef": (3, 2), "intercept": (3,)}, dtype)
    epoch = LinearEpoch(arena, SGD(lr=0.5).bind(arena.param), "log_loss", "softmax", engine)
    result = epoch.run(X, y, weight, batch_size=3)
    pull = np.eye(3)[y] - 1 / 3
    share = (weight / 3)[:, None]
    np.testing.assert_allclose(arena.param["coef"], 0.5 * (share * pull).T @ X, rtol=1e-6)
    np.testing.assert_allclose(arena.param["intercept"], 0.5 * (share * pull).sum(0), rtol=1e-6)
    assert result.loss_sum == pytest.approx(4 * np.log(3), rel=1e-7)
    assert result[1:] == (4.0, 1, None)


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize("outputs", [1, 3])
def test_enormous_scores_neither_overflow_nor_lose_the_loss(engine, outputs):
    arena = Arena({"coef": (outputs, 1)}, "float32")
    arena.param["coef"][0] = 1e4
    updater = SGD(lr=1e-3).bind(arena.param)
    epoch = LinearEpoch(arena, updater, "log_loss", "softmax" if outputs > 1 else "ovr", engine)
    # The first row is certain and right, the second certain and wrong by a score of 1e4.
    y = np.array([0, 1]) if outputs > 1 else np.array([1, 0])
    result = epoch.run(np.ones((2, 1), np.float32), y, batch_size=2)
    assert result.loss_sum == pytest.approx(1e4, rel=1e-6)
    assert arena.param["coef"][0, 0] == pytest.approx(1e4 - 5e-4, abs=1e-3)


@pytest.mark.parametrize("engine", engines())
def test_divergence_stops_at_its_step_with_parameters_and_state_as_before(engine):
    X, y, _, _ = problem(3, 20, "float32", rows=64)
    X[40] = np.inf
    optimizer = AdamW(lr=0.05, weight_decay=0.1, nonfinite="raise")
    arena, epoch = model(3, 20, "float32", optimizer, engine)
    short, until = model(3, 20, "float32", optimizer, engine)
    result = epoch.run(X, y, batch_size=16)
    expected = until.run(X[:32], y[:32], batch_size=16)
    assert result == (expected.loss_sum, 32.0, 2, 2)
    assert expected.diverged_at is None
    np.testing.assert_array_equal(arena.params, short.params)
    assert epoch.updater.t == 2
    state, reference = epoch.updater.state_dict()["state"], until.updater.state_dict()["state"]
    for name in state:
        for p in state[name]:
            np.testing.assert_array_equal(state[name][p], reference[name][p])


@pytest.mark.parametrize("engine", engines())
def test_gradient_that_is_not_finite_counts_as_divergence_though_the_loss_is(engine):
    # The row's score is minus infinity and its class 0: no loss, but 0 * inf in the gradient.
    X = np.array([[1.0], [1.0], [np.inf], [1.0]])
    arena = Arena({"coef": (1, 1)}, "float64")
    arena.param["coef"][:] = -2.0
    updater = SGD(lr=0.1, momentum=0.9, nonfinite="raise").bind(arena.param)
    epoch = LinearEpoch(arena, updater, "log_loss", "ovr", engine)
    result = epoch.run(X, np.zeros(4, int), batch_size=2)
    assert result[1:] == (2.0, 1, 1)
    slope = 1 / (1 + np.exp(2.0))
    assert arena.param["coef"][0, 0] == pytest.approx(-2 - 0.1 * slope, rel=1e-14)
    assert updater.t == 1


class Refusing:
    """An updater that finds the gradient unfit."""

    binding = SimpleNamespace(stepper=None)

    def step(self, grads):
        raise ValueError("refused")


def test_refusal_for_another_reason_is_not_taken_for_divergence():
    X, y, _, _ = problem(3, 5, "float64")
    arena = Arena({"coef": (3, 5)}, "float64")
    with pytest.raises(ValueError, match="refused"):
        LinearEpoch(arena, Refusing(), "log_loss", "softmax").run(X, y)


@pytest.mark.parametrize("engine", engines())
def test_batch_without_weight_has_gradient_zero(engine):
    X, y, _, _ = problem(3, 20, "float64", rows=8)
    arena, epoch = model(3, 20, "float64", SGD(lr=0.5), engine)
    before = arena.params.copy()
    result = epoch.run(X, y, np.zeros(8), batch_size=8)
    np.testing.assert_array_equal(arena.params, before)
    assert result == (0.0, 0.0, 1, None)


@pytest.mark.parametrize("engine", engines())
def test_no_rows_make_no_step(engine):
    arena, epoch = model(3, 4, "float64", SGD(lr=0.5), engine)
    before = arena.params.copy()
    assert epoch.run(np.empty((0, 4)), np.empty(0, np.int64)) == (0.0, 0.0, 0, None)
    np.testing.assert_array_equal(arena.params, before)


def wrong(**changes):
    X, y, weight, order = problem(3, 4, "float64", rows=6)
    given = {"X": X, "y": y, "sample_weight": weight, "order": order, "batch_size": 4}
    return given | {name: change(given[name]) for name, change in changes.items()}


def unaligned(a):
    raw = np.empty(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    raw[...] = a
    return raw


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (wrong(X=lambda a: a.tolist()), TypeError, "X must be .* got list"),
        (wrong(X=lambda a: a.astype(np.float32)), TypeError, "X must be .*float64.* got float32"),
        (wrong(X=lambda a: a[:, :3].copy()), ValueError, r"X must be .*\(n, 4\), got shape \(6, 3"),
        (wrong(X=lambda a: a[0]), ValueError, "X must be .* got shape"),
        (wrong(X=np.asfortranarray), ValueError, "X must be a C-contiguous.*strided"),
        (wrong(X=unaligned), ValueError, "X must be a C-contiguous.*not aligned"),
        (wrong(X=lambda a: a.astype(">f8")), TypeError, "X must be .* got >f8"),
        (wrong(y=lambda a: a[:5].copy()), ValueError, "y must be .* got shape"),
        (wrong(y=lambda a: a.astype(np.int32)), TypeError, "y must be .*int64.* got int32"),
        (wrong(y=lambda a: a + 1), ValueError, "y must hold codes from 0 to 2"),
        (wrong(y=lambda a: a - 1), ValueError, "y must hold codes from 0 to 2"),
        (wrong(sample_weight=lambda a: a[:5].copy()), ValueError, "sample_weight must be"),
        (wrong(sample_weight=lambda a: a.astype("f4")), TypeError, "sample_weight .*float64"),
        (wrong(order=lambda a: a + 1), ValueError, "order must hold row numbers from 0 to 5"),
        (wrong(order=lambda a: a - 1), ValueError, "order must hold row numbers from 0 to 5"),
        (wrong(order=lambda a: a[::2]), ValueError, "order must be .*strided"),
        (wrong(batch_size=lambda _: 0), ValueError, "batch_size must be at least 1"),
        (wrong(batch_size=lambda _: 2.0), TypeError, "batch_size must be an int"),
        (wrong(batch_size=lambda _: True), TypeError, "batch_size must be an int"),
    ],
)
def test_unfit_data_are_refused_before_anything_is_written(arguments, error, message, engine):
    arena, epoch = model(3, 4, "float64", SGD(lr=0.5), engine)
    before = arena.params.copy()
    with pytest.raises(error, match=message):
        epoch.run(**arguments)
    np.testing.assert_array_equal(arena.params, before)
    assert epoch.updater.t == 0


@pytest.mark.parametrize("engine", engines())
def test_read_only_data_and_numpy_integers_are_accepted(engine):
    arguments = wrong(batch_size=np.int32)
    reference, epoch = model(3, 4, "float64", SGD(lr=0.5), engine)
    epoch.run(**(arguments | {"batch_size": 4}))
    for name in ("X", "y", "sample_weight", "order"):
        arguments[name].flags.writeable = False
    arena, epoch = model(3, 4, "float64", SGD(lr=0.5), engine)
    epoch.run(**arguments)
    np.testing.assert_array_equal(arena.params, reference.params)


@pytest.mark.parametrize(
    ("outputs", "loss", "reduction", "engine", "message"),
    [
        (3, "foo", "each", "auto", "LinearEpoch: loss must be one of .*huber.*, got 'foo'"),
        (3, "hinge", "mean", "auto", "reduction must be one of softmax, multinomial, ovr, each"),
        (3, "hinge", "softmax", "auto", r"'softmax' needs LogLoss, got Hinge\(\)"),
        (1, "log_loss", "softmax", "auto", "'softmax' needs 2 outputs or more"),
        (1, "hinge", "multinomial", "auto", "'multinomial' needs 2 outputs or more"),
        (3, "huber", "ovr", "auto", r"'ovr' needs a loss of margins, got Huber\(\)"),
        (3, "log_loss", "softmax", "fast", "engine must be one of auto, tiles, blas, numpy, got"),
    ],
)
def test_unknown_choices_are_refused_by_name(outputs, loss, reduction, engine, message):
    arena = Arena({"coef": (outputs, 2)}, "float64")
    with pytest.raises(ValueError, match=message):
        LinearEpoch(arena, SGD().bind(arena.param), loss, reduction, engine)


def test_without_a_compiled_core_numpy_serves_and_a_compiled_engine_is_refused(monkeypatch):
    monkeypatch.setattr("fastlr.training.engine.compiled", lambda model: None)
    X, y, _, _ = problem(3, 4, "float64")
    arena, epoch = model(3, 4, "float64", SGD(lr=0.5), "auto")
    reference, twin = model(3, 4, "float64", SGD(lr=0.5), "numpy")
    assert epoch.run(X, y) == twin.run(X, y)
    np.testing.assert_array_equal(arena.params, reference.params)
    with pytest.raises(ValueError, match="engine='tiles' needs the compiled core"):
        model(3, 4, "float64", SGD(lr=0.5), "tiles")


@compiled
@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize(("dtype", "low", "high"), [("f4", -87, 88), ("f8", -708, 709)])
def test_exponential_is_within_two_units_in_the_last_place(dtype, low, high, isa):
    module = importlib.import_module(f"fastlr.training.linear._linear_{isa}")
    x = np.random.default_rng(0).uniform(low, high, 200_000).astype(dtype)
    x = np.concatenate([x, np.linspace(-1, 1, 100_000, dtype=dtype), [0, low, high]]).astype(dtype)
    exact = np.exp(x.astype(np.longdouble))
    error = np.abs(module.exponential(x) - exact) / np.spacing(exact.astype(dtype))
    assert error.max() < 2
    limits = module.exponential(np.array([-np.inf, np.nan, -1e30, 0], dtype))
    assert 0 <= limits[0] < 2e-38
    assert limits[0] == limits[2]
    assert np.isnan(limits[1])
    assert limits[3] == 1


@compiled
@pytest.mark.parametrize("engine", ["tiles", "blas"])
def test_two_runs_have_the_same_bits_and_threads_do_not_mix(engine):
    X, y, weight, order = problem(5, 100, "float32", rows=2000)
    results = {}

    def work(name):
        arena, epoch = model(5, 100, "float32", AdamW(lr=0.01), engine)
        for _ in range(3):
            epoch.run(X, y, weight, order, 32)
        results[name] = arena.params

    work("alone")
    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(4):
        np.testing.assert_array_equal(results[k], results["alone"])


def long_epoch(rows):
    X = np.ones((1000, 784), np.float32)
    arena, epoch = model(10, 784, "float32", SGD(lr=1e-6), "tiles")
    order = np.tile(np.arange(1000), rows // 1000)
    return arena, epoch, (X, np.zeros(1000, np.int64), None, order, 1000)


@compiled
def test_other_threads_run_while_an_epoch_does():
    _, epoch, data = long_epoch(300_000)
    worker = threading.Thread(target=epoch.run, args=data)
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
    assert turns > 1000


@compiled
@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_ends_an_epoch_between_two_steps():
    arena, epoch, data = long_epoch(5_000_000)
    threading.Timer(0.05, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        epoch.run(*data)
    steps = epoch.updater.t
    assert 0 < steps < 5000
    reference, twin, data = long_epoch(1000 * steps)
    twin.run(*data)
    np.testing.assert_array_equal(arena.params, reference.params)
