"""Validation during fit: what is measured, when training stops, and which weights are kept."""

import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from fastlr import (
    SGD,
    AdamW,
    DivergenceWarning,
    InterruptionWarning,
    LinearClassifier,
    MLPClassifier,
    ReduceOnPlateau,
)
from fastlr.training import LinearEpoch, Stopping
from tests.estimators.test_linear_values import data

X, Y = data(3, rows=400)
X_VAL, Y_VAL = data(3, rows=150, seed=0)[0][::-1], data(3, rows=150, seed=3)[1]
NOISE = np.random.default_rng(5)
WEIGHT, WEIGHT_VAL = NOISE.uniform(0, 2, 400), NOISE.uniform(0, 2, 150)


def classifier(**kwargs):
    given = {"lr": 0.3, "schedule": None, "batch_size": 20, "random_state": 5, "max_epochs": 12}
    return LinearClassifier(kwargs.pop("optimizer", SGD(momentum=0.9)), **(given | kwargs))


class Snapshots:
    """Weights after each epoch, as `on_epoch` sees them."""

    def __init__(self):
        self.coefs, self.rows, self.losses, self.scores = [], [], [], []

    def __call__(self, model, row):
        self.coefs.append(model.coef_.copy())
        self.rows.append(row)
        self.losses.append(log_loss(Y_VAL, model.predict_proba(X_VAL), sample_weight=WEIGHT_VAL))
        self.scores.append(accuracy_score(Y_VAL, model.predict(X_VAL), sample_weight=WEIGHT_VAL))

    @property
    def best(self):
        return max(range(len(self.coefs)), key=lambda k: (self.scores[k], -self.losses[k]))


VALIDATION = {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": WEIGHT_VAL}


@pytest.mark.parametrize("average", [None, "ema"])
def test_validation_loss_and_score_are_those_of_the_weights_after_each_epoch(average):
    seen = Snapshots()
    model = classifier(optimizer=SGD(momentum=0.9, average=average, average_decay=0.9))
    model.fit(X, Y, **VALIDATION, on_epoch=seen)
    np.testing.assert_allclose(model.validation_loss_curve_, seen.losses, rtol=1e-10)
    np.testing.assert_allclose(model.validation_scores_, seen.scores, rtol=1e-12)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_loss_ == min(model.loss_curve_)
    history = model.history_
    np.testing.assert_array_equal(history["validation_loss"], model.validation_loss_curve_)
    for k, row in enumerate(seen.rows):
        np.testing.assert_equal(row, {name: history[name][k] for name in row})
    # Validation alone changes nothing of the training.
    plain = classifier(optimizer=SGD(momentum=0.9, average=average, average_decay=0.9)).fit(X, Y)
    np.testing.assert_array_equal(plain.coef_, model.coef_)
    assert plain.validation_scores_ is plain.validation_loss_curve_ is None
    assert plain.best_validation_score_ is None
    assert np.isnan(plain.history_["validation_score"]).all()


def test_gradient_norms_are_those_of_the_last_step():
    norms = []
    model = classifier(optimizer=SGD(), batch_size=400, shuffle=False, max_epochs=3)
    model.fit(X, Y, on_epoch=lambda m, row: norms.append(row["gradient_norm"]))
    coef, intercept = np.zeros((3, 6)), np.zeros(3)
    for norm in norms:
        z = X @ coef.T + intercept
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) - np.eye(3)[Y]
        grad, bias = p.T @ X / 400, p.mean(axis=0)
        assert norm == pytest.approx(np.sqrt((grad**2).sum() + (bias**2).sum()), rel=1e-10)
        coef, intercept = coef - 0.3 * grad, intercept - 0.3 * bias


def test_class_weights_count_in_the_validation_loss_and_not_in_the_score():
    factors = np.array([3.0, 1.0, 0.5])
    model = classifier(class_weight={0: 3.0, 2: 0.5}, max_epochs=2).fit(X, Y, **VALIDATION)
    expected = log_loss(
        Y_VAL, model.predict_proba(X_VAL), sample_weight=WEIGHT_VAL * factors[Y_VAL]
    )
    assert model.validation_loss_curve_[-1] == pytest.approx(expected, rel=1e-10)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X_VAL, Y_VAL, WEIGHT_VAL))


@pytest.mark.parametrize("tol", [None, 0.02])
@pytest.mark.parametrize("patience", [1, 3])
def test_it_stops_when_scores_do_not_improve_and_hands_out_the_best_weights(patience, tol):
    seen = Snapshots()
    model = classifier(max_epochs=60, early_stopping=True, n_iter_no_change=patience, tol=tol)
    model.fit(X, Y, **VALIDATION, on_epoch=seen)
    best, without, expected = -np.inf, 0, 60
    for epoch, score in enumerate(seen.scores, 1):
        without = without + 1 if score <= best + (tol or 0) else 0
        best = max(best, score)
        if without == patience:
            expected = epoch
            break
    assert model.n_iter_ == len(seen.coefs) == expected < 60
    assert seen.best < model.n_iter_ - 1
    np.testing.assert_array_equal(model.coef_, seen.coefs[seen.best])
    assert model.t_ == 20 * (seen.best + 1)


def test_training_goes_on_from_the_best_epoch_as_if_it_had_been_the_last():
    model = classifier(max_epochs=60, early_stopping=True, n_iter_no_change=2)
    best = Snapshots()
    model.fit(X, Y, **VALIDATION, on_epoch=best)
    short = classifier(max_epochs=best.best + 1).fit(X, Y)
    np.testing.assert_array_equal(model.coef_, short.coef_)
    # The order of rows is drawn anew; without shuffling the rest is the same to the bit.
    for each in (model, short):
        each.set_params(shuffle=False, early_stopping=False).partial_fit(X, Y)
    np.testing.assert_array_equal(model.coef_, short.coef_)
    assert model.t_ == short.t_


def test_rows_held_out_are_a_seeded_and_stratified_part():
    labels = np.array(["low", "mid", "high"])[np.where(np.arange(400) % 8 == 0, 2, Y % 2)]
    codes = np.unique(labels, return_inverse=True)[1]
    seed = np.random.RandomState(5).randint(2**31 - 1)
    train, rest = (
        np.sort(part)
        for part in train_test_split(
            np.arange(400), test_size=0.2, stratify=codes, random_state=seed
        )
    )
    np.testing.assert_allclose(np.bincount(codes[rest]), np.bincount(codes) / 5, atol=1)
    for options in ({}, {"batch_size": "auto"}, {"shuffle": False}):
        options |= {"early_stopping": True, "n_iter_no_change": 3, "max_epochs": 15}
        model = classifier(validation_fraction=0.2, **options).fit(X, labels, WEIGHT)
        said = classifier(**options).fit(
            X[train], labels[train], WEIGHT[train],
            X_val=X[rest], y_val=labels[rest], sample_weight_val=WEIGHT[rest],
        )  # fmt: skip
        np.testing.assert_allclose(model.coef_, said.coef_, rtol=1e-12)
        np.testing.assert_array_equal(model.validation_scores_, said.validation_scores_)


def test_small_data_that_are_whole_in_each_step_leave_the_rows_held_out_aside():
    model = classifier(early_stopping=True, batch_size="auto", max_epochs=2).fit(X[:100], Y[:100])
    changed = X[:100].copy()
    seed = np.random.RandomState(5).randint(2**31 - 1)
    _, rest = train_test_split(np.arange(100), test_size=0.1, stratify=Y[:100], random_state=seed)
    changed[rest] += 100
    other = classifier(early_stopping=True, batch_size="auto", max_epochs=2).fit(changed, Y[:100])
    np.testing.assert_array_equal(model.loss_curve_, other.loss_curve_)
    assert (model.validation_loss_curve_ != other.validation_loss_curve_).all()


def test_tol_alone_watches_the_training_loss():
    coefs = []
    model = classifier(optimizer=SGD(), lr=3.0, max_epochs=200, tol=1e-3, n_iter_no_change=3)
    model.fit(X, Y, on_epoch=lambda m, row: coefs.append(m.coef_.copy()))
    losses = model.loss_curve_
    assert 3 < model.n_iter_ < 200
    last = [losses[: k + 1].min() - 1e-3 < losses[k + 1] for k in range(len(losses) - 1)]
    assert last[-3:] == [True] * 3
    assert not any(all(last[k : k + 3]) for k in range(len(last) - 3))
    np.testing.assert_array_equal(model.coef_, coefs[losses.argmin()])
    assert losses.argmin() < model.n_iter_ - 1
    assert classifier(optimizer=SGD(), max_epochs=30).fit(X, Y).n_iter_ == 30


def test_plateau_schedule_watches_the_validation_loss():
    schedule = ReduceOnPlateau(patience=0, factor=0.5)
    model = classifier(optimizer=SGD(), lr=2.0, schedule=schedule, max_epochs=15)
    history = model.fit(X, Y, **VALIDATION).history_
    expected, best, rate = [], np.inf, 2.0
    for loss in history["validation_loss"]:
        expected.append(rate)
        if loss < best * (1 - 1e-4):
            best = loss
        else:
            rate /= 2
    np.testing.assert_allclose(history["lr"], expected, rtol=1e-12)
    other = classifier(optimizer=SGD(), lr=2.0, schedule=schedule, max_epochs=15).fit(X, Y)
    assert (other.history_["lr"] != history["lr"]).any()


def test_on_epoch_may_end_the_training():
    model = classifier().fit(X, Y, on_epoch=lambda m, row: row["epoch"] == 4)
    np.testing.assert_array_equal(model.coef_, classifier(max_epochs=4).fit(X, Y).coef_)
    assert model.n_iter_ == 4
    with pytest.raises(TypeError, match="on_epoch must be a callable or None, got 3"):
        classifier().fit(X, Y, on_epoch=3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": X_VAL}, "X_val and y_val must be given together"),
        ({"y_val": Y_VAL}, "X_val and y_val must be given together"),
        ({"sample_weight_val": WEIGHT_VAL}, "X_val and y_val must be given together"),
        ({"X_val": X_VAL[:, :3], "y_val": Y_VAL}, "X_val, y_val: .* 3 features"),
        ({"X_val": X_VAL, "y_val": Y_VAL + 1}, r"X_val, y_val: .*not among the classes.*\[3\]"),
        ({"X_val": X_VAL, "y_val": Y_VAL[:9]}, "X_val, y_val: .*inconsistent numbers"),
        (
            {"X_val": X_VAL, "y_val": Y_VAL, "sample_weight_val": -WEIGHT_VAL},
            "X_val, y_val: Negative values",
        ),
    ],
)
def test_unfit_validation_data_are_named(given, message):
    model = classifier(max_epochs=1).fit(X, Y)
    before = model.coef_.copy()
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, **given)
    np.testing.assert_array_equal(model.coef_, before)


def test_rows_that_cannot_be_held_out_in_proportion_are_refused():
    few = np.array([0, 1, 2] * 3 + [3])
    with pytest.raises(ValueError, match=r"validation_fraction=0\.1 cannot be held out of 10 rows"):
        classifier(early_stopping=True).fit(X[:10], few)


def test_divergence_and_ctrl_c_hand_out_the_best_weights_so_far(monkeypatch):
    run, calls = LinearEpoch.run, []
    coefs, options = Snapshots(), {"max_epochs": 30, "early_stopping": True, "n_iter_no_change": 30}
    classifier(**options | {"max_epochs": 9}).fit(X, Y, **VALIDATION, on_epoch=coefs)
    assert coefs.best < 8

    def stopped(self, *args):
        calls.append(0)
        result = run(self, *args)
        if len(calls) % 10 == 0:
            if error:
                raise error
            return result._replace(diverged_at=6)
        return result

    monkeypatch.setattr(LinearEpoch, "run", stopped)
    error = None
    with pytest.warns(DivergenceWarning) as caught:
        model = classifier(**options).fit(X, Y, **VALIDATION)
    np.testing.assert_array_equal(model.coef_, coefs.coefs[coefs.best])
    assert caught[0].message.step == 9 * 20 + 7
    assert model.n_iter_ == 9
    error = KeyboardInterrupt()
    said = rf"the best epoch, {coefs.best + 1}, are kept"
    with pytest.warns(InterruptionWarning, match=said):
        model = classifier(**options).fit(X, Y, **VALIDATION)
    np.testing.assert_array_equal(model.coef_, coefs.coefs[coefs.best])


def test_warm_start_goes_on_with_validation():
    options = {"early_stopping": True, "n_iter_no_change": 50, "warm_start": True}
    model = classifier(optimizer=AdamW(), lr=1e-3, max_epochs=3, **options)
    model.fit(X, Y).fit(X, Y)
    whole = classifier(optimizer=AdamW(), lr=1e-3, max_epochs=6, **options).fit(X, Y)
    np.testing.assert_array_equal(model.validation_loss_curve_, whole.validation_loss_curve_)


def test_holding_rows_out_does_not_copy_the_data():
    rows = np.random.default_rng(0).standard_normal((40_000, 100)).astype(np.float32)
    labels = (rows[:, 0] > 0).astype(int)
    model = LinearClassifier(max_epochs=1, early_stopping=True, validation_fraction=0.05)
    model.fit(rows[:1000], labels[:1000])
    tracemalloc.start()
    model.fit(rows, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3 * rows.nbytes


def test_a_value_that_is_no_number_is_no_improvement():
    stopping = Stopping(2)
    assert [stopping.observe(v) for v in (np.nan, 0.5, np.nan)] == [False, True, False]
    assert not stopping.stop
    stopping.observe(np.nan)
    assert stopping.stop


@pytest.mark.parametrize("kind", [LinearClassifier, MLPClassifier])
def test_a_schedule_stretched_over_the_run_is_played_to_its_end_before_a_stop(kind):
    X, y = load_digits(return_X_y=True)
    X = X[:600]
    model = kind(max_epochs=300, early_stopping=True, random_state=0).fit(X, y[:600])
    rates = model.history_["lr"]
    assert model.n_iter_ < 150
    fallen = np.flatnonzero(rates > rates[-1] * 100)
    assert len(fallen), rates
    since = int(np.argmax(rates))
    assert (np.diff(rates[since + 1 :]) <= 0).all()
    assert rates[-1] < 0.01 * rates.max()
    steady = kind(max_epochs=300, early_stopping=True, schedule=None, random_state=0)
    rates = steady.fit(X, y[:600]).history_["lr"]
    assert (rates == rates[0]).all()
