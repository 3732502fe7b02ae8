"""Strength of the penalty and length of training that `fit` finds by itself."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from fastlr import (
    LinearClassifier,
    LinearRegressor,
    MLPClassifier,
    MLPRegressor,
    find_lr,
    report,
)
from fastlr.diagnosis import diagnose
from fastlr.estimators.search import whole_runs
from fastlr.tuning import sweep

LINEAR = {"penalty": "l2"}
KINDS = [
    pytest.param(LinearClassifier, LINEAR, id="LinearClassifier"),
    pytest.param(LinearRegressor, LINEAR, id="LinearRegressor"),
    pytest.param(MLPClassifier, {"hidden_layer_sizes": (8,)}, id="MLPClassifier"),
    pytest.param(MLPRegressor, {"hidden_layer_sizes": (8,)}, id="MLPRegressor"),
]


def data(kind, n=60, n_features=20, noise=1.0, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.randn(n, n_features)
    z = X[:, :3].sum(axis=1) + noise * rng.randn(n)
    return X, (z > 0).astype(int) if "Classifier" in kind.__name__ else z


def bits(model):
    names = "coef_" if hasattr(model, "coef_") else "coefs_"
    found = getattr(model, names)
    return [a.tobytes() for a in (found if isinstance(found, list) else [found])]


@pytest.mark.parametrize("form", [np.asarray, csr_matrix, np.float32], ids=["f64", "csr", "f32"])
@pytest.mark.parametrize(("kind", "given"), KINDS)
def test_what_is_found_trains_to_the_bit_like_what_is_given(kind, given, form):
    X, y = data(kind)
    X = form(X)
    model = kind(alpha="auto", max_epochs="auto", random_state=1, **given).fit(X, y)
    other = kind(alpha=model.alpha_, max_epochs=model.n_epochs_, random_state=1, **given).fit(X, y)
    assert bits(model) == bits(other)
    assert (other.alpha_, other.n_epochs_) == (model.alpha_, model.n_epochs_)
    assert model.n_iter_ == model.n_epochs_
    again = clone(model).fit(X, y)
    assert bits(again) == bits(model)


@pytest.mark.parametrize("penalty", ["l2", "l1", "elasticnet"])
def test_few_rows_of_many_features_want_a_stronger_penalty_than_many_rows_of_few(penalty):
    strengths = {}
    for name, shape in {"few": (50, 200), "many": (3000, 5)}.items():
        X, y = data(LinearClassifier, *shape)
        model = LinearClassifier(penalty=penalty, alpha="auto", random_state=0).fit(X, y)
        strengths[name] = model.alpha_
    assert strengths["few"] >= 10 * strengths["many"]


def test_the_strength_found_predicts_better_where_a_model_over_fits():
    X, y = data(LinearRegressor, 60, 50)
    X_test, y_test = data(LinearRegressor, 2000, 50, seed=5)
    found = LinearRegressor(penalty="l2", alpha="auto", random_state=0).fit(X, y)
    without = LinearRegressor(random_state=0, max_epochs=50).fit(X, y)
    assert found.score(X_test, y_test) > without.score(X_test, y_test) + 0.02


@pytest.mark.parametrize(("kind", "given"), KINDS)
def test_training_is_longer_where_more_epochs_go_on_learning(kind, given):
    X, y = data(kind, 400, 5, noise=0.1)
    usual = kind().max_epochs
    slow = kind(max_epochs="auto", lr=1e-4, random_state=0, **given).fit(X, y)
    assert slow.n_epochs_ > usual
    assert slow.n_iter_ == slow.n_epochs_
    both = clone(slow).set_params(alpha="auto").fit(X, y)
    assert both.n_epochs_ > usual
    assert kind(random_state=0).fit(X, y).n_epochs_ == usual


def test_without_signal_training_is_not_longer():
    rng = np.random.RandomState(0)
    model = LinearRegressor(max_epochs="auto", random_state=0).fit(
        rng.randn(300, 5), rng.randn(300)
    )
    assert model.n_epochs_ == LinearRegressor().max_epochs


@pytest.mark.parametrize(("kind", "given"), KINDS)
def test_learning_goes_on_at_the_strength_found(kind, given):
    X, y = data(kind)
    model = kind(alpha="auto", random_state=1, **given).fit(X, y)
    found = model.alpha_
    other = pickle.loads(pickle.dumps(model))
    fixed = kind(alpha=found, random_state=1, **given).fit(X, y)
    for each in (model, other, fixed):
        each.partial_fit(X[:32], y[:32])
        assert each.alpha_ == found
    assert bits(model) == bits(other) == bits(fixed)


def test_a_stream_begins_at_the_usual_strength():
    X, y = data(LinearRegressor)
    models = [LinearRegressor(penalty="l2", alpha=a, random_state=0) for a in ("auto", 1e-4)]
    for model in models:
        model.partial_fit(X, y)
    assert bits(models[0]) == bits(models[1])
    models[0].fit_stream([(X, y)])
    assert np.isfinite(models[0].coef_).all()


def test_another_fit_looks_again_and_a_warm_start_does_not():
    few, many = data(LinearClassifier, 50, 50), data(LinearClassifier, 3000, 50)
    model = LinearClassifier(penalty="l2", alpha="auto", random_state=0).fit(*few)
    first = model.alpha_
    model.set_params(warm_start=True).fit(*many)
    assert model.alpha_ == first
    model.set_params(warm_start=False).fit(*many)
    fresh = LinearClassifier(penalty="l2", alpha="auto", random_state=0).fit(*many)
    assert model.alpha_ == fresh.alpha_ != first


def test_fewer_rows_than_can_be_judged_take_the_usual_values():
    X, y = data(LinearClassifier, 8, 2)
    model = LinearClassifier(penalty="l2", alpha="auto", max_epochs="auto").fit(X, y)
    assert (model.alpha_, model.n_epochs_) == (1e-4, 10)


def test_an_interrupted_search_leaves_the_model(monkeypatch):
    X, y = data(LinearClassifier)
    model = LinearClassifier(penalty="l2", alpha="auto", random_state=0).fit(X, y)
    before = model.alpha_, bits(model)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(whole_runs.WholeRuns, "losses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert (model.alpha_, bits(model)) == before


def test_searches_over_other_parameters_and_diagnoses_take_it():
    X, y = data(LinearClassifier)
    model = LinearClassifier(penalty="l2", alpha="auto", max_epochs="auto", random_state=0)
    search = GridSearchCV(model, {"l1_ratio": [0.0, 0.5]}, cv=2).fit(X, y)
    assert search.best_estimator_.alpha_ >= 0
    assert diagnose(search).verdict


@pytest.mark.parametrize("name", ["optimizer", "alpha", "max_epochs"])
def test_a_sweep_asks_for_a_value(name):
    X, y = data(LinearClassifier)
    with pytest.raises(ValueError, match=f"{name}='auto'"):
        sweep(LinearClassifier(penalty="l2", **{name: "auto"}), X, y, [0.1, 0.01])


def test_a_strength_to_be_found_needs_a_penalty():
    X, y = data(LinearClassifier)
    with pytest.raises(ValueError, match="penalty='l2'"):
        LinearClassifier(alpha="auto").fit(X, y)


def test_a_model_without_a_penalty_says_so():
    X, y = data(LinearClassifier)
    assert LinearClassifier().fit(X, y).alpha_ == 0
    assert LinearClassifier(penalty="l1", alpha=0.01).fit(X, y).alpha_ == 0.01


def test_what_is_found_is_told(capsys):
    X, y = data(LinearClassifier)
    model = LinearClassifier(penalty="l2", alpha="auto", random_state=0, verbose=1).fit(X, y)
    assert f"alpha {model.alpha_:.3g} and 10 epochs found" in capsys.readouterr().out


@pytest.mark.parametrize("near", [*whole_runs.DECADES, 3e-5, 1e-9, 20.0])
@pytest.mark.parametrize("best", [0.0, 1e-7, 1e-3, 1.0])
def test_a_search_for_a_strength_may_begin_anywhere(near, best):
    position = np.log10(max(best, 1e-8))

    def losses(alpha):
        return np.array([1.0, 1.1, 0.9]) * (1 + abs(np.log10(max(alpha, 1e-8)) - position))

    assert whole_runs.best_strength(losses, near) == best


@pytest.mark.parametrize("form", [np.asarray, csr_matrix, np.float32], ids=["f64", "csr", "f32"])
@pytest.mark.parametrize(("kind", "given"), KINDS)
def test_an_optimizer_found_trains_to_the_bit_like_the_same_one_given(kind, given, form):
    X, y = data(kind, 40, 4)
    X = form(X)
    settings = {"max_epochs": 2, "random_state": 1, **given}
    model = kind(optimizer="auto", **settings).fit(X, y)
    other = kind(optimizer=model.optimizer_, **settings).fit(X, y)
    assert bits(model) == bits(other)
    assert repr(other.optimizer_) == repr(model.optimizer_)
    assert bits(clone(model).fit(X, y)) == bits(model)
    for each in (model, other, again := pickle.loads(pickle.dumps(model))):
        each.partial_fit(X[:16], y[:16])
    assert bits(model) == bits(other) == bits(again)


@pytest.mark.parametrize(("kind", "given"), KINDS)
@pytest.mark.parametrize("best", whole_runs.RULES)
def test_the_optimizer_with_the_least_loss_is_kept(kind, given, best, monkeypatch):
    X, y = data(kind, 40, 4)
    groups = np.array([1.0, 1.1, 0.9])

    def losses(_, choice):
        return groups * (0.5 if choice.optimizer == whole_runs.RULES[best] else 1.0)

    monkeypatch.setattr(whole_runs.WholeRuns, "losses", losses)
    model = kind(optimizer="auto", max_epochs=2, random_state=0, **given).fit(X, y)
    name = type(model.__fastlr_facts__().optimizer).__name__
    assert name.lower() == best
    assert name in model.__fastlr_facts__().label
    assert diagnose(model).verdict
    assert model.get_params()["optimizer"] == "auto"


@pytest.mark.parametrize(("kind", "given"), KINDS)
def test_a_stream_begins_with_the_usual_optimizer(kind, given):
    X, y = data(kind, 40, 4)
    models = [kind(optimizer=rule, random_state=0, **given) for rule in ("auto", "adamw")]
    for model in models:
        model.fit_stream(
            [(X, y)], **({"classes": [0, 1]} if hasattr(model, "predict_proba") else {})
        )
    assert bits(models[0]) == bits(models[1])


def test_an_optimizer_found_is_told(monkeypatch, tmp_path, capsys):
    X, y = data(LinearClassifier)
    only = {"sgd": whole_runs.RULES["sgd"]}
    monkeypatch.setattr(whole_runs, "RULES", only)
    model = LinearClassifier(optimizer="auto", max_epochs=2, random_state=0, verbose=1).fit(X, y)
    assert "optimizer SGD(momentum=0.9), alpha 0 and 2 epochs found" in capsys.readouterr().out
    path = report(model, tmp_path / "run.html")
    assert "optimizer SGD(momentum=0.9) (found by fit)" in Path(path).read_text()
    model.optimizer_.set_params(momentum=0.5)
    assert only["sgd"].momentum == 0.9


def test_optimizers_are_compared_at_rates_of_their_own():
    X, y = data(LinearClassifier)
    with pytest.raises(ValueError, match=r"optimizer='auto'.*lr must be 'auto', got 0.1"):
        LinearClassifier(optimizer="auto", lr=0.1).fit(X, y)
    with pytest.raises(ValueError, match="optimizer='auto'"):
        find_lr(LinearClassifier(optimizer="auto"), X, y)
    search = GridSearchCV(
        LinearClassifier(max_epochs=2, random_state=0), {"optimizer": ["auto", "adam"]}, cv=2
    ).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
