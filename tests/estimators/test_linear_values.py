"""LinearClassifier.fit against a training loop that can be read, and what it hands out."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastlr import SGD, Adam, AdamW, CosineAnnealing, LinearClassifier, OneCycle
from fastlr.estimators.session.history import COLUMNS, FACTS


def data(n_classes, rows=97, features=6, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, features))
    scores = X @ rng.standard_normal((features, n_classes)) + rng.standard_normal(n_classes)
    y = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    return X.astype(dtype), y


def nesterov(lr, momentum, weight_decay):
    """Return a step of SGD with Nesterov momentum and L2 decay."""
    buffers = {}

    def step(name, p, g, t, factor):
        g = g + (0 if name == "b" else weight_decay) * p
        buffers[name] = g if t == 1 else momentum * buffers[name] + g
        return p - lr * factor * (g + momentum * buffers[name])

    return step


def adamw(lr, beta1, beta2, eps, weight_decay):
    """Return a step of AdamW."""
    moments = {}

    def step(name, p, g, t, factor):
        m, v = moments.get(name, (0.0, 0.0))
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        moments[name] = m, v
        rate = lr * factor
        p = p * (1 - rate * (0 if name == "b" else weight_decay))
        return p - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)

    return step


def train(X, y, weight, step, epochs, batch, seed, clip=np.inf):
    """Train in the plainest way: one-hot targets, one row of W for each class or for class 1."""
    n, n_classes = len(X), y.max() + 1
    outputs = 1 if n_classes == 2 else n_classes
    targets = y[:, None].astype(float) if outputs == 1 else np.eye(n_classes)[y]
    W, b = np.zeros((outputs, X.shape[1])), np.zeros(outputs)
    # The estimator draws a seed of its own from random_state.
    seed = np.random.RandomState(seed).randint(np.iinfo(np.int32).max)
    rng = np.random.RandomState(seed)
    total, t, losses = epochs * -(-n // batch), 0, []
    for _ in range(epochs):
        order, loss = rng.permutation(n), 0.0
        for start in range(0, n, batch):
            rows = order[start : start + batch]
            z = X[rows] @ W.T + b
            if outputs == 1:
                p = 1 / (1 + np.exp(-z))
                of_label = np.where(y[rows] == 1, p[:, 0], 1 - p[:, 0])
            else:
                p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
                of_label = p[np.arange(len(rows)), y[rows]]
            loss -= (weight[rows] * np.log(of_label)).sum()
            d = (p - targets[rows]) * weight[rows][:, None] / len(rows)
            gW, gb = d.T @ X[rows], d.sum(axis=0)
            norm = np.sqrt((gW**2).sum() + (gb**2).sum())
            scale = 1.0 if norm <= clip else clip / (norm + min(1e-6, 1e-6 * clip))
            factor = (1 + np.cos(np.pi * t / total)) / 2
            t += 1
            W, b = step("W", W, scale * gW, t, factor), step("b", b, scale * gb, t, factor)
        losses.append(loss / weight.sum())
    return W, b, losses


RULES = {
    "sgd": (
        SGD(lr=0.3, momentum=0.8, nesterov=True, weight_decay=0.1),
        lambda: nesterov(0.3, 0.8, 0.1),
    ),
    "adamw": (
        AdamW(lr=0.05, beta1=0.8, beta2=0.97, eps=1e-4, weight_decay=0.2),
        lambda: adamw(0.05, 0.8, 0.97, 1e-4, 0.2),
    ),
}


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("rule", RULES)
def test_fit_equals_a_readable_loop(rule, n_classes, weighted, clip):
    X, y = data(n_classes)
    weight = np.random.default_rng(1).uniform(0.2, 3, len(X)) if weighted else np.ones(len(X))
    optimizer, make_step = RULES[rule]
    model = LinearClassifier(
        optimizer,
        schedule=CosineAnnealing(),
        batch_size=10,
        max_epochs=6,
        clip_norm=clip,
        random_state=7,
    ).fit(X, y, sample_weight=weight if weighted else None)
    W, b, losses = train(
        X, y, weight / weight.mean(), make_step(), 6, 10, 7, np.inf if clip is None else clip
    )
    np.testing.assert_allclose(model.coef_, W, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.intercept_, b, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.loss_curve_, losses, rtol=1e-10)


def test_probabilities_and_predictions_follow_from_coef_and_intercept():
    for n_classes in (2, 3):
        X, y = data(n_classes)
        labels = np.array(["b", "a", "c"])[y]
        model = LinearClassifier(random_state=0).fit(X, labels)
        z = X @ model.coef_.T + model.intercept_
        z = np.hstack([-z / 2, z / 2]) if n_classes == 2 else z
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.predict_proba(X), p, rtol=1e-12)
        np.testing.assert_allclose(model.predict_log_proba(X), np.log(p), rtol=1e-9, atol=1e-14)
        np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])
        assert model.classes_.tolist() == sorted(set(labels))
        assert model.coef_.shape == ((1, 6) if n_classes == 2 else (3, 6))
        assert model.decision_function(X).shape == ((97,) if n_classes == 2 else (97, 3))
        assert model.score(X, labels) == np.mean(model.predict(X) == labels)


def test_log_probabilities_stay_finite_where_probabilities_round_to_zero():
    for n_classes in (2, 3):
        X, y = data(n_classes)
        model = LinearClassifier(random_state=0).fit(X, y)
        far = 1e4 * X
        assert (model.predict_proba(far) == 0).any()
        assert np.isfinite(model.predict_log_proba(far)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("features", [6, 9000])  # also more than one block of features
@pytest.mark.parametrize("n_classes", [2, 5])
def test_a_row_is_predicted_to_the_bit_as_among_others(n_classes, features, dtype):
    X, y = data(n_classes, 40, features, dtype=dtype)
    model = LinearClassifier(random_state=0, max_epochs=1).fit(X, y)
    for method in (model.decision_function, model.predict_proba, model.predict_log_proba):
        together = method(X)
        assert together.dtype == dtype
        for rows in (slice(3, 4), slice(0, 17), [5, 5, 39]):
            np.testing.assert_array_equal(method(X[rows]), together[rows])
        np.testing.assert_array_equal(method(np.asfortranarray(X)), together)


def test_float32_stays_float32_and_everything_else_becomes_float64():
    X, y = data(3, rows=300)
    for given, expected in [("f4", "f4"), ("f8", "f8"), ("f2", "f8"), ("i4", "f8"), (">f8", "f8")]:
        model = LinearClassifier(random_state=0).fit((4 * X).astype(given), y)
        for array in (model.coef_, model.intercept_):
            assert array.dtype == np.dtype(expected)
            assert array.dtype.isnative
    narrow, wide = (
        LinearClassifier(random_state=0).fit(X.astype(d), y).coef_ for d in ("f4", "f8")
    )
    np.testing.assert_allclose(narrow, wide, rtol=2e-4, atol=1e-5)


def test_layout_and_writability_of_the_data_make_no_difference():
    X, y = data(3, rows=300)
    expected = LinearClassifier(random_state=0).fit(X, y).coef_
    frozen = X.copy()
    frozen.flags.writeable = False
    wide = np.zeros((600, 8))
    wide[::2, :6] = X
    shifted = np.frombuffer(b"." + X.tobytes(), "u1")[1:].view("f8").reshape(X.shape)
    for given in (frozen, np.asfortranarray(X), wide[::2, :6], shifted, X.tolist()):
        before = np.array(given)
        got = LinearClassifier(random_state=0).fit(given, y).coef_
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(np.array(given), before)


def test_a_seed_makes_fits_equal_to_the_bit_and_the_global_state_is_used_without_one():
    X, y = data(3, rows=700)
    fit = LinearClassifier(random_state=3).fit
    first = fit(X, y).coef_.copy()
    np.testing.assert_array_equal(fit(X, y).coef_, first)
    assert (LinearClassifier(random_state=4).fit(X, y).coef_ != first).any()
    np.random.seed(0)  # noqa: NPY002  (it is what None means in scikit-learn)
    one = LinearClassifier().fit(X, y).coef_
    assert (LinearClassifier().fit(X, y).coef_ != one).any()
    np.random.seed(0)  # noqa: NPY002
    np.testing.assert_array_equal(LinearClassifier().fit(X, y).coef_, one)


def test_history_shows_the_rates_and_momenta_of_the_schedule():
    X, y = data(3, rows=300)
    model = LinearClassifier(
        Adam(beta1=0.5), lr=0.02, schedule=OneCycle(), batch_size=50, max_epochs=4, random_state=0
    ).fit(X, y)
    simulated = OneCycle().simulate(24, lr=0.02)
    history = model.history_
    assert list(history) == [*COLUMNS, *FACTS]
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(history["lr"], simulated.lr[5::6], rtol=1e-12)
    np.testing.assert_allclose(history["momentum"], simulated.momentum[5::6], rtol=1e-12)
    np.testing.assert_array_equal(history["loss"], model.loss_curve_)
    assert (history["seconds"] > 0).all()
    assert (model.n_iter_, model.t_) == (4, 24)
    plain = LinearClassifier(SGD(), schedule=None, max_epochs=2).fit(X, y)
    assert np.isnan(plain.history_["momentum"]).all()
    assert plain.history_["lr"].tolist() == [plain.lr_, plain.lr_]


def test_without_intercept_there_is_none_and_unshuffled_rows_come_as_they_lie():
    X, y = data(2)
    model = LinearClassifier(SGD(lr=0.5), schedule=None, batch_size=97, max_epochs=1, shuffle=False)
    model.set_params(fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(model.coef_, -0.5 * (0.5 - y) @ X[None] / 97, rtol=1e-12)
    assert model.intercept_.tolist() == [0.0]
    one_by_one = [
        LinearClassifier(lr=0.05, batch_size=1, max_epochs=1, shuffle=False, random_state=s)
        .fit(X, y)
        .coef_
        for s in (0, 1)
    ]
    np.testing.assert_array_equal(*one_by_one)


def test_batch_size_auto_makes_some_128_steps():
    for rows, batch, steps in [(257, 2, 129), (1300, 10, 130), (40_000, 128, 313)]:
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((rows, 2)), rng.integers(0, 2, rows)
        auto = LinearClassifier(max_epochs=1, random_state=0).fit(X, y)
        assert auto.t_ == steps
        said = LinearClassifier(max_epochs=1, random_state=0, batch_size=batch).fit(X, y)
        np.testing.assert_array_equal(auto.coef_, said.coef_)


def test_small_data_are_whole_in_each_of_128_steps_so_at_a_given_rate_the_seed_does_not_matter():
    X, y = data(3, rows=256)
    model = LinearClassifier(lr=0.05, max_epochs=3, random_state=0).fit(X, y)
    assert model.t_ == 384
    other = LinearClassifier(lr=0.05, max_epochs=3, random_state=1).fit(X, y)
    np.testing.assert_array_equal(model.coef_, other.coef_)
    said = LinearClassifier(lr=0.05, max_epochs=384, batch_size=256, shuffle=False).fit(X, y)
    np.testing.assert_allclose(model.coef_, said.coef_, rtol=1e-9)


def test_weights_are_ratios_in_fit_and_reach_batches_of_one():
    X, y = data(3, rows=300)
    weight = np.random.default_rng(0).uniform(0, 2, 300)
    given = {"batch_size": 1, "random_state": 0, "max_epochs": 2}
    model = LinearClassifier("sgd", **given).fit(X, y, weight)
    double = LinearClassifier("sgd", **given).fit(X, y, 2 * weight)
    np.testing.assert_array_equal(model.coef_, double.coef_)
    plain = LinearClassifier("sgd", **given).fit(X, y)
    assert np.abs(model.coef_ - plain.coef_).max() > 1e-3
    by_class = LinearClassifier("sgd", class_weight={0: 3.0, 2: 0.5}, **given).fit(X, y, weight)
    factors = np.array([3.0, 1.0, 0.5])[y]
    said = LinearClassifier("sgd", **given).fit(X, y, weight * factors)
    np.testing.assert_array_equal(by_class.coef_, said.coef_)
    balanced = LinearClassifier("sgd", class_weight="balanced", **given).fit(X, y)
    factors = (300 / (3 * np.bincount(y)))[y]
    said = LinearClassifier("sgd", **given).fit(X, y, factors)
    np.testing.assert_allclose(balanced.coef_, said.coef_, rtol=1e-12)


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer, load_digits])
def test_defaults_are_near_the_minimum_on_real_data(load):
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    ours = LinearClassifier(random_state=0).fit(X, y)
    best = LogisticRegression(max_iter=1000).fit(X, y)
    losses = [log_loss(y_test, m.predict_proba(X_test)) for m in (ours, best)]
    assert losses[0] < losses[1] + 0.06
    assert ours.score(X_test, y_test) > best.score(X_test, y_test) - 0.025


def test_default_does_not_blow_up_on_badly_scaled_features():
    X, y = load_breast_cancer(return_X_y=True)  # the largest feature is 10,000 times the smallest
    model = LinearClassifier(random_state=0).fit(X, y)
    assert model.score(X, y) > 0.88
    assert np.isfinite(model.loss_curve_).all()
