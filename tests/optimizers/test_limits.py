"""Numbers that a precision cannot hold: squares, norms, reciprocals, tiny weights, NaN."""

import numpy as np
import pytest

from fastlr import FTRL, LARS, SGD, AdamW, LinearClassifier, Lion, NovoGrad, RMSprop, Signum
from fastlr.optimizers._schedule_free import average_weight
from tests.support.cases import COMPILED
from tests.support.engines import ENGINES, use_engine

SQUARING = sorted(name for name, cls in COMPILED.items() if cls.squares)
SINGLE = np.array([1.0, 2e19, 1.0], np.float32)


@pytest.mark.parametrize("name", sorted(COMPILED))
def test_a_gradient_without_a_finite_square_is_seen_by_rules_that_square_it(name):
    p = np.ones(3, np.float32)
    updater = COMPILED[name](nonfinite="skip").bind(p)
    updater.step(SINGLE)
    assert updater.skipped == (name in SQUARING)
    if name in SQUARING:
        assert p.tolist() == [1.0] * 3
        with pytest.raises(ValueError, match="1 values that are not finite, or too large"):
            COMPILED[name](nonfinite="raise").bind(p).step(SINGLE)
    assert np.isfinite(p).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_clipping_makes_a_gradient_of_any_size_fit_for_every_rule(engine):
    with use_engine(engine) as backend:
        p = np.ones(3, np.float32)
        updater = AdamW(clip_norm=1.0, nonfinite="raise").bind(p, backend=backend)
        updater.step(SINGLE)
        for bound, grad, moved in (
            (1.0, [3e160, 4e160], [0.6, 0.8]),
            (np.inf, [3e160, 4e160], [3e160, 4e160]),
            (1e-8, [3e-9, 4e-9], [3e-9, 4e-9]),
            (1e-8, [3.0, 4.0], [6e-9, 8e-9]),
        ):
            p = np.zeros(2)
            updater = SGD(lr=1.0, clip_norm=bound).bind(p, backend=backend)
            updater.step(np.array(grad))
            np.testing.assert_allclose(-p, moved, rtol=2e-6)
            assert updater.stats()["grad_norm"] == pytest.approx(np.hypot(*grad), rel=1e-12)


@pytest.mark.parametrize("preset", [None, "torch", "keras", "tf", "optax"])
def test_centered_rmsprop_has_a_variance_that_is_never_negative(preset):
    p, rng = np.zeros(50, np.float32), np.random.default_rng(0)
    optimizer = RMSprop(preset=preset, centered=True)
    updater, left = optimizer.bind(p), optimizer.rho**500
    for _ in range(500):
        updater.step((1 + 0.001 * rng.standard_normal(50)).astype(np.float32))
    state = updater.state_dict()["state"]["v"]["0"]
    assert (state >= 0).all()
    assert np.isfinite(p).all()
    # What is left of the way from a mean of 0, and with tf from a mean square of 1.
    start = left * (1 - left) + left * (preset == "tf")
    np.testing.assert_allclose(state, 1e-6 + start, rtol=1.0)


def test_a_decay_of_zero_in_single_precision_learns_as_in_double():
    X = np.random.default_rng(0).normal(size=(300, 10))
    y = X[:, 0] > X[:, 1]
    scores = [
        LinearClassifier(optimizer=RMSprop(rho=0.0), lr=1e-3, max_epochs=5, random_state=0)
        .fit(X.astype(dtype), y)
        .score(X.astype(dtype), y)
        for dtype in (np.float32, np.float64)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)


@pytest.mark.parametrize("cls", [Lion, Signum])
def test_the_sign_of_what_is_not_a_number_shows(cls):
    for momentum in ({}, {"momentum": 0.0}) if cls is Signum else ({},):
        p = np.ones(2, np.float32)
        cls(lr=0.5, **momentum).bind(p).step(np.array([1.0, np.nan], np.float32))
        assert np.array_equal(p, [0.5, np.nan], equal_nan=True)


def test_ftrl_leaves_a_parameter_at_a_rate_of_zero_where_it_is():
    params = {"frozen": np.array([1.0, -2.0]), "other": np.zeros(2)}
    updater = FTRL().bind(params, groups=[{"match": "frozen", "lr": 0.0}])
    for _ in range(3):
        updater.step({name: np.ones(2) for name in params})
    assert params["frozen"].tolist() == [1.0, -2.0]
    assert (params["other"] < 0).all()


@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e-3, 1e15])
@pytest.mark.parametrize("optimizer", [LARS(momentum=0.0), NovoGrad(eps=0.0, beta1=0.0)])
def test_rules_of_norms_step_alike_at_gradients_of_any_size(optimizer, size):
    grad = (np.float32(size) * np.array([1.0, -1.0])).astype(np.float32)
    p, q = np.ones(2, np.float32), np.ones(2)
    optimizer.bind(p).step(grad)
    optimizer.bind(q).step(np.array([1.0, -1.0]))
    np.testing.assert_allclose(p - 1, q - 1, rtol=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_plain_mean_of_parameters_follows_in_single_precision(engine):
    with use_engine(engine) as backend:
        p = np.ones(2, np.float32)
        updater = SGD(average="polyak").bind(p, backend=backend)
        kept = updater.state_dict()
        kept["t"] = 400_000
        kept["state"]["average"]["0"][:] = 1.0
        updater.load_state_dict(kept)
        p[:] = 2.0
        for _ in range(400):
            updater.step(np.zeros(2, np.float32))
        np.testing.assert_allclose(updater.averaged - 1, 400 / 400_400, rtol=1e-4)


def test_an_average_of_weight_one_is_the_parameter_itself():
    p = np.full(1, 1e30, np.float32)
    updater = SGD(lr=1.0, average="ema", average_decay=0.0).bind(p)
    updater.step(np.zeros(1, np.float32))
    p[:] = 1.25
    updater.step(np.zeros(1, np.float32))
    assert updater.averaged.tolist() == [1.25]


@pytest.mark.parametrize("warmup", [0, 7, 300])
@pytest.mark.parametrize(("r", "power"), [(0, 0), (1, 0), (2, 2), (0.5, 1.3), (30, 2), (1000, 2)])
def test_weights_of_a_schedule_free_average_are_their_sums(warmup, r, power):
    steps, total, expected = np.arange(1.0, 1500.0), 0.0, []
    n = max(warmup, 1)
    for t in steps:
        grown = ((t - 1) / t) ** r * (min(t - 1, n) / min(t, n)) ** power if t > 1 else 0.0
        total = 1 + total * grown
        expected.append(1 / total)
    np.testing.assert_allclose(average_weight(steps, warmup, r, power)[0], expected, rtol=1e-12)
    late = average_weight(np.array([1e12]), warmup, r, power)[0]
    np.testing.assert_allclose(late, (r + 1) / 1e12, rtol=1e-8)


def test_an_eps_that_single_precision_has_not_keeps_zeros_from_making_nan():
    p = np.ones(2, np.float32)
    updater = AdamW(eps=1e-60, weight_decay=0.0).bind(p)
    for _ in range(3):
        updater.step(np.array([0.0, 1.0], np.float32))
    np.testing.assert_allclose(p, [1.0, 1 - 3e-3], rtol=1e-6)
