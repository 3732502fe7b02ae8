"""Losses: values and slopes of every kernel, what targets and hyper-parameters are refused."""

import numpy as np
import pytest
from scipy.special import log_expit
from sklearn.base import clone
from sklearn.metrics import d2_tweedie_score, mean_pinball_loss

from fastlr.kernels.ahead import built
from fastlr.kernels.find import info, processor
from fastlr.kernels.find import loss as loss_kernels
from fastlr.kernels.loops.update import RuleError
from fastlr.losses import (
    LOSSES,
    EpsilonInsensitive,
    Gamma,
    Huber,
    LogCosh,
    LogLoss,
    Loss,
    ModifiedHuber,
    Poisson,
    Quantile,
    SquaredEpsilonInsensitive,
    SquaredError,
    Tweedie,
    get_loss,
)
from tests.support.engines import needs_compiled

DTYPES = [np.float32, np.float64]


def kernel_of(loss, dtype, backend="auto"):
    return loss_kernels.loss_kernel(type(loss), loss.coefficients(), dtype, backend)


def pinball(z, y, q):
    return np.where(y >= z, q * (y - z), (1 - q) * (z - y))


def tweedie(z, y, p):
    """Half the deviance that scikit-learn scores, without terms of y alone."""
    return np.exp((2 - p) * z) / (2 - p) - y * np.exp((1 - p) * z) / (1 - p)


def huber(z, y, d):
    r = np.abs(z - y)
    return np.where(r <= d, r**2 / 2, d * (r - d / 2))


# Each loss with hyper-parameters off their defaults, and its value in float64 NumPy.
REFERENCES = {
    "LogLoss": (LOSSES["logloss"](), lambda z, y: -log_expit(y * z)),
    "Hinge": (LOSSES["hinge"](), lambda z, y: np.maximum(1 - y * z, 0)),
    "SquaredHinge": (LOSSES["squaredhinge"](), lambda z, y: np.maximum(1 - y * z, 0) ** 2),
    "ModifiedHuber": (
        ModifiedHuber(),
        lambda z, y: np.where(y * z < -1, -4 * y * z, np.maximum(1 - y * z, 0) ** 2),
    ),
    "Perceptron": (LOSSES["perceptron"](), lambda z, y: np.maximum(-y * z, 0)),
    "SquaredError": (SquaredError(), lambda z, y: (z - y) ** 2 / 2),
    "Huber": (Huber(delta=0.7), lambda z, y: huber(z, y, 0.7)),
    "EpsilonInsensitive": (
        EpsilonInsensitive(epsilon=0.3),
        lambda z, y: np.maximum(np.abs(z - y) - 0.3, 0),
    ),
    "SquaredEpsilonInsensitive": (
        SquaredEpsilonInsensitive(epsilon=0.3),
        lambda z, y: np.maximum(np.abs(z - y) - 0.3, 0) ** 2,
    ),
    "Quantile": (Quantile(quantile=0.8), lambda z, y: pinball(z, y, 0.8)),
    "Poisson": (Poisson(), lambda z, y: np.exp(z) - y * z),
    "Gamma": (Gamma(), lambda z, y: z + y * np.exp(-z)),
    "Tweedie": (
        Tweedie(power=1.3),
        lambda z, y: tweedie(z, y, 1.3) - tweedie(np.zeros_like(z), y, 1.3) + 0 * y,
    ),
    "LogCosh": (LogCosh(scale=0.6), lambda z, y: 0.36 * np.log(np.cosh((z - y) / 0.6))),
}


def data(loss, n=203, dtype=np.float64, seed=0):
    """Return outputs, targets and weights, of a length that leaves a rest behind 16."""
    rng = np.random.default_rng(seed)
    z = 3 * rng.standard_normal(n)
    y = {
        "margin": rng.choice([-1.0, 1.0], n),
        "real": z + rng.standard_normal(n),
        "positive": rng.poisson(2.0, n) + (0.5 if "(0" in loss.targets else 0.0),
    }[loss.task]
    return z.astype(dtype), np.asarray(y, dtype), rng.uniform(0.1, 2.0, n).astype(dtype)


def slopes(reference, z, y, h=1e-6):
    """Return central differences."""
    return (reference(z + h, y) - reference(z - h, y)) / (2 * h)


def kernels(loss, dtype):
    """Yield the kernel of every backend and instruction set that runs here."""
    yield "numba", kernel_of(loss, dtype, "numba")
    for isa in built.ISAS:
        found = info.backend_info()
        if isa in found["isas_supported"] and isa in found["isas_built"]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(processor, "instruction_set", lambda isa=isa: isa)
                yield isa, kernel_of(loss, dtype, "cython")


def test_there_is_a_reference_for_every_loss():
    assert {cls.__name__ for cls in LOSSES.values()} == set(REFERENCES)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_kernel_computes_value_and_slope(name, dtype):
    loss, reference = REFERENCES[name]
    z, y, w = data(loss, dtype=dtype)
    wide = [a.astype(np.float64) for a in (z, y, w)]
    slope = slopes(reference, *wide[:2])
    rtol = 2e-6 if dtype == np.float32 else 1e-7
    found = {}
    for where, kernel in kernels(loss, dtype):
        out = z.copy()
        total = kernel(out, y, w)
        assert total == pytest.approx(np.sum(wide[2] * reference(*wide[:2])), rel=rtol / 4)
        size = np.abs(wide[2] * slope).max()
        np.testing.assert_allclose(out, wide[2] * slope, rtol=rtol, atol=1e-7 * size)
        found[where] = (out.tobytes(), total)
    # Functions of the C library may be spelled in other instructions by Numba.
    exact = {"Hinge", "SquaredHinge", "ModifiedHuber", "SquaredError", "Huber", "Quantile"}
    exact |= {"Perceptron", "EpsilonInsensitive", "SquaredEpsilonInsensitive"}
    assert len(set(found.values())) == 1 or name not in exact
    assert len({found[isa] for isa in set(found) - {"numba"}}) <= 1


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 48])
def test_any_number_of_outputs(n):
    loss, reference = REFERENCES["LogLoss"]
    z, y, w = data(loss, n)
    for _, kernel in kernels(loss, np.float64):
        out = z.copy()
        assert kernel(out, y, w) == pytest.approx(np.sum(w * reference(z, y)), rel=1e-12)
        np.testing.assert_allclose(out, -w * y / (1 + np.exp(y * z)), rtol=1e-12)


def one(loss, z, y, dtype=np.float64):
    """Return value and slope for one pair."""
    out = np.array([z], dtype)
    value = kernel_of(loss, dtype)(out, np.array([y], dtype), np.ones(1, dtype))
    return value, float(out[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_outputs_neither_overflow_nor_lose_the_loss(dtype):
    assert one(LogLoss(), 1e4, 1.0, dtype) == (0.0, -0.0)
    assert one(LogLoss(), -1e4, 1.0, dtype) == (1e4, -1.0)
    value, slope = one(LogCosh(), 1e4, 0.0, dtype)
    assert value == pytest.approx(1e4 - np.log(2), rel=1e-6)
    assert slope == 1.0
    assert one(Huber(delta=1.0), -1e4, 0.0, dtype) == (9999.5, -1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_errors_keep_their_digits(dtype):
    value, slope = one(LogCosh(), 1e-4, 0.0, dtype)
    assert value == pytest.approx(5e-9, rel=1e-6)
    assert slope == pytest.approx(1e-4, rel=1e-6)
    assert one(LogLoss(), 30.0, 1.0, dtype)[0] == pytest.approx(np.exp(-30.0), rel=1e-5)


@pytest.mark.parametrize("loss", [Poisson(), Tweedie()])
def test_overflow_shows_in_the_sum(loss):
    assert one(loss, 2000.0, 1.0)[0] == np.inf
    assert not np.isfinite(one(Gamma(), -2000.0, 1.0)[0])


@pytest.mark.parametrize("name", ["Hinge", "Perceptron"])
def test_a_row_on_the_corner_pulls(name):
    # A perceptron starts from zero: if a margin of zero did not count, it would stay there.
    corner = {"Hinge": 1.0, "Perceptron": 0.0}[name]
    assert one(get_loss(name), corner, 1.0) == (0.0, -1.0)
    assert one(get_loss(name), -corner, -1.0) == (0.0, 1.0)


@pytest.mark.parametrize("loss", [EpsilonInsensitive(epsilon=0.0), Quantile(0.3)])
def test_no_error_has_no_slope(loss):
    assert one(loss, 2.0, 2.0) == (0.0, 0.0)


def test_quantile_is_the_pinball_loss_of_scikit_learn():
    z, y, w = data(Quantile())
    total = kernel_of(Quantile(0.3), np.float64)(z.copy(), y, w)
    expected = mean_pinball_loss(y, z, sample_weight=w, alpha=0.3)
    assert total / w.sum() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 3.0])
def test_tweedie_is_half_the_deviance_of_scikit_learn(power):
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal(40), rng.uniform(0.5, 3.0, 40)
    kernel = kernel_of(Tweedie(power), np.float64)
    unit = np.ones(40)
    total = kernel(z.copy(), y, unit)
    least = kernel(np.log(y), y, unit)
    null = kernel(np.full(40, np.log(y.mean())), y, unit)
    share = 1 - (total - least) / (null - least)
    assert share == pytest.approx(d2_tweedie_score(y, np.exp(z), power=power), rel=1e-9)


@pytest.mark.parametrize(("power", "same"), [(1.0, Poisson()), (2.0, Gamma())])
def test_tweedie_at_its_ends_is_poisson_and_gamma(power, same):
    z, y, w = data(Gamma())
    ends = [z.copy(), z.copy()]
    totals = [
        kernel_of(loss, np.float64)(out, y, w)
        for loss, out in zip((Tweedie(power), same), ends, strict=True)
    ]
    np.testing.assert_allclose(*ends, rtol=1e-13)
    constants = {1.0: -w.sum(), 2.0: -np.sum(w * y)}
    assert totals[0] == pytest.approx(totals[1] + constants[power], rel=1e-12)


@pytest.mark.parametrize("name", [n for n, (c, _) in REFERENCES.items() if c.scaled(2.0)])
def test_scaled_says_what_the_loss_is_for_smaller_targets(name):
    loss, reference = REFERENCES[name]
    z, y, w = data(loss)
    factor = 40.0
    smaller, degree = loss.scaled(factor)
    kernel = kernel_of(smaller, np.float64)
    if loss.task == "positive":
        large, targets, shift = z + np.log(factor), factor * y, 1.0
        parts = reference(large, targets) - reference(np.full_like(z, np.log(factor)), targets)
        zero = kernel(np.zeros_like(z), y, w)
    else:
        large, targets, shift = factor * z + 7, factor * y + 7, factor
        parts, zero = reference(large, targets), 0.0
    out = z.copy()
    total = kernel(out, y, w) - zero
    assert factor**degree * total == pytest.approx(np.sum(w * parts), rel=1e-9)
    slope = slopes(reference, large, targets)
    expected = w * slope * shift / factor**degree
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


class Cauchy(Loss):
    """A user's own loss."""

    scale: float = 1.0

    def coefficients(self):
        return {"inverse": 1 / self.scale, "half": 0.5, "unused": "text"}

    @staticmethod
    def loss(z, y, inverse, half):
        r = (z - y) * inverse
        return half * log1p(r * r), r * inverse / (r * r + half + half)  # noqa: F821


class WiderCauchy(Cauchy):
    """Inherits the rule."""

    scale: float = 3.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_own_loss_is_compiled_by_numba(dtype):
    for loss, scale in ((Cauchy(scale=2.0), 2.0), (WiderCauchy(), 3.0)):
        kernel = kernel_of(loss, dtype)
        assert (kernel.backend, kernel.row.dtype, kernel.loss) == ("numba", dtype, "Cauchy")
        z, y, w = data(loss, dtype=dtype)
        out = z.copy()
        r = (z.astype(float) - y) / scale
        assert kernel(out, y, w) == pytest.approx(np.sum(w * np.log1p(r**2) / 2), rel=1e-5)
        np.testing.assert_allclose(out, w * r / scale / (r**2 + 1), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="Cauchy was not compiled ahead of time"):
        kernel_of(Cauchy(), dtype, "cython")


@needs_compiled
def test_address_and_row_are_those_of_the_compiled_core():
    kernel = kernel_of(Huber(delta=0.25), np.float32)
    module = built.losses(processor.instruction_set())
    assert kernel.address == module.KERNELS["huber_loss_f32"]
    assert kernel.row.tolist() == [0.25, 0.5]


class Powers(Loss):
    """Uses what the language does not have."""

    @staticmethod
    def loss(z, y):
        return (z - y) ** 2, z - y


class OneResult(Loss):
    """Forgets the slope."""

    @staticmethod
    def loss(z, y):
        return z - y


class WrongParameters(Loss):
    """Has them the wrong way round."""

    @staticmethod
    def loss(y, z):
        return z - y, z


class WithLiteral(Loss):
    """Has a number in the rule."""

    @staticmethod
    def loss(z, y):
        return 0.5 * (z - y), z - y


class Nothing(Loss):
    """States no rule."""


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Powers, r"test_losses.py:\d+: Powers_loss: `\*\*` is not available"),
        (OneResult, "it must return value, gradient; it returns 1 values"),
        (WrongParameters, r"its parameters must begin with \(z, y\), got \(y, z\)"),
        (WithLiteral, "literal 0.5 would be computed in double precision"),
        (Nothing, r"Nothing states no rule: define a static method `loss\(z, y, ...\)`"),
    ],
)
def test_rules_that_cannot_be_compiled_are_refused_with_the_reason(cls, message):
    with pytest.raises(RuleError, match=message):
        kernel_of(cls(), np.float64)


class Careless(Cauchy):
    """Returns what a test says."""

    def coefficients(self):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"half": 0.5}, "Careless.coefficients must return inverse, which `loss` takes; it"),
        ({"half": 0.5, "inverse": np.inf}, "inverse must be a finite number, got inf"),
        ({"half": 0.5, "inverse": "a"}, "inverse must be a finite number, got 'a'"),
    ],
)
def test_coefficients_are_checked(answer, message):
    loss = Careless()
    loss.answer = answer
    with pytest.raises(ValueError, match=message):
        kernel_of(loss, np.float64)


def test_arrays_and_choices_are_checked():
    kernel = kernel_of(Huber(), np.float32)
    z, unit = np.zeros(4, np.float32), np.ones(4, np.float32)
    with pytest.raises(ValueError, match="y must be a C-contiguous float32 array, shaped as z is"):
        kernel(z, unit.astype(float), unit)
    with pytest.raises(ValueError, match="w must be a C-contiguous float32"):
        kernel(z, unit, unit[:3])
    z.flags.writeable = False
    with pytest.raises(ValueError, match="z must be"):
        kernel(z, unit, unit)
    with pytest.raises(TypeError, match="dtype must be float32 or float64, got int64"):
        kernel_of(Huber(), np.int64)
    with pytest.raises(ValueError, match="backend must be one of auto, cython, numba"):
        kernel_of(Huber(), np.float64, "cuda")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Huber(delta=0), ValueError, r"Huber: delta must be a number in \(0, inf\)"),
        (lambda: Quantile(1.0), ValueError, r"Quantile: quantile must be a number in \(0, 1\)"),
        (lambda: EpsilonInsensitive(-1), ValueError, r"epsilon must be a number in \[0, inf\)"),
        (lambda: Tweedie(0.5), ValueError, r"Tweedie: power must be a number in \[1, inf\)"),
        (lambda: LogCosh("a"), TypeError, r"LogCosh: scale must be a number"),
        (lambda: get_loss("foo"), ValueError, "loss must be one of .*huber.*, got 'foo'"),
        (lambda: get_loss(Huber), TypeError, "loss must be a name or a Loss object"),
        (lambda: type("Odd", (Loss,), {"task": "rank"}), TypeError, "task must be one of margin"),
        (lambda: type("Odd", (Loss,), {"link": "sqrt"}), TypeError, "link must be one of"),
    ],
)
def test_unfit_choices_are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("loss", "good", "bad"),
    [
        (Poisson(), [0.0, 3.0], -1.0),
        (Gamma(), [0.1, 3.0], 0.0),
        (Tweedie(1.5), [0.0, 3.0], -0.1),
        (Tweedie(2.0), [0.1], 0.0),
        (Huber(), [-1e9, 0.0], None),
    ],
)
def test_targets_without_a_likelihood_are_refused(loss, good, bad):
    loss.check_targets(np.array(good))
    loss.check_targets(np.zeros(0))
    if bad is not None:
        with pytest.raises(ValueError, match=rf"{type(loss).__name__} needs values of y in"):
            loss.check_targets(np.array([*good, bad]))


def test_evaluate_takes_any_shape_and_layout():
    z, y, w = (a[:200].reshape(10, 20) for a in data(Huber()))
    total, slopes = Huber(0.7).evaluate(z.T, np.asfortranarray(y).T, w.T)
    assert total == pytest.approx(np.sum(w * huber(z, y, 0.7)), rel=1e-12)
    np.testing.assert_allclose(slopes, (w * np.clip(z - y, -0.7, 0.7)).T, rtol=1e-12)
    with pytest.raises(ValueError, match="y must be a C-contiguous float64 array, shaped as z"):
        Huber().evaluate(z, y[:3])


def test_names_and_objects():
    assert get_loss("log_loss") == get_loss("LogLoss") == get_loss("logistic") == LogLoss()
    loss = Huber(0.2)
    assert get_loss(loss) is loss
    assert clone(loss, safe=False) == loss
    assert all(get_loss(name) == cls() for name, cls in LOSSES.items())


def test_probabilities():
    z = np.array([-2.0, -0.5, 0.0, 3.0])
    np.testing.assert_allclose(LogLoss().probability(z), 1 / (1 + np.exp(-z)), rtol=1e-15)
    assert ModifiedHuber().probability(z).tolist() == [0.0, 0.25, 0.5, 1.0]
    assert [n for n, (loss, _) in REFERENCES.items() if loss.has_probability] == [
        "LogLoss",
        "ModifiedHuber",
    ]
    with pytest.raises(NotImplementedError, match="Hinge gives no probabilities"):
        get_loss("hinge").probability(z)
