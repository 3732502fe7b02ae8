"""Where linear estimators end up: at the minimum of the objective that scikit-learn minimises."""

import numpy as np
import pytest
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from fastlr import SGD, Adam, LinearClassifier, LinearRegressor, Lion, Muon, RMSprop
from fastlr.losses import EpsilonInsensitive, Huber, Quantile, Tweedie
from tests.losses.test_losses import REFERENCES, huber, pinball
from tests.training.linear.test_epoch_losses import total_loss

N = 240
RNG = np.random.default_rng(0)
X = RNG.standard_normal((N, 6))
SIGNAL = X @ RNG.standard_normal((6, 4)) + RNG.standard_normal(4)
CODES = (SIGNAL + RNG.gumbel(size=SIGNAL.shape)).argmax(axis=1)
Y = 50 * SIGNAL[:, 0] + 300 + 40 * RNG.standard_t(2, N)
COUNTS = RNG.poisson(np.exp(SIGNAL[:, 1] / 3 + 1.5)).astype(float)
POSITIVE = np.exp(SIGNAL[:, 1] / 3 + 1.5) * RNG.gamma(3.0, 1 / 3, N)

# All rows in each of 128 steps of an epoch: what is left is the error of the optimizer alone.
LONG = {"optimizer": Adam(), "lr": 0.1, "schedule": "cosine", "max_epochs": 40, "random_state": 0}
PLAIN = {"standardize": False, **LONG}


def objective(model, value, coef, intercept):
    """Return mean loss plus penalty, `value` being the loss of outputs."""
    coef = np.atleast_2d(coef)
    z = X @ coef.T + np.atleast_1d(intercept)
    share = {"l1": 1.0, "elasticnet": model.l1_ratio}.get(model.penalty, 0.0)
    if model.penalty is None:
        return value(z) / N
    size = share * np.abs(coef).sum() + (1 - share) / 2 * np.sum(coef**2)
    return value(z) / N + model.alpha * size


def gap(model, value, peer):
    """Return by how much the model's objective lies above the peer's, relatively."""
    own = objective(model, value, model.coef_, model.intercept_)
    other = objective(model, value, peer.coef_, peer.intercept_)
    return (own - other) / abs(other)


CLASSIFIERS = {
    "log_loss": (
        {"alpha": 0.02},
        LogisticRegression(C=1 / (0.02 * N), tol=1e-8),
        "multinomial log-loss",
    ),
    "hinge": (
        {"alpha": 0.02, "fit_intercept": False},
        LinearSVC(
            multi_class="crammer_singer",
            C=1 / (0.02 * N),
            fit_intercept=False,
            tol=1e-7,
            max_iter=100_000,
        ),
        "multinomial",
    ),
    "squared_hinge": (
        {"alpha": 0.02, "fit_intercept": False, "multi_class": "ovr"},
        LinearSVC(C=0.5 * 2 / (0.02 * N), fit_intercept=False, tol=1e-8, max_iter=100_000),
        "ovr",
    ),
}


@pytest.mark.parametrize("loss", CLASSIFIERS)
def test_classifiers_reach_the_minimum(loss):
    more, peer, reduction = CLASSIFIERS[loss]
    model = LinearClassifier(loss=loss, penalty="l2", **PLAIN, **more).fit(X, CODES)
    peer.fit(X, CODES)

    def value(z):
        if reduction == "multinomial log-loss":
            return np.sum(np.log(np.exp(z).sum(axis=1)) - z[np.arange(N), CODES])
        names = {"hinge": "Hinge", "squared_hinge": "SquaredHinge"}
        return total_loss(REFERENCES[names[loss]][1], reduction, z, CODES, np.ones(N))

    # libsvm stops at a tolerance of its own, so the model may lie below it.
    assert -1e-3 < gap(model, value, peer) < 2e-4


@pytest.mark.parametrize(("loss", "name"), [("log_loss", "LogLoss"), ("hinge", "Hinge")])
def test_two_classes_reach_the_minimum(loss, name):
    y = (CODES > 1).astype(int)
    options = {"penalty": "l2", "alpha": 0.02, "fit_intercept": False}
    model = LinearClassifier(loss=loss, **PLAIN, **options).fit(X, y)
    C = 1 / (0.02 * N)
    peer = (
        LogisticRegression(C=C, fit_intercept=False, tol=1e-8)
        if loss == "log_loss"
        else LinearSVC(loss="hinge", C=C, fit_intercept=False, tol=1e-8, max_iter=1_000_000)
    ).fit(X, y)
    sign = np.where(y == 1, 1.0, -1.0)[:, None]
    assert -1e-4 < gap(model, lambda z: REFERENCES[name][1](z, sign).sum(), peer) < 2e-4


def squares(z):
    return np.sum((z[:, 0] - Y) ** 2) / 2


def deviance(power, y):
    def value(z):
        eta = z[:, 0]
        if power == 1:
            return np.sum(np.exp(eta) - y * eta)
        if power == 2:
            return np.sum(eta + y * np.exp(-eta))
        return np.sum(np.exp((2 - power) * eta) / (2 - power)
                      - y * np.exp((1 - power) * eta) / (1 - power))  # fmt: skip

    return value


REGRESSORS = {
    "ridge": ("squared_error", "l2", 0.3, Ridge(alpha=0.3 * N), Y, squares),
    "quantile": (
        Quantile(0.8),
        None,
        0.0,
        QuantileRegressor(quantile=0.8, alpha=0.0),
        Y,
        lambda z: pinball(z[:, 0], Y, 0.8).sum(),
    ),
    "poisson": ("poisson", "l2", 0.1, PoissonRegressor(alpha=0.1, tol=1e-9), COUNTS,
                deviance(1, COUNTS)),
    "gamma": ("gamma", "l2", 0.1, GammaRegressor(alpha=0.1, tol=1e-9), POSITIVE,
              deviance(2, POSITIVE)),
    "tweedie": (
        Tweedie(1.5),
        "l2",
        0.1,
        TweedieRegressor(power=1.5, alpha=0.1, tol=1e-9),
        POSITIVE,
        deviance(1.5, POSITIVE),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_reach_the_minimum(name):
    loss, penalty, alpha, peer, y, value = REGRESSORS[name]
    model = LinearRegressor(loss=loss, penalty=penalty, alpha=alpha, **PLAIN).fit(X, y)
    assert -1e-5 < gap(model, value, peer.fit(X, y)) < 2e-4


def test_huber_reaches_the_minimum_of_scikit_learn_at_its_scale():
    peer = HuberRegressor(epsilon=1.5, alpha=2.0, tol=1e-8, max_iter=1000).fit(X, Y)
    delta = 1.5 * peer.scale_
    model = LinearRegressor(
        loss=Huber(delta), penalty="l2", alpha=2.0 * peer.scale_ / N, **PLAIN
    ).fit(X, Y)
    assert abs(gap(model, lambda z: huber(z[:, 0], Y, delta).sum(), peer)) < 1e-5


def test_epsilon_insensitive_reaches_the_minimum_of_support_vector_regression():
    y = Y - 300
    alpha, epsilon = 0.01, 8.0
    options = {"loss": EpsilonInsensitive(epsilon), "penalty": "l2", "fit_intercept": False}
    model = LinearRegressor(alpha=alpha, **options, **PLAIN).fit(X, y)
    peer = LinearSVR(
        epsilon=epsilon, C=1 / (alpha * N), fit_intercept=False, tol=1e-8, max_iter=1_000_000
    ).fit(X, y)
    value = gap(model, lambda z: np.maximum(np.abs(z[:, 0] - y) - epsilon, 0).sum(), peer)
    assert -1e-3 < value < 2e-4


RULES = {
    "sgd": (SGD(), 0.05),
    "momentum": (SGD(momentum=0.9, nesterov=True), 0.01),
    "adam": (Adam(), 0.1),
    "rmsprop": (RMSprop(), 0.02),
    "lion": (Lion(), 0.01),
    "muon": (Muon(weight_decay=0.0), 0.01),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("penalty", "ratio"), [("l1", 1.0), ("elasticnet", 0.8)])
def test_l1_has_the_same_minimum_and_zeros_under_every_rule(penalty, ratio, rule):
    alpha = 15.0
    optimizer, lr = RULES[rule]
    options = PLAIN | {"optimizer": optimizer, "lr": lr}
    model = LinearRegressor(penalty=penalty, alpha=alpha, l1_ratio=0.8, **options).fit(X, Y)
    peer = ElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-10, max_iter=100_000).fit(X, Y)
    assert abs(gap(model, squares, peer)) < 1e-6
    np.testing.assert_array_equal(model.coef_ == 0, peer.coef_ == 0)
    assert 0 < np.count_nonzero(model.coef_) < 6


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_l1_in_mini_batches_leaves_out_what_the_minimum_leaves_out(optimizer):
    rng = np.random.default_rng(0)
    rows, alpha = rng.standard_normal((5000, 30)), 0.15
    y = rows[:, :6] @ rng.uniform(0.5, 1.5, 6) + 2 * rng.standard_normal(5000)
    model = LinearRegressor(optimizer, penalty="l1", alpha=alpha, random_state=0).fit(rows, y)
    peer = ElasticNet(alpha=alpha, l1_ratio=1.0, tol=1e-10).fit(rows, y)

    def value(each):
        return np.mean((each.predict(rows) - y) ** 2) / 2 + alpha * np.abs(each.coef_).sum()

    assert value(model) == pytest.approx(value(peer), rel=3e-4)
    np.testing.assert_array_equal(model.coef_ == 0, peer.coef_ == 0)
    assert np.count_nonzero(model.coef_ == 0) == 24


@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet"])
@pytest.mark.parametrize("loss", ["squared_error", "quantile", "poisson"])
def test_the_intercept_is_never_penalised(loss, penalty):
    y = COUNTS if loss == "poisson" else Y
    model = LinearRegressor(loss=loss, penalty=penalty, alpha=1e7, **PLAIN | {"lr": 0.01})
    model.fit(X, y)
    assert np.abs(model.coef_).max() < 1e-2
    if penalty == "l1":
        assert not model.coef_.any()
    expected = {"squared_error": Y.mean(), "quantile": np.median(Y), "poisson": COUNTS.mean()}
    # Every number between the two middle ones is a median.
    assert model.predict(X).mean() == pytest.approx(expected[loss], rel=0.01)


@pytest.mark.parametrize("penalty", ["l2", "elasticnet"])
@pytest.mark.parametrize(
    ("loss", "larger", "degree"),
    [
        ("squared_error", "squared_error", 2),
        (Huber(30.0), Huber(30e3), 2),
        (EpsilonInsensitive(5.0), EpsilonInsensitive(5e3), 1),
        ("quantile", "quantile", 1),
    ],
)
def test_units_of_y_do_not_matter(loss, larger, degree, penalty):
    options = {"penalty": penalty, "l1_ratio": 0.0, **PLAIN, "max_epochs": 2}
    model = LinearRegressor(loss=loss, alpha=0.05, **options).fit(X, Y)
    # The penalty is quadratic: it must grow as the loss does over the square of the units.
    alpha = 0.05 * 1000.0 ** (degree - 2)
    other = LinearRegressor(loss=larger, alpha=alpha, **options).fit(X, 1000 * Y)
    np.testing.assert_allclose(other.predict(X), 1000 * model.predict(X), rtol=1e-6)


def test_a_penalty_means_the_same_for_outputs_of_different_size():
    y = np.column_stack([Y, Y[::-1] / 4 + SIGNAL[:, 2]])
    options = {"penalty": "elasticnet", "alpha": 4.0, "l1_ratio": 0.5}
    model = LinearRegressor(**options, **PLAIN).fit(X, y)
    for k in range(2):
        peer = ElasticNet(alpha=4.0, l1_ratio=0.5, tol=1e-10).fit(X, y[:, k])
        np.testing.assert_allclose(model.coef_[k], peer.coef_, atol=1e-3 * np.abs(peer.coef_).max())
        assert model.intercept_[k] == pytest.approx(peer.intercept_, rel=1e-4)


def california(rng, n):
    """Return features of very different units, and prices with a long tail."""
    income, age = rng.lognormal(1.2, 0.45, n), rng.integers(1, 52, n)
    people, rooms = rng.lognormal(7, 0.7, n), rng.lognormal(1.6, 0.3, n)
    south, west = rng.uniform(32, 42, n), rng.uniform(114, 124, n)
    y = 0.4 * income + 0.01 * age - 3e-5 * people - 0.4 * (south - 36) + 0.4 * (west - 119)
    return np.column_stack([income, age, rooms, people, south, west]), y + 3, 0.6


HARD = {
    "prices": lambda rng, n: california(rng, n),
    "prices in dollars": lambda rng, n: (*[a * s for a, s in zip(
        california(rng, n)[:2], (1, 1e5), strict=True)], 6e4),
    "millions": lambda rng, n: (1e6 * rng.standard_normal((n, 5)) + 3e6, None, 1e5),
    "lognormal": lambda rng, n: (np.exp(2 * rng.standard_normal((n, 5))), None, 5.0),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", HARD)
def test_defaults_do_well_on_unscaled_heavy_tailed_data(name, dtype):
    rng = np.random.default_rng(1)
    features, y, noise = HARD[name](rng, 3000)
    if y is None:
        y = features @ rng.uniform(0.5, 2.0, features.shape[1])
    y = y + noise * rng.standard_t(3, len(y))
    features = features.astype(dtype)
    best = Ridge(alpha=1e-9).fit(StandardScaler().fit_transform(features), y)
    best = best.score(StandardScaler().fit_transform(features), y)
    score = LinearRegressor(random_state=0).fit(features, y).score(features, y)
    assert score > best - 0.03 > 0.5
    if name != "lognormal":
        assert SGDRegressor(random_state=0).fit(features, y).score(features, y) < 0
