"""MLPClassifier and MLPRegressor: values against scikit-learn's, and what each parameter does."""

import pickle

import numpy as np
import pytest
import sklearn.neural_network as peer
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits, load_iris, make_friedman1, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split

from fastlr import SGD, Adam, AdamW, LinearClassifier, MLPClassifier, MLPRegressor
from fastlr.losses import Huber
from fastlr.training import Arena, MLPEpoch
from tests.support.engines import needs_compiled
from tests.support.mlp_cases import shapes_of

ESTIMATORS = [MLPClassifier, MLPRegressor]


def problem(kind, rows=200, features=8):
    rng = np.random.default_rng(0)
    X = 2.5 * rng.standard_normal((rows, features))
    z = np.tanh(X @ rng.standard_normal((features, 3)))
    return X, z.argmax(axis=1) if kind is MLPClassifier else z @ [1.0, 2.0, -1.0]


def theirs_and_start(kind, X, y, **params):
    """Fit scikit-learn's; return it with its first weights, which a rate of nothing reveals."""
    rates = {"learning_rate_init": 1e-300, "solver": "sgd", "momentum": 0.0, "max_iter": 1}
    with pytest.warns(ConvergenceWarning):
        start = kind(**(params | rates)).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        fitted = kind(**params).fit(X, y)
    return fitted, start


@pytest.mark.parametrize("engine", ["numpy", pytest.param("compiled", marks=needs_compiled)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("solver", ["sgd", "nesterov", "adam"])
@pytest.mark.parametrize("targets", ["three", "two", "labels", "numbers"])
def test_trajectory_is_that_of_scikit_learn(targets, solver, activation, engine):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 5))
    y, loss, encoded = {
        "three": (codes := rng.integers(0, 3, 120), ("softmax", "log_loss"), codes),
        "two": (codes := rng.integers(0, 2, 120), ("ovr", "log_loss"), codes),
        "labels": (codes := rng.integers(0, 2, (120, 3)), ("each", "log_loss"), 2.0 * codes - 1),
        "numbers": (z := rng.standard_normal((120, 2)), ("each", "squared_error"), z),
    }[targets]
    alpha, batch, epochs = 0.5, 20, 8
    fitted, start = theirs_and_start(
        peer.MLPRegressor if targets == "numbers" else peer.MLPClassifier,
        X,
        y,
        hidden_layer_sizes=(7, 6),
        activation=activation,
        solver=solver.replace("nesterov", "sgd"),
        nesterovs_momentum=solver == "nesterov",
        alpha=alpha,
        batch_size=batch,
        shuffle=False,
        learning_rate_init=0.05,
        random_state=0,
        max_iter=epochs,
        tol=0,
    )
    optimizer = {
        "sgd": SGD(lr=0.05, momentum=0.9, nesterov=False, preset="sklearn", l2=alpha / batch),
        "nesterov": SGD(lr=0.05, momentum=0.9, nesterov=True, preset="sklearn", l2=alpha / batch),
        "adam": Adam(lr=0.05, preset="sklearn", l2=alpha / batch),
    }[solver]
    sizes = [5, 7, 6, start.coefs_[-1].shape[1]]
    arena = Arena(shapes_of(sizes), "float64")
    for k in range(3):
        arena.param[f"coef_{k}"][...] = start.coefs_[k]
        arena.param[f"intercept_{k}"][...] = start.intercepts_[k]
    updater = optimizer.bind(arena.param, groups=[{"match": "intercept*", "l2": 0.0}])
    epoch = MLPEpoch(arena, updater, loss[1], loss[0], [activation] * 2, engine=engine)
    for _ in range(epochs):
        epoch.run(X, encoded, batch_size=batch)
    for k in range(3):
        assert_allclose(arena.param[f"coef_{k}"], fitted.coefs_[k], rtol=1e-10, atol=1e-12)
        assert_allclose(
            arena.param[f"intercept_{k}"], fitted.intercepts_[k], rtol=1e-10, atol=1e-12
        )


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_estimator_with_the_weights_of_scikit_learn_predicts_as_that_does(kind):
    X, y = problem(kind)
    params = {"hidden_layer_sizes": (6, 5), "activation": "tanh"}
    other = getattr(peer, kind.__name__)(**params, max_iter=5, random_state=0)
    with pytest.warns(ConvergenceWarning):
        other.fit(X, y)
    mine = kind(**params, max_epochs=1).fit(X, y)
    mine.coefs_, mine.intercepts_ = other.coefs_, other.intercepts_
    assert_allclose(mine.predict(X), other.predict(X), rtol=1e-12)
    assert (mine.n_layers_, mine.n_outputs_) == (other.n_layers_, other.n_outputs_)
    assert mine.out_activation_ == other.out_activation_
    if kind is MLPClassifier:
        assert_allclose(mine.predict_proba(X), other.predict_proba(X), rtol=1e-11)


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_fitted_attributes_are_the_network_for_the_data_as_they_are(kind, standardize):
    X, y = problem(kind)
    X, y = X * 100 + 300, y if kind is MLPClassifier else 50 * y - 1000
    model = kind((6, 5), "tanh", standardize=standardize, max_epochs=5, random_state=0).fit(X, y)
    a = X
    for k, (weight, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        a = a @ weight + bias
        a = np.tanh(a) if k < 2 else a
    if kind is MLPClassifier:
        assert_allclose(model.decision_function(X), a, rtol=1e-9, atol=1e-11)
        loss = log_loss(y, model.predict_proba(X))
    else:
        assert_allclose(model.predict(X), a[:, 0], rtol=1e-11)
        loss = ((y - model.predict(X)) ** 2).mean() / 2 / y.var()
    rows = X, y, None
    held = model.set_params(shuffle=False, warm_start=True, max_epochs=1, lr=0.0).fit(*rows)
    assert held.loss_ == pytest.approx(loss, rel=1e-9)  # the same network in units of training


def test_regressor_of_targets_far_from_zero_learns_what_it_learns_of_small_ones():
    X, y = problem(MLPRegressor)
    small = MLPRegressor(lr=1e-2, random_state=0, max_epochs=5).fit(X, y)
    large = MLPRegressor(lr=1e-2, random_state=0, max_epochs=5).fit(X, 1e6 * y + 1e7)
    assert_allclose(large.predict(X), 1e6 * small.predict(X) + 1e7, rtol=1e-9)


@pytest.mark.parametrize("loss", ["poisson", Huber(delta=0.5), "gamma", "quantile"])
def test_other_losses_beat_a_constant(loss):
    X, y = problem(MLPRegressor)
    y = np.exp(y)
    model = MLPRegressor(loss=loss, random_state=0).fit(X, y)
    if loss in ("poisson", "gamma"):
        assert model.out_activation_ == "exp"
        assert (model.predict(X) > 0).all()
    assert np.abs(model.predict(X) - y).mean() < 0.5 * np.abs(np.median(y) - y).mean()


def test_several_targets_keep_their_order_and_units():
    X, y = problem(MLPRegressor)
    Y = np.column_stack([y, 1000 * X[:, 0] + 5, -y])
    model = MLPRegressor((30,), max_epochs=40, random_state=0).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    assert (r2_score(Y, model.predict(X), multioutput="raw_values") > 0.9).all()


def test_multilabel_is_learned_and_predicted_as_a_matrix():
    X, Y = make_multilabel_classification(400, 20, n_classes=4, random_state=0)
    model = MLPClassifier(random_state=0).fit(X, Y)
    assert model.out_activation_ == "logistic"
    assert model.predict(X).shape == Y.shape
    assert (model.predict(X) == Y).mean() > 0.9
    assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_weights_are_as_good_as_repetitions(kind):
    X, y = problem(kind)
    times = np.random.default_rng(0).integers(0, 3, len(X))
    common = {"batch_size": 10**6, "max_epochs": 50, "random_state": 0, "standardize": False}
    common["lr"] = 0.001  # what is held out to find one does not see which rows are copies
    weighted = kind((5,), **common).fit(X, y, sample_weight=times)
    repeated = kind((5,), **common).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=1e-6, atol=1e-8)


def test_class_weight_multiplies_sample_weight():
    X, y = problem(MLPClassifier)
    common = {"max_epochs": 3, "random_state": 0}
    one = MLPClassifier(class_weight={0: 3.0, 1: 1.0, 2: 0.5}, **common).fit(X, y)
    other = MLPClassifier(**common).fit(X, y, np.array([3.0, 1.0, 0.5])[y])
    assert_array_equal(one.coefs_[0], other.coefs_[0])


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_predictions_and_precision_do_not_depend_on_the_batch(kind, dtype):
    X, y = problem(kind)
    model = kind((20, 10), ["gelu", "softplus"], max_epochs=2, random_state=0)
    model.fit(X.astype(dtype), y)
    assert model.coefs_[0].dtype == dtype
    whole = model.predict(X.astype(dtype))
    rows = [model.predict(row[None].astype(dtype))[0] for row in X]
    assert_array_equal(whole, rows)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_an_int_makes_fits_equal_and_threads_do_not_matter(kind):
    X, y = problem(kind, rows=2000, features=60)
    common = {"dropout": 0.3, "input_dropout": 0.1, "max_epochs": 2, "batch_size": 250}
    models = [
        kind((200,), random_state=seed, n_threads=n, **common).fit(X, y)
        for seed, n in ((0, 1), (0, 3), (1, 1))
    ]
    assert_array_equal(models[0].coefs_[0], models[1].coefs_[0])
    assert not np.array_equal(models[0].coefs_[0], models[2].coefs_[0])


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_partial_fit_goes_on_to_the_bit_after_pickling(kind):
    X, y = problem(kind)
    extra = {"classes": [0, 1, 2]} if kind is MLPClassifier else {}
    model = kind((9,), "silu", optimizer=AdamW(lr=0.01), dropout=0.2, random_state=0)
    for _ in range(3):
        model.partial_fit(X, y, **extra)
    again = pickle.loads(pickle.dumps(model))
    for _ in range(3):
        model.partial_fit(X, y)
        again.partial_fit(X, y)
    assert_array_equal(model.coefs_[0], again.coefs_[0])
    assert model.loss_curve_.tolist() == again.loss_curve_.tolist()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_warm_start_goes_on_in_the_units_of_the_first_fit(kind):
    X, y = problem(kind)
    X = 100 * X + 50
    common = {"optimizer": SGD(lr=0.05, momentum=0.9), "schedule": None, "random_state": 0}
    once = kind((9,), "tanh", max_epochs=6, **common).fit(X, y)
    twice = kind((9,), "tanh", max_epochs=3, warm_start=True, **common).fit(X, y).fit(X, y)
    assert_allclose(twice.coefs_[1], once.coefs_[1], rtol=1e-9)
    assert twice.n_iter_ == 6


def test_dropout_regularises_and_is_gone_in_prediction():
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, train_size=300, random_state=0)
    plain = MLPClassifier((200,), random_state=0, max_epochs=30).fit(X, y)
    dropping = MLPClassifier((200,), dropout=0.5, random_state=0, max_epochs=30).fit(X, y)
    assert dropping.loss_ > 3 * plain.loss_
    losses = [log_loss(y_test, m.predict_proba(X_test)) for m in (dropping, plain)]
    assert losses[0] < losses[1]
    assert_array_equal(dropping.predict_proba(X_test), dropping.predict_proba(X_test))


def test_alpha_pulls_weights_to_zero_but_not_intercepts():
    X, y = problem(MLPRegressor)
    sizes = []
    for alpha in (0.0, 0.1, 1.0):
        model = MLPRegressor((9,), "tanh", alpha=alpha, random_state=0).fit(X, y + 100)
        sizes.append(sum(np.square(c).sum() for c in model.coefs_))
        assert model.predict(X).mean() == pytest.approx(100 + y.mean(), abs=0.5)
    assert sizes[2] < 0.05 * sizes[0]
    assert sizes[2] < sizes[1] < sizes[0]


def test_no_hidden_layer_is_a_linear_model():
    X, y = load_iris(return_X_y=True)
    common = {"lr": 0.01, "random_state": 0, "max_epochs": 20}
    mlp = MLPClassifier((), optimizer="adamw", standardize=False, **common).fit(X, y)
    linear = LinearClassifier("adamw", **common).fit(X, y)
    assert mlp.n_layers_ == 2
    assert accuracy_score(mlp.predict(X), linear.predict(X)) > 0.95


def friedman(return_X_y):
    X, y = make_friedman1(1500, noise=1.0, random_state=0)
    return X * np.r_[1, 100, 1000, np.ones(7)], y


@pytest.mark.parametrize(
    ("kind", "data", "least"),
    [(MLPClassifier, load_digits, 0.96), (MLPRegressor, friedman, 0.85)],
)
def test_defaults_do_well_on_data_as_they_are(kind, data, least):
    X, y = data(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    assert kind(random_state=0).fit(X, y).score(X_test, y_test) > least


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"hidden_layer_sizes": (10, 0)}, "hidden_layer_sizes must be whole numbers of at least 1"),
        ({"hidden_layer_sizes": (10, 2.5)}, "hidden_layer_sizes must be whole numbers"),
        ({"activation": "step"}, "activation must be one of identity"),
        ({"activation": ["relu", "tanh"]}, "activation must be one value, or one for each of 1"),
        ({"dropout": [0.1, 0.2]}, "dropout must be one value, or one for each of 1"),
        ({"dropout": [1.0]}, r"dropout must be .*\[0, 1\)"),
        ({"frozen_layers": [0, 1]}, "frozen_layers names all 2 layers"),
        ({"frozen_layers": [5]}, "frozen_layers must name layers from -2 to 1"),
        ({"groups": [{"match": "coef_7"}]}, r"groups\[0\].*fits no parameter"),
        ({"init": "zeros"}, "init"),
        ({"layer_lr_decay": 0.0}, "layer_lr_decay"),
    ],
)
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_unfit_parameters_are_refused_by_name(kind, params, message):
    X, y = problem(kind)
    with pytest.raises(ValueError, match=message):
        kind(**params).fit(X, y)


def test_losses_of_classes_are_refused_for_numbers():
    X, y = problem(MLPRegressor)
    with pytest.raises(ValueError, match="MLPRegressor: loss must be one of numbers"):
        MLPRegressor(loss="hinge").fit(X, y)
