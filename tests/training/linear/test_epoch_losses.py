"""The epoch of a linear model under every loss and reduction, scaled features, and evaluation."""

import importlib

import numpy as np
import pytest

from fastlr import SGD, AdamW
from fastlr.losses import LOSSES, LogLoss, Poisson, SquaredError
from fastlr.training import Arena, FeatureScaling, LinearEpoch
from tests.losses.test_losses import REFERENCES, Cauchy, slopes
from tests.support.engines import needs_compiled
from tests.training.linear.test_epoch import assert_agree, isas

# Every loss with every reduction that it goes with, and a number of outputs that shows it.
CASES = [
    (name, reduction, outputs)
    for name, (loss, _) in REFERENCES.items()
    for reduction, outputs in [("multinomial", 4), ("ovr", 1), ("ovr", 3), ("each", 1), ("each", 3)]
    if loss.task == "margin" or reduction == "each"
]
ENGINES = ["numpy", pytest.param("tiles", marks=needs_compiled)]
ENGINES += [pytest.param("blas", marks=needs_compiled)]


def problem(loss, reduction, outputs, dtype, rows=75, features=20, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, features))
    if reduction != "each":
        y = rng.integers(0, max(outputs, 2), rows)
    else:
        y = {
            "margin": rng.choice([-1.0, 1.0], (rows, outputs)),
            "real": 2 * rng.standard_normal((rows, outputs)),
            "positive": rng.gamma(2.0, 1.0, (rows, outputs)),
        }[loss.task].astype(dtype)
    return X.astype(dtype), y, rng.uniform(0.1, 3.0, rows), rng.permutation(rows)


def model(loss, reduction, outputs, dtype, engine, optimizer=None, features=20, scaling=None, l1=0):
    shapes = {"coef": (outputs, features), "intercept": (outputs,)}
    arena = Arena(shapes, dtype)
    rng = np.random.default_rng(1)
    for values in arena.param.values():
        values[...] = 0.1 * rng.standard_normal(values.shape)
    arena.grads[...] = np.nan
    updater = (optimizer or SGD(lr=0.02, momentum=0.8, weight_decay=0.01)).bind(arena.param)
    return arena, LinearEpoch(arena, updater, loss, reduction, engine, scaling, l1)


@needs_compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "reduction", "outputs"), CASES)
@pytest.mark.parametrize("size", [16, 1])
def test_compiled_epoch_equals_the_numpy_one_under_every_loss(
    size, name, reduction, outputs, dtype
):
    loss = REFERENCES[name][0]
    *data, order = problem(loss, reduction, outputs, dtype)
    data.append(order[: 10 * size])  # more steps of a row each would diverge under some losses
    twin = model(loss, reduction, outputs, dtype, "numpy")
    expected = twin[0], twin[1].run(*data, size)
    assert expected[1].steps == {16: 5, 1: 10}[size]
    for engine in ("tiles", "blas"):
        arena, epoch = model(loss, reduction, outputs, dtype, engine)
        assert_agree((arena, epoch.run(*data, size)), expected, dtype)
        totals = [e.evaluate(*data[:3]) for e in (epoch, twin[1])]
        np.testing.assert_allclose(*totals, rtol=1e-10 if dtype == "float64" else 1e-5)


def margin_of(z, codes):
    """Return the margin against the best rival, as a function of outputs."""
    rows = np.arange(len(z))
    others = z.copy()
    others[rows, codes] = -np.inf
    return z[rows, codes] - others.max(axis=1)


def total_loss(reference, reduction, z, y, weight):
    """Return the weighted sum of losses of outputs, in plain float64."""
    if reduction == "multinomial":
        return weight @ reference(margin_of(z, y), np.ones(len(z)))
    if reduction == "ovr":
        own = [1] if z.shape[1] == 1 else range(z.shape[1])
        y = np.where(y[:, None] == np.array(own), 1.0, -1.0)
    return weight @ reference(z, y).sum(axis=1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "reduction", "outputs"), CASES)
def test_first_step_follows_the_slope_of_the_loss(name, reduction, outputs, engine):
    loss, reference = REFERENCES[name]
    X, y, weight, _ = problem(loss, reduction, outputs, "float64", rows=37)
    arena, epoch = model(loss, reduction, outputs, "float64", engine, SGD(lr=1.0))
    start = {n: p.copy() for n, p in arena.param.items()}
    result = epoch.run(X, y, weight, batch_size=37)

    def objective(coef, intercept):
        return total_loss(reference, reduction, X @ coef.T + intercept, y, weight)

    assert result.loss_sum == pytest.approx(objective(**start), rel=1e-12)
    rng = np.random.default_rng(2)
    for _ in range(3):  # along random directions, which kinks of the loss do not lie on
        way = {n: rng.standard_normal(p.shape) for n, p in start.items()}
        ends = [
            objective(**{n: start[n] + h * way[n] for n in start}) / len(X) for h in (1e-6, -1e-6)
        ]
        moved = sum(np.sum(way[n] * (start[n] - arena.param[n])) for n in start)
        assert moved == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5, abs=1e-7)


@needs_compiled
@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("size", [20, 1])
def test_every_instruction_set_agrees(size, isa, monkeypatch):
    module = importlib.import_module(f"fastlr.training.linear._linear_{isa}")
    monkeypatch.setattr("fastlr.training.engine.compiled", lambda model: module)
    for name, reduction, outputs in [("Huber", "each", 3), ("Hinge", "multinomial", 4)]:
        loss = REFERENCES[name][0]
        for dtype in ("float32", "float64"):
            data = problem(loss, reduction, outputs, dtype)
            got, expected = (
                (arena, epoch.run(*data, size))
                for arena, epoch in (
                    model(loss, reduction, outputs, dtype, e) for e in ("tiles", "numpy")
                )
            )
            assert_agree(got, expected, dtype)


@pytest.mark.parametrize("engine", ENGINES)
def test_own_loss_trains(engine):
    loss = Cauchy(scale=2.0)
    X, y, weight, _ = problem(loss, "each", 2, "float64")
    arena, epoch = model(loss, "each", 2, "float64", engine, SGD(lr=1.0))
    before = {n: p.copy() for n, p in arena.param.items()}
    epoch.run(X, y, weight, batch_size=75)
    z = X @ before["coef"].T + before["intercept"]
    slope = weight[:, None] * slopes(lambda z, y: np.log1p(((z - y) / 2) ** 2) / 2, z, y)
    np.testing.assert_allclose(arena.param["coef"], before["coef"] - slope.T @ X / 75, rtol=1e-6)


@needs_compiled
@pytest.mark.parametrize("engine", ["tiles", "blas"])
@pytest.mark.parametrize("reduction", ["ovr", "each"])
@pytest.mark.parametrize("outputs", [1, 3, 7])
def test_log_loss_of_single_outputs_is_that_of_its_rule(outputs, reduction, engine):
    class Plain(LogLoss):  # no longer LogLoss itself, so the rule is called
        pass

    data = problem(LogLoss(), reduction, outputs, "float64")
    results = [
        (arena, epoch.run(*data, 16))
        for arena, epoch in (
            model(loss, reduction, outputs, "float64", engine) for loss in (LogLoss(), Plain())
        )
    ]
    assert_agree(*results, "float64")


def scaled_problem(dtype, features=20):
    X, y, weight, order = problem(SquaredError(), "each", 2, dtype, features=features)
    rng = np.random.default_rng(3)
    mean, scale = 3 * rng.standard_normal(features), rng.uniform(0.2, 5.0, features)
    return X, y, weight, order, FeatureScaling(mean, 1 / scale)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("features", [1, 5, 16, 20, 37])
def test_scaled_features_train_as_scaled_data_do(features, centred, dtype, engine):
    X, y, weight, order, scaling = scaled_problem(dtype, features)
    mean, inverse = scaling
    if not centred:
        mean, scaling = 0.0, FeatureScaling(None, inverse)
    options = ("squared_error", "each", 2, dtype, engine, AdamW(lr=0.01), features)
    arena, epoch = model(*options, scaling)
    other, plain = model(*options)
    result = epoch.run(X, y, weight, order, 16)
    made = ((X - mean) * inverse).astype(dtype)
    reference = plain.run(made, y, weight, order, 16)
    rtol = 1e-9 if dtype == "float64" else 1e-3
    np.testing.assert_allclose(arena.params, other.params, rtol=rtol, atol=rtol / 100)
    assert result.loss_sum == pytest.approx(reference.loss_sum, rel=rtol)
    folded = dict(zip(("coef", "intercept"), scaling.fold(**arena.param), strict=True))
    outputs = made @ arena.param["coef"].T + arena.param["intercept"]
    np.testing.assert_allclose(X @ folded["coef"].T + folded["intercept"], outputs, rtol, rtol)
    sums = [epoch.evaluate(X, y, weight), plain.evaluate(made, y, weight)]
    np.testing.assert_allclose(*sums, rtol=rtol)


@needs_compiled
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("engine", ["tiles", "blas"])
@pytest.mark.parametrize("optimizer", [SGD(lr=0.3), AdamW(lr=0.05)])
def test_l1_is_that_of_the_numpy_epoch(optimizer, engine, dtype):
    X, y, weight, order, scaling = scaled_problem(dtype)
    options = (optimizer, 20, scaling, 0.3)
    (arena, epoch), (other, twin) = (
        model("squared_error", "each", 2, dtype, e, *options) for e in (engine, "numpy")
    )
    for _ in range(3):
        expected = other, twin.run(X, y, weight, order, 16)
        assert_agree((arena, epoch.run(X, y, weight, order, 16)), expected, dtype)
    zeros = other.param["coef"] == 0
    np.testing.assert_array_equal(arena.param["coef"] == 0, zeros)
    assert 0 < zeros.mean() < 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("start", "slope", "end"),
    [
        (1.0, 0.5, 0.25),  # both pull down: 1 - (0.5 + 0.25)
        (1.0, -0.5, 1.25),  # against each other
        (0.5, 1.0, 0.0),  # would cross zero
        (-0.5, -1.0, 0.0),
        (0.0, 0.2, 0.0),  # the penalty is the stronger
        (0.0, 0.5, -0.25),
        (0.0, -0.5, 0.25),
    ],
)
def test_a_step_with_l1_can_be_checked_by_hand(start, slope, end, engine):
    arena = Arena({"coef": (1, 1)}, "float64")
    arena.param["coef"][:] = start
    updater = SGD(lr=1.0).bind(arena.param)
    epoch = LinearEpoch(arena, updater, "squared_error", "each", engine, l1=0.25)
    epoch.run(np.ones((1, 1)), np.array([[start - slope]]))
    assert arena.param["coef"][0, 0] == end


@pytest.mark.parametrize("engine", ENGINES)
def test_l1_does_not_hide_what_is_not_finite(engine):
    arena = Arena({"coef": (1, 1)}, "float64")
    updater = SGD(lr=1.0, nonfinite="raise").bind(arena.param)
    epoch = LinearEpoch(arena, updater, "log_loss", "ovr", engine, l1=10.0)
    with np.errstate(invalid="ignore"):
        result = epoch.run(np.array([[np.nan]]), np.zeros(1, np.int64))
    assert result.diverged_at == 0
    assert arena.param["coef"][0, 0] == 0


def test_scaling_must_fit_the_model():
    for scaling, message in [
        (FeatureScaling(None, np.ones(3)), r"scaling.inverse must have shape \(20,\), got \(3,\)"),
        (FeatureScaling(np.ones(3), np.ones(20)), r"scaling.mean must have shape \(20,\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            model("huber", "each", 1, "float64", "numpy", scaling=scaling)
    arena = Arena({"coef": (1, 2)}, "float64")
    with pytest.raises(
        ValueError, match=r"scaling\.mean must be None for a model without intercept"
    ):
        LinearEpoch(
            arena,
            SGD().bind(arena.param),
            "huber",
            "each",
            scaling=FeatureScaling(np.ones(2), np.ones(2)),
        )


@pytest.mark.parametrize("engine", ENGINES)
def test_evaluation_changes_nothing(engine):
    X, y, weight, _ = problem(LogLoss(), "multinomial", 4, "float32", rows=2500)
    arena, epoch = model("log_loss", "softmax", 4, "float32", engine)
    twin_arena, twin = model("log_loss", "softmax", 4, "float32", engine)
    z = X.astype(float) @ arena.param["coef"].T + arena.param["intercept"]
    picked = z[np.arange(2500), y]
    expected = np.log(np.exp(z).sum(axis=1)) - picked
    assert epoch.evaluate(X, y) == (pytest.approx(expected.sum(), rel=1e-6), 2500.0)
    assert epoch.evaluate(X, y, weight)[0] == pytest.approx(weight @ expected, rel=1e-6)
    assert epoch.evaluate(X, y, weight)[1] == pytest.approx(weight.sum(), rel=1e-12)
    assert epoch.evaluate(X[:0], y[:0]) == (0.0, 0.0)
    # A step after it is the step that would have been made without it.
    assert epoch.run(X, y, batch_size=50) == twin.run(X, y, batch_size=50)
    np.testing.assert_array_equal(arena.params, twin_arena.params)


def test_unfit_data_are_refused_by_evaluation():
    X, y, weight, _ = problem(Poisson(), "each", 2, "float64")
    _, epoch = model("poisson", "each", 2, "float64", "auto")
    with pytest.raises(
        ValueError, match=r"y must be a C-contiguous float64 array of shape \(75, 2"
    ):
        epoch.evaluate(X, y[:, :1].copy())
    with pytest.raises(TypeError, match=r"y must be .*float64.*, got int64"):
        epoch.evaluate(X, y.astype(np.int64))
    with pytest.raises(ValueError, match="sample_weight must be"):
        epoch.evaluate(X, y, weight[:5])


@pytest.mark.parametrize("engine", ENGINES)
def test_overflow_of_an_exponential_link_ends_the_epoch(engine):
    X = np.ones((6, 20))
    X[4] = 1e5
    y = np.ones((6, 1))
    arena, epoch = model(Poisson(), "each", 1, "float64", engine, SGD(lr=1e-9))
    arena.param["coef"][:] = 0.01
    result = epoch.run(X, y, batch_size=2)
    assert (result.steps, result.diverged_at) == (2, 2)
    assert np.isfinite(arena.params).all()


def test_registry_is_covered():
    assert {name for name, _, _ in CASES} == {cls.__name__ for cls in LOSSES.values()}
