"""The compiled epoch of MLPs against its readable twin, and the twin against calculus."""

import _thread
import itertools
import threading

import numpy as np
import pytest

from fastlr import SGD, AdamW
from fastlr.kernels.find import processor
from fastlr.training import FeatureScaling
from fastlr.training.engine import compiled
from fastlr.training.mlp.activations import ACTIVATIONS
from fastlr.training.mlp.core import network_outputs
from tests.support.engines import needs_compiled
from tests.support.mlp_cases import LOSSES, data, isas, network

NAMES = list(ACTIVATIONS)


@pytest.fixture(params=isas())
def isa(request, monkeypatch):
    """Each instruction set in turn."""
    monkeypatch.setattr(processor, "instruction_set", lambda: request.param)
    compiled.cache_clear()
    yield request.param
    compiled.cache_clear()


def total_loss(epoch, X, y, weight):
    loss, _ = epoch.evaluate(X, y, weight)
    return loss / len(X)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("compiled", marks=needs_compiled)])
@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize(("reduction", "loss", "outputs"), LOSSES)
def test_gradient_is_the_slope_of_the_loss(activation, reduction, loss, outputs, engine):
    X, y, weight, _ = data(reduction, loss, 4, outputs, rows=9)
    arena, epoch = network(
        [4, 6, 5, outputs],
        [activation] * 2,
        optimizer=SGD(lr=0.0),
        loss=(reduction, loss),
        engine=engine,
    )
    epoch.run(X, y, weight, batch_size=9)
    gradient, h = arena.grads.copy(), 1e-5
    rng = np.random.default_rng(2)
    for i in rng.choice(arena.params.size, 12, replace=False):
        slopes = []
        for step in (h, -h, 2 * h, -2 * h):
            arena.params[i] += step
            slopes.append(total_loss(epoch, X, y, weight))
            arena.params[i] -= step
        up, down, up2, down2 = slopes
        slope = (8 * (up - down) - (up2 - down2)) / (12 * h)  # error of order h^4
        assert gradient[i] == pytest.approx(slope, rel=1e-6, abs=2e-9), i


@needs_compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("reduction", "loss", "outputs"), LOSSES)
def test_compiled_epoch_is_the_readable_one(reduction, loss, outputs, dtype, isa):
    # 23 features, 77 rows and such sizes leave a rest in every tile and panel.
    X, y, weight, order = data(reduction, loss, 23, outputs, dtype, rows=300)
    scaling = FeatureScaling(np.linspace(-1, 1, 23), np.linspace(0.5, 2, 23))
    pairs = itertools.cycle(itertools.pairwise([*NAMES, "relu"]))
    for dropout, order_, weight_, scaling_ in [
        (None, None, None, None),
        ([0.2, 0.3, 0.5], order, weight, scaling),
        (None, order, weight, None),
        ([0.0, 0.4, 0.0], None, None, scaling),
        ([0.3, 0.0, 0.1], order, None, None),
    ]:
        found = []
        activations = list(next(pairs))
        for engine in ("compiled", "numpy"):
            arena, epoch = network(
                [23, 40, 17, outputs],
                activations,
                dtype,
                AdamW(lr=0.01, weight_decay=0.1),
                (reduction, loss),
                dropout=dropout,
                seed=7,
                engine=engine,
                scaling=scaling_,
            )
            results = [epoch.run(X, y, weight_, order_, 77) for _ in range(2)]
            found.append((arena.params, results[-1], epoch.evaluate(X, y, weight_)))
        (params, result, loss_), (params_, result_, reference) = found
        tight = dtype == "float64"
        np.testing.assert_allclose(
            params, params_, rtol=1e-8 if tight else 1e-3, atol=1e-10 if tight else 2e-4
        )
        assert result.loss_sum == pytest.approx(result_.loss_sum, rel=1e-10 if tight else 1e-4)
        assert result.weight_sum == pytest.approx(result_.weight_sum, rel=1e-12)
        assert result[2:] == result_[2:]
        assert loss_ == pytest.approx(reference, rel=1e-10 if tight else 1e-4)


@needs_compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "sizes", [[1, 1, 1], [3, 4], [700, 33, 7], [5, 400, 300, 2], [65, 16, 130, 9]]
)
def test_sizes_of_every_kind_agree(sizes, dtype, isa):
    loss = ("softmax", "log_loss") if sizes[-1] > 1 else ("ovr", "log_loss")
    X, y, weight, order = data(*loss, sizes[0], sizes[-1], dtype, rows=290)
    found = []
    for engine in ("compiled", "numpy"):
        arena, epoch = network(
            sizes, ["tanh"] * (len(sizes) - 2), dtype, SGD(lr=0.1), loss, engine=engine
        )
        epoch.run(X, y, weight, order, 280)  # two blocks and a rest
        found.append(arena.params)
    tight = dtype == "float64"
    np.testing.assert_allclose(*found, rtol=1e-9 if tight else 1e-3, atol=1e-12 if tight else 1e-5)


@needs_compiled
@pytest.mark.parametrize("dropout", [None, [0.1, 0.5]])
def test_threads_change_no_bit(dropout):
    X, y, weight, order = data("softmax", "log_loss", 300, 10, "float32", rows=1000)
    found = []
    for n_threads in (1, 2, 5):
        arena, epoch = network(
            [300, 120, 10],
            ["relu"],
            "float32",
            AdamW(lr=0.01),
            dropout=dropout,
            n_threads=n_threads,
        )
        results = [epoch.run(X, y, weight, order, 250) for _ in range(3)]
        found.append((arena.params, results, epoch.evaluate(X, y, weight)))
    for params, results, loss in found[1:]:
        np.testing.assert_array_equal(params, found[0][0])
        assert (results, loss) == found[0][1:]


@needs_compiled
def test_epochs_in_several_threads_do_not_mix():
    X, y, weight, order = data("softmax", "log_loss", 100, 5, "float32", rows=1000)
    results = {}

    def work(name):
        arena, epoch = network(
            [100, 50, 5], ["gelu"], "float32", AdamW(lr=0.01), dropout=[0.1, 0.2], n_threads=2
        )
        for _ in range(3):
            epoch.run(X, y, weight, order, 64)
        results[name] = arena.params

    work("alone")
    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(3):
        np.testing.assert_array_equal(results[k], results["alone"])


@needs_compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_of_a_row_do_not_depend_on_the_others(dtype, isa):
    X = data("softmax", "log_loss", 61, 5, dtype, rows=400)[0]
    _, epoch = network([61, 45, 30, 5], ["gelu", "tanh"], dtype)
    whole = network_outputs(X, epoch.weights, epoch.biases, epoch.activations, n_threads=3)
    for rows in (slice(0, 1), slice(7, 14), slice(100, 399), slice(0, 0)):
        part = network_outputs(
            np.ascontiguousarray(X[rows]), epoch.weights, epoch.biases, epoch.activations
        )
        np.testing.assert_array_equal(part, whole[rows])


@pytest.mark.parametrize("engine", ["numpy", pytest.param("compiled", marks=needs_compiled)])
@pytest.mark.parametrize("frozen", [[0], [1], [2], [0, 1], [0, 2]])
def test_frozen_layers_have_no_gradient_and_others_their_own(frozen, engine):
    X, y, weight, order = data("softmax", "log_loss", 6, 3)
    grads = {}
    for layers in ([], frozen):
        arena, epoch = network(
            [6, 8, 7, 3], ["relu", "tanh"], optimizer=SGD(lr=0.0), frozen=layers, engine=engine
        )
        epoch.run(X, y, weight, order, len(X))
        grads[len(layers) > 0] = {name: g.copy() for name, g in arena.grad.items()}
    for name, gradient in grads[True].items():
        expected = 0 if int(name[-1]) in frozen else grads[False][name]
        np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("compiled", marks=needs_compiled)])
def test_divergence_stops_at_its_step_with_parameters_and_state_as_before(engine):
    X, y, _, _ = data("softmax", "log_loss", 6, 3, rows=64)
    X[40] = np.inf
    optimizer = AdamW(lr=0.05, nonfinite="raise")
    arena, epoch = network([6, 8, 3], ["relu"], optimizer=optimizer, engine=engine)
    until, short = network([6, 8, 3], ["relu"], optimizer=optimizer, engine=engine)
    result = epoch.run(X, y, batch_size=16)
    expected = short.run(X[:32], y[:32], batch_size=16)
    assert result == (expected.loss_sum, 32.0, 2, 2)
    np.testing.assert_array_equal(arena.params, until.params)
    assert epoch.updater.t == 2


@needs_compiled
@pytest.mark.parametrize("activation", NAMES)
def test_nan_is_passed_on_by_every_activation(activation):
    value, slope = compiled("mlp").activation(
        NAMES.index(activation), np.array([np.nan, 1.0], "f4")
    )
    assert np.isnan(value[0])
    assert np.isfinite([value[1], slope[1]]).all()


@needs_compiled
def test_two_epochs_of_one_updater_state_are_one_run():
    X, y, weight, order = data("softmax", "log_loss", 6, 3, rows=64)
    arena, epoch = network([6, 8, 3], ["silu"], dropout=[0.2, 0.5])
    epoch.run(X, y, weight, np.concatenate([order, order]), 16)
    other, again = network([6, 8, 3], ["silu"], dropout=[0.2, 0.5])
    again.run(X, y, weight, order, 16)
    again.run(X, y, weight, order, 16)
    np.testing.assert_array_equal(arena.params, other.params)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"loss": ("softmax", "hinge")}, ValueError, "'softmax' needs LogLoss"),
        ({"loss": ("mean", "log_loss")}, ValueError, "reduction must be one of softmax"),
        ({"loss": ("ovr", "huber")}, ValueError, "needs a loss of margins"),
        ({"loss": ("each", "cubic")}, ValueError, "MLPEpoch: loss must be one of"),
        ({"activations": ["relu"]}, ValueError, "name one for each of 2 hidden layers, got 1"),
        ({"activations": ["relu", "step"]}, ValueError, "must be one of identity, .*'step'"),
        ({"dropout": [0.1]}, ValueError, "dropout must hold rates"),
        ({"dropout": [0.1, 0.2, 1.0]}, ValueError, r"rates in \[0, 1\)"),
        ({"frozen": [0, 1, 2]}, ValueError, "not all"),
        ({"frozen": [3]}, ValueError, "layers 0 to 2"),
        ({"engine": "blas"}, ValueError, "engine must be one of auto, compiled, numpy"),
    ],
)
def test_unfit_arguments_are_refused_by_name(changes, error, message):
    arguments = {"activations": ["relu", "tanh"], **changes}
    with pytest.raises(error, match=message):
        network([4, 5, 6, 3], arguments.pop("activations"), **arguments)


@pytest.mark.parametrize("engine", ["numpy", pytest.param("compiled", marks=needs_compiled)])
@pytest.mark.parametrize(
    ("name", "change", "error"),
    [
        ("X", lambda a: a.astype("f4"), TypeError),
        ("X", np.asfortranarray, ValueError),
        ("X", lambda a: a[:, :3].copy(), ValueError),
        ("y", lambda a: a + 1, ValueError),
        ("y", lambda a: a.astype("i4"), TypeError),
        ("sample_weight", lambda a: a[:5].copy(), ValueError),
        ("order", lambda a: a + 1, ValueError),
        ("batch_size", lambda _: 0, ValueError),
        ("batch_size", lambda _: 2.0, TypeError),
    ],
)
def test_unfit_data_are_refused_before_anything_is_written(name, change, error, engine):
    X, y, weight, order = data("softmax", "log_loss", 4, 3)
    given = {"X": X, "y": y, "sample_weight": weight, "order": order, "batch_size": 8}
    arena, epoch = network([4, 5, 3], ["relu"], engine=engine)
    before = arena.params.copy()
    with pytest.raises(error, match=name):
        epoch.run(**(given | {name: change(given[name])}))
    np.testing.assert_array_equal(arena.params, before)
    assert epoch.updater.t == 0


def test_without_a_compiled_core_numpy_serves(monkeypatch):
    monkeypatch.setattr("fastlr.training.engine.compiled", lambda model: None)
    monkeypatch.setattr("fastlr.training.mlp.core.compiled", lambda model: None)
    X, y, _, _ = data("softmax", "log_loss", 4, 3)
    arena, epoch = network([4, 5, 3], ["relu"])
    other, twin = network([4, 5, 3], ["relu"], engine="numpy")
    assert epoch.uses_blas
    assert epoch.run(X, y) == twin.run(X, y)
    np.testing.assert_array_equal(arena.params, other.params)
    outputs = network_outputs(X, epoch.weights, epoch.biases, ["relu"])
    assert outputs.shape == (len(X), 3)
    with pytest.raises(ValueError, match="needs the compiled core"):
        network([4, 5, 3], ["relu"], engine="compiled")


def long_epoch(rows):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 500), np.float32)
    arena, epoch = network([500, 100, 3], ["relu"], "float32", SGD(lr=1e-6))
    order = np.tile(np.arange(1000), rows // 1000)
    return arena, epoch, (X, np.zeros(1000, np.int64), None, order, 500)


@needs_compiled
def test_other_threads_run_while_an_epoch_does():
    _, epoch, rows = long_epoch(100_000)
    worker = threading.Thread(target=epoch.run, args=rows)
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
    assert turns > 1000


@needs_compiled
@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_ctrl_c_ends_an_epoch_between_two_steps():
    arena, epoch, rows = long_epoch(2_000_000)
    threading.Timer(0.05, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        epoch.run(*rows)
    steps = epoch.updater.t
    assert 0 < steps < 4000
    reference, twin, _ = long_epoch(1000)
    twin.run(*rows[:3], np.resize(rows[3], 500 * steps), 500)
    np.testing.assert_array_equal(arena.params, reference.params)
