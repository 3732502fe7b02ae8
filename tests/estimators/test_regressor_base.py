"""What the base of the regressors does to targets, behind a linear model that can be read."""

import copy
import pickle
import threading

import numpy as np
import pytest

from fastlr import SGD, AdamW
from fastlr.estimators.bases.regressor import GradientRegressor
from fastlr.estimators.models.linear_model import LinearModel
from fastlr.losses import Huber, Poisson, SquaredError
from fastlr.training import EpochResult

RNG = np.random.default_rng(0)
SQUARES = SquaredError()
X = RNG.standard_normal((400, 5))
Y = X @ RNG.standard_normal((5, 3)) * [1.0, 1e4, 1e-3] + [0.0, 7e4, 5.0]
Y += RNG.standard_normal(Y.shape) * [0.1, 1e3, 1e-4]


class ReadableEpoch:
    """An engine in a few lines of NumPy."""

    uses_blas = False
    memory = ()  # of nothing but parameters and state

    def __init__(self, arena, updater, loss):
        self.arena, self.updater, self.loss = arena, updater, loss

    def forget(self):
        """Nothing was remembered."""

    def run(self, X, y, sample_weight=None, order=None, batch_size=128):
        order = np.arange(len(X)) if order is None else order
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        total = 0.0
        for step, start in enumerate(range(0, len(order), batch_size)):
            rows = order[start : start + batch_size]
            z = X[rows] @ self.arena.param["coef"].T + self.arena.param.get("intercept", 0)
            loss, d = self.loss.evaluate(z, y[rows], np.repeat(weight[rows, None], y.shape[1], 1))
            if not np.isfinite(loss):
                return EpochResult(total, weight.sum(), step, step)
            total += loss
            d /= len(rows)
            self.arena.grad["coef"][:] = d.T @ X[rows]
            if "intercept" in self.arena.grad:
                self.arena.grad["intercept"][:] = d.sum(axis=0)
            self.updater.step(self.arena.grad)
        return EpochResult(total, float(weight[order].sum()), step + 1, None)

    def evaluate_each(self, parts):
        return [self.loss_of(*part) for part in parts]

    def loss_of(self, X, y, sample_weight):
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        z = X @ self.arena.param["coef"].T + self.arena.param.get("intercept", 0)
        rows = np.repeat(weight[:, None], y.shape[1], 1)
        return self.loss.evaluate(z, y, rows)[0], weight.sum()


class Regressor(LinearModel, GradientRegressor):
    def __init__(
        self,
        optimizer="adamw",
        loss=SQUARES,
        lr=0.05,
        schedule="cosine",
        batch_size=20,
        max_epochs=20,
        tol=None,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        shuffle=True,
        fit_intercept=True,
        clip_norm=None,
        warm_start=False,
        random_state=0,
        verbose=0,
        n_threads=1,
    ):
        self.optimizer, self.loss, self.lr, self.schedule = optimizer, loss, lr, schedule
        self.batch_size, self.max_epochs, self.shuffle = batch_size, max_epochs, shuffle
        self.tol, self.early_stopping = tol, early_stopping
        self.validation_fraction, self.n_iter_no_change = validation_fraction, n_iter_no_change
        self.fit_intercept, self.clip_norm, self.warm_start = fit_intercept, clip_norm, warm_start
        self.random_state, self.verbose, self.n_threads = random_state, verbose, n_threads

    def _loss(self):
        return self.loss

    def _make_epoch(self, arena, updater, spec):
        assert spec.reduction == "each"
        return ReadableEpoch(arena, updater, spec.loss)


def least_squares(X, y, weight=None):
    rows = np.column_stack([X, np.ones(len(X))])
    root = np.ones(len(X)) if weight is None else np.sqrt(weight)
    return np.linalg.lstsq(rows * root[:, None], (y.T * root).T, rcond=None)[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_of_any_scale_reach_the_minimum_with_one_rate(dtype):
    model = Regressor().fit(X.astype(dtype), Y)
    best = least_squares(X, Y)
    for k in range(3):
        np.testing.assert_allclose(
            model.coef_[k], best[:5, k], rtol=0.02, atol=2e-2 * Y[:, k].std()
        )
    assert model.coef_.dtype == dtype
    predicted = model.predict(X.astype(dtype))
    assert predicted.shape == Y.shape
    assert (1 - ((predicted - Y) ** 2).mean(axis=0) / Y.var(axis=0) > 0.98).all()


def test_scaling_targets_scales_the_model_and_changes_nothing_else():
    y = Y[:, 0]
    one, other = Regressor().fit(X, y), Regressor().fit(X, 1e6 * y - 3e7)
    np.testing.assert_allclose(other.coef_, 1e6 * one.coef_, rtol=1e-8)
    np.testing.assert_allclose(other.loss_curve_, one.loss_curve_, rtol=1e-8)
    np.testing.assert_allclose(other.predict(X), 1e6 * one.predict(X) - 3e7, rtol=1e-8)


def test_mean_and_scale_are_weighted_and_none_without_an_intercept():
    weight = RNG.uniform(0, 2, len(X))
    model = Regressor().fit(X, Y, weight)
    mean = np.average(Y, axis=0, weights=weight)
    np.testing.assert_allclose(model._shift, mean, rtol=1e-12)
    spread = np.sqrt(np.average((Y - mean) ** 2, axis=0, weights=weight))
    np.testing.assert_allclose(model._scale, spread, rtol=1e-12)
    model = Regressor(fit_intercept=False).fit(X, Y)
    assert model.intercept_.tolist() == [0, 0, 0]
    np.testing.assert_allclose(model._scale, np.sqrt((Y**2).mean(axis=0)), rtol=1e-12)
    np.testing.assert_allclose(model.predict(X), X @ model.coef_.T, rtol=1e-12)


def test_thresholds_stay_in_the_units_of_y_and_outputs_share_a_scale():
    y = Y[:, 1]
    loss = Huber(delta=500.0)
    plain = np.zeros(6)
    rows = np.column_stack([X, np.ones(len(X))])
    for _ in range(3000):  # gradient descent on the loss as the user states it
        plain -= 0.3 * rows.T @ loss.evaluate(rows @ plain, y)[1] / len(X)
    model = Regressor(loss=loss, max_epochs=100).fit(X, y)
    np.testing.assert_allclose(model.coef_[0], plain[:5], rtol=0.02)
    assert np.abs(model.coef_[0] - least_squares(X, y)[:5]).max() > 20
    model = Regressor(loss=loss).fit(X, Y)
    assert len(set(model._scale.tolist())) == 1
    assert model.loss == Huber(delta=500.0)


def test_logarithmic_link_starts_at_the_mean_and_predicts_in_units_of_y():
    counts = RNG.poisson(np.exp(0.3 * X[:, 0] + 6)).astype(float)
    still = Regressor(loss=Poisson(), lr=0.0).fit(X, counts)
    np.testing.assert_allclose(still.predict(X), counts.mean(), rtol=1e-12)
    model = Regressor(loss=Poisson(), optimizer=AdamW(), lr=0.01).fit(X, counts)
    np.testing.assert_allclose(model.coef_[0], [0.3, 0, 0, 0, 0], atol=0.02)
    wide = Regressor(loss=Poisson(), optimizer="sgd", lr=0.1).fit(X, 1000 * counts)
    np.testing.assert_allclose(wide.coef_[0], [0.3, 0, 0, 0, 0], atol=0.02)
    np.testing.assert_allclose(wide.intercept_, 6 + np.log(1000), atol=0.02)
    no_intercept = Regressor(loss=Poisson(), fit_intercept=False).fit(X, np.exp(0.3 * X[:, 0]))
    np.testing.assert_allclose(no_intercept.coef_[0], [0.3, 0, 0, 0, 0], atol=0.02)
    with pytest.raises(ValueError, match=r"values of y in \[0, inf\)"):
        Regressor(loss=Poisson()).fit(X, -counts)


def test_constant_targets_are_predicted():
    model = Regressor().fit(X, np.full(400, 1e9))
    np.testing.assert_allclose(model.predict(X), 1e9, rtol=1e-12)
    assert np.isfinite(Regressor(loss=Huber()).fit(X, np.full(400, 3.0)).coef_).all()


@pytest.mark.parametrize("between", [lambda m: m, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("average", [None, "ema"])
def test_partial_fit_epochs_equal_fit(average, between):
    optimizer = AdamW(average=average)
    whole = Regressor(optimizer, schedule=None, max_epochs=6).fit(X, Y)
    model = Regressor(optimizer, schedule=None, max_epochs=2).fit(X, Y)
    for _ in range(4):
        model = between(model).partial_fit(X, Y)
    np.testing.assert_array_equal(model.coef_, whole.coef_)
    np.testing.assert_array_equal(model.intercept_, whole.intercept_)
    np.testing.assert_array_equal(model.loss_curve_, whole.loss_curve_)
    again = Regressor(optimizer, schedule=None, max_epochs=3, warm_start=True).fit(X, Y)
    np.testing.assert_array_equal(between(again).fit(X, Y).coef_, whole.coef_)


def test_warm_start_keeps_the_units_of_the_first_fit():
    model = Regressor(warm_start=True).fit(X, Y)
    scale = model._scale.copy()
    model.set_params(lr=0.0).fit(X, 2 * Y)
    np.testing.assert_array_equal(model._scale, scale)
    with pytest.raises(ValueError, match="warm_start: y must have the 3 outputs"):
        model.fit(X, Y[:, :2])


def test_attributes_that_the_user_puts_in_place_are_gone_on_from():
    model = Regressor(SGD(), lr=0.0, schedule=None).fit(X, Y)
    given = np.arange(15.0).reshape(3, 5) + 1
    for between in (copy.deepcopy, lambda m: m):
        model.coef_ = given.copy()
        model = between(model).partial_fit(X, Y)
        model.partial_fit(X[:1], Y[:1])
        model.intercept_ = np.array([1.0, 2.0, 3.0])
        model = between(model).partial_fit(X, Y)
        np.testing.assert_allclose(model.coef_, given, rtol=1e-12)
        np.testing.assert_allclose(model.intercept_, [1, 2, 3], rtol=1e-9)
    with pytest.raises(ValueError, match="read-only"):
        model.coef_[0] = 1


def test_attributes_are_worked_out_when_they_are_asked_for():
    model = Regressor().partial_fit(X, Y)
    before = model.coef_
    model.partial_fit(X, Y)
    assert vars(model)["coef_"] is before
    assert (model.coef_ != before).any()
    assert vars(model)["coef_"] is not before
    model.partial_fit(X, Y)
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    assert not hasattr(Regressor(), "coef_")


def test_shapes_of_y_are_checked_and_kept():
    model = Regressor(max_epochs=1)
    assert model.fit(X, Y[:, 0]).predict(X).shape == (400,)
    assert model.fit(X, Y[:, :1]).predict(X).shape == (400, 1)
    model = Regressor().partial_fit(X, Y)
    for y in (Y[:, 0], Y[:, :2]):
        with pytest.raises(ValueError, match=r"y must be of shape \(n, 3\)"):
            model.partial_fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(X, np.full_like(Y, np.nan))
    model.partial_fit(X, Y.astype(int))


@pytest.mark.parametrize("loss", [SQUARES, Huber(), Poisson()])
def test_validation_is_in_the_units_of_training_and_scores_in_those_of_y(loss):
    spread = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    y = {"Poisson": np.exp(spread / 3), "Huber": 7 * spread + 3}.get(type(loss).__name__, Y)
    weight, scores, losses = RNG.uniform(0, 2, 100), [], []
    train, rest = slice(0, 300), slice(300, 400)

    def on_epoch(model, row):
        scores.append(model.score(X[rest], y[rest], weight))
        t = model._known_targets()
        raw = (model.predict(X[rest]) - t.shift) / t.scale
        raw = np.log(raw) if t.log else raw
        rows = np.repeat(weight[:, None], 3, 1)
        target = t.encode(y[rest], np.float64)
        losses.append(model._training_loss(t)[0].evaluate(raw, target, rows)[0] / weight.sum())

    model = Regressor(loss=loss, early_stopping=True, max_epochs=6)
    model.fit(
        X[train], y[train], X_val=X[rest], y_val=y[rest], sample_weight_val=weight,
        on_epoch=on_epoch,
    )  # fmt: skip
    np.testing.assert_allclose(model.validation_scores_, scores, rtol=1e-9)
    np.testing.assert_allclose(model.validation_loss_curve_, losses, rtol=1e-9)
    assert model.best_validation_score_ == max(scores) or model.n_iter_ == 6
    held_out = Regressor(loss=loss, early_stopping=True, validation_fraction=0.3).fit(X, y)
    assert held_out.best_validation_score_ > 0.8
    assert model.score(X[rest], y[rest], weight) == pytest.approx(max(scores), rel=1e-9)


def test_one_row_cannot_be_scored():
    with pytest.raises(ValueError, match="validation needs at least 2 rows"):
        Regressor().fit(X, Y, X_val=X[:1], y_val=Y[:1])


def test_threads_that_predict_at_once_wait_for_the_attributes():
    model = Regressor().partial_fit(X, Y)
    for _ in range(20):
        model.partial_fit(X, Y)
        start, got = threading.Barrier(4), [None] * 4

        def work(i, start=start, got=got):
            start.wait()
            got[i] = model.predict(X)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expected = X @ model.coef_.T + model.intercept_
        for each in got:
            np.testing.assert_allclose(each, expected, rtol=1e-12, atol=1e-12)
