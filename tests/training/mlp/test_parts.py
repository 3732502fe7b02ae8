"""Activations, dropout masks and first weights by themselves."""

import importlib

import numpy as np
import pytest
from scipy import stats
from scipy.special import erfcx

from fastlr.training.mlp.activations import ACTIVATIONS
from fastlr.training.mlp.dropout import dropout_mask
from fastlr.training.mlp.initialisation import INITS, initial_weights
from tests.support.mlp_cases import isas


def exact(name, z):
    """Value and slope in extended precision, where it is known to be better than float64."""
    z = z.astype(np.longdouble)
    e = np.exp(-np.abs(z))
    small, large = e / (1 + e), 1 / (1 + e)
    gate = np.where(z < 0, small, large)
    if name == "identity":
        return z, np.ones_like(z)
    if name == "logistic":
        return gate, small * large
    if name == "tanh":
        return np.tanh(z), 1 / np.cosh(z) ** 2
    if name == "relu":
        return np.where(z > 0, z, 0), np.where(z > 0, 1, 0)
    if name == "leaky_relu":
        return np.where(z > 0, z, z * 0.01), np.where(z > 0, 1, 0.01)
    if name == "elu":
        return np.where(z > 0, z, np.expm1(np.minimum(z, 0))), np.exp(np.minimum(z, 0))
    if name == "silu":
        return z * gate, gate + z * small * large
    if name == "softplus":
        return np.maximum(z, 0) + np.log1p(e), gate
    tail = erfcx((np.abs(z) / np.sqrt(np.longdouble(2))).astype(float)) * np.exp(-z * z / 2) / 2
    below = np.where(z < 0, tail, 1 - tail)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.longdouble(np.pi))
    return z * below, below + z * density


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_exact_to_a_few_units_in_the_last_place(name, dtype, isa):
    module = importlib.import_module(f"fastlr.training.mlp._mlp_{isa}")
    rng = np.random.default_rng(0)
    z = np.concatenate(
        [rng.uniform(-12, 12, 50_000), np.linspace(-1, 1, 20_001), 10.0 ** -np.arange(1, 30)]
    ).astype(dtype)
    value, slope = module.activation(list(ACTIVATIONS).index(name), z)
    value_, slope_ = exact(name, z)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(value, value_.astype(float), rtol=8 * eps, atol=0)
    # Slopes of gelu and silu pass through zero, where only the absolute error is small.
    atol = 4 * eps if name in {"gelu", "silu"} else 0
    np.testing.assert_allclose(slope, slope_.astype(float), rtol=8 * eps, atol=atol)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_in_numpy_say_the_same(name):
    z = np.linspace(-8, 8, 4001)
    value, slope = ACTIVATIONS[name].evaluate(z)
    value_, slope_ = exact(name, z)
    np.testing.assert_allclose(value, value_.astype(float), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(slope, slope_.astype(float), rtol=1e-12, atol=1e-14)
    assert {a.dtype for a in ACTIVATIONS[name].evaluate(z.astype("f4"))} == {np.dtype("f4")}


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_far_out_neither_overflow_nor_change_sign(name, dtype, isa):
    module = importlib.import_module(f"fastlr.training.mlp._mlp_{isa}")
    far = np.array([1e3, 1e30, -1e3, -1e30], dtype)
    value, slope = module.activation(list(ACTIVATIONS).index(name), far)
    with np.errstate(all="ignore"):
        value_, slope_ = ACTIVATIONS[name].evaluate(far)
    tiny = 1e-37 * np.abs(far).astype(float)  # what is left of e^-1000
    assert (np.abs(value - value_) <= 1e-6 * np.abs(value_) + tiny + 1e-37).all()
    assert (np.abs(slope - slope_) <= 1e-6 + tiny).all()


def test_dropout_keeps_the_mean_and_as_many_as_it_should():
    for rate in (0.1, 0.5, 0.9):
        mask = dropout_mask(3, 17, 1, 2000, 500, rate, np.float64)
        dropped = int((mask == 0).sum())
        assert set(np.unique(mask)) == {0.0, 1 / (1 - rate)}
        assert stats.binomtest(dropped, mask.size, rate).pvalue > 1e-4


def test_dropout_of_neighbours_is_independent():
    masks = np.stack([dropout_mask(5, step, 1, 400, 300, 0.5, np.float64) > 0 for step in range(6)])
    bits = masks - 0.5
    limit = 5 / np.sqrt(bits.size) / 2
    for shift in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 0, 2), (0, 2, 0), (0, 1, 1)):
        moved = np.roll(bits, shift, axis=(0, 1, 2))
        assert abs((bits * moved).mean()) < limit
    columns = bits.reshape(-1, 300)
    assert np.abs(np.corrcoef(columns.T) - np.eye(300)).max() < 6 / np.sqrt(len(columns))


@pytest.mark.parametrize("changed", ["seed", "step", "layer"])
def test_dropout_depends_on_all_that_it_is_said_to(changed):
    base = {"seed": 4, "step": 2, "layer": 1}
    first = dropout_mask(**base, rows=100, columns=100, rate=0.5, dtype=np.float32)
    again = dropout_mask(**base, rows=200, columns=300, rate=0.5, dtype=np.float32)
    np.testing.assert_array_equal(again[:100, :100], first)
    other = dropout_mask(**(base | {changed: 3}), rows=100, columns=100, rate=0.5, dtype=np.float32)
    assert 0.45 < (first == other).mean() < 0.55


@pytest.mark.parametrize("init", INITS)
def test_first_weights_have_the_variance_of_their_scheme(init):
    weights = initial_weights(init, 300, 200, np.random.default_rng(0))
    variance = 2 / 500 if init.startswith("xavier") else 2 / 300
    assert weights.var() == pytest.approx(variance, rel=0.03)
    assert abs(weights.mean()) < 5 * np.sqrt(variance / weights.size)
    if init.endswith("uniform"):
        assert np.abs(weights).max() <= np.sqrt(3 * variance)
    else:
        assert stats.kstest(weights.ravel()[:2000] / np.sqrt(variance), "norm").pvalue > 1e-3


def test_unknown_init_is_refused():
    with pytest.raises(ValueError, match="init must be one of xavier_uniform"):
        initial_weights("zero", 2, 2, np.random.default_rng(0))


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "elu", "leaky_relu"])
def test_signals_keep_their_size_through_many_layers(activation):
    rng = np.random.default_rng(0)
    a = rng.standard_normal((500, 200))
    scheme = ACTIVATIONS[activation]
    sizes = []
    for _ in range(8):
        z = a @ initial_weights(f"{scheme.init}_normal", 200, 200, rng)
        sizes.append(z.std())
        a = scheme.evaluate(z)[0]
    assert 0.2 < sizes[-1] / sizes[0] < 5
