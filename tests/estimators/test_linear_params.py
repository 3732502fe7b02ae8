"""What LinearClassifier's parameters mean, who wins when two say the same, and what is refused."""

import pickle
import re

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from fastlr import (
    SGD,
    AdamW,
    CosineAnnealing,
    DivergenceWarning,
    InterruptionWarning,
    LinearClassifier,
    OneCycle,
    StepDecay,
)
from fastlr.optimizers import Optimizer
from fastlr.training import LinearEpoch
from tests.estimators.test_linear_values import data

X, Y = data(3, rows=60)


def rates(optimizer, **kwargs):
    """Return the rate of each step of a short run."""
    given = {"batch_size": 60, "max_epochs": 4, **kwargs}
    return LinearClassifier(optimizer, **given).fit(X, Y).history_["lr"]


@pytest.mark.parametrize(
    ("optimizer", "lr", "expected"),
    [
        (SGD(lr=0.25), "auto", 0.25),  # an object that was given a rate keeps it
        ("adamw", 0.5, 0.5),  # a number wins over both
        (SGD(lr=0.25), 0.5, 0.5),
        (SGD(lr=0.25), 0, 0.0),
    ],
)
def test_lr(optimizer, lr, expected):
    np.testing.assert_allclose(rates(optimizer, lr=lr, schedule=None), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("own", "given", "expected"),
    [
        (None, "onecycle", OneCycle()),
        (None, "cosine", CosineAnnealing()),
        (None, StepDecay(2), StepDecay(2)),
        (None, None, None),
        (StepDecay(2), "onecycle", StepDecay(2)),  # left at the default: the optimizer's
        (StepDecay(2), None, StepDecay(2)),
        (StepDecay(2), StepDecay(2), StepDecay(2)),
        ("cosine", CosineAnnealing(), CosineAnnealing()),
    ],
)
def test_schedule(own, given, expected):
    got = rates(SGD(lr=0.5, schedule=own), schedule=given)
    simulated = np.full(4, 0.5) if expected is None else expected.simulate(4, lr=0.5).lr
    np.testing.assert_allclose(got, simulated, rtol=1e-12)


def test_two_different_schedules_contradict_each_other():
    with pytest.raises(ValueError, match="contradict each other; set one of them to None"):
        rates(SGD(schedule=StepDecay(2)), schedule="cosine")


def test_clip_norm_of_the_estimator_wins_over_the_optimizer():
    def moved(own, given):
        model = LinearClassifier(
            SGD(lr=1.0, clip_norm=own), schedule=None, batch_size=60, max_epochs=1, clip_norm=given
        ).fit(X, Y)
        return np.sqrt((model.coef_**2).sum() + (model.intercept_**2).sum())

    assert moved(0.02, None) == pytest.approx(0.02, rel=1e-4)
    assert moved(0.02, 0.01) == pytest.approx(0.01, rel=1e-3)
    assert moved(None, None) > 0.1


def test_the_users_optimizer_is_never_changed():
    optimizer = SGD(momentum=0.5)
    one = LinearClassifier(optimizer, lr=0.5, schedule="cosine", clip_norm=1.0).fit(X, Y)
    two = LinearClassifier(optimizer)
    two.set_params(optimizer__momentum=0.9)
    assert optimizer == SGD(momentum=0.5)
    assert one.optimizer is optimizer
    assert two.optimizer == SGD(momentum=0.9)


def test_set_params_reaches_into_objects_and_says_why_not_into_names():
    model = LinearClassifier(SGD(), schedule=StepDecay(5))
    model.set_params(optimizer__weight_decay=0.5, schedule__every=7, optimizer__lr=0.25, lr="auto")
    assert model.optimizer == SGD(lr=0.25, weight_decay=0.5)
    assert model.schedule == StepDecay(7)
    assert model.get_params()["optimizer__weight_decay"] == 0.5
    model.set_params(optimizer=AdamW(), optimizer__beta1=0.5)
    assert model.optimizer == AdamW(beta1=0.5)
    with pytest.raises(ValueError, match=r"optimizer__weight_decay: optimizer='adamw' has no"):
        LinearClassifier().set_params(optimizer__weight_decay=0.1)
    with pytest.raises(ValueError, match=re.escape("optimizer=AdamW(weight_decay=0.1)")):
        LinearClassifier().set_params(optimizer__weight_decay=0.1)
    with pytest.raises(ValueError, match="schedule__every: schedule=None has no parameters"):
        LinearClassifier(schedule=None).set_params(schedule__every=3)
    with pytest.raises(ValueError, match="SGD has no parameter 'beta1'"):
        LinearClassifier(SGD()).set_params(optimizer__beta1=0.5)
    for name in ("nonsense", "nonsense__lr"):
        with pytest.raises(ValueError, match="Invalid parameter 'nonsense' for estimator"):
            LinearClassifier().set_params(**{name: 1})
    assert model.set_params() is model


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"optimizer": "nonsense"}, "optimizer must be one of .*adamw.*, got 'nonsense'"),
        ({"optimizer": 3}, "'optimizer' parameter of LinearClassifier must be"),
        ({"lr": -1.0}, "'lr' parameter"),
        ({"lr": "fast"}, "'lr' parameter"),
        ({"lr": np.nan}, "'lr' parameter"),
        ({"schedule": "nonsense"}, "schedule must be one of .*onecycle.*, got 'nonsense'"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"batch_size": 2.5}, "'batch_size' parameter"),
        ({"max_epochs": 0}, "'max_epochs' parameter"),
        ({"clip_norm": 0.0}, "'clip_norm' parameter"),
        ({"class_weight": "even"}, "'class_weight' parameter"),
        ({"n_threads": 0}, "'n_threads' parameter"),
        ({"random_state": "x"}, "'random_state' parameter"),
    ],
)
def test_bad_parameters_are_named_and_leave_nothing_fitted(params, message):
    for train in (
        lambda m: m.fit(X, Y),
        lambda m: m.partial_fit(X, Y, classes=[0, 1, 2]),
    ):
        model = LinearClassifier(**params)
        with pytest.raises((ValueError, TypeError), match=message):
            train(model)
        with pytest.raises(NotFittedError):
            model.predict(X)
        with pytest.raises(NotFittedError):
            model.history_  # noqa: B018


def test_a_refused_refit_leaves_the_model_as_it_was():
    model = LinearClassifier(random_state=0).fit(X, Y)
    before, proba = model.coef_.copy(), model.predict_proba(X)
    model.set_params(schedule="nonsense")
    with pytest.raises(ValueError, match="schedule must be"):
        model.fit(X, Y > 1)
    np.testing.assert_array_equal(model.coef_, before)
    np.testing.assert_array_equal(model.predict_proba(X), proba)


@pytest.mark.parametrize(
    ("X_given", "y_given", "weight", "message"),
    [
        (X, np.zeros(60), None, "at least 2 classes in the data.*only one class: .*0.0"),
        (X, np.linspace(0, 1, 60), None, "Unknown label type"),
        (X, Y, -np.ones(60), "Negative values in data passed to `sample_weight`"),
        (X, Y, np.zeros(60), "at least one non-zero"),
        (X, Y, np.ones(59), "sample_weight.shape"),
        (np.where(X > 2, np.inf, X), Y, None, "infinity"),
        (X, None, None, "requires y to be passed"),
    ],
)
def test_bad_data_are_named(X_given, y_given, weight, message):
    with pytest.raises(ValueError, match=message):
        LinearClassifier().fit(X_given, y_given, sample_weight=weight)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1.0}, "class_weight must hold finite numbers, not negative"),
        ({0: np.nan}, "class_weight must hold finite numbers, not negative"),
        ({0: 0.0, 1: 0.0, 2: 0.0}, "class_weight leaves no row"),
    ],
)
def test_bad_class_weights_are_named(class_weight, message):
    with pytest.raises(ValueError, match=message):
        LinearClassifier(class_weight=class_weight).fit(X, Y)


def test_balanced_weights_need_all_data():
    with pytest.raises(ValueError, match="class_weight='balanced' is not available in partial_fit"):
        LinearClassifier(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


def exploding(dtype="float64"):
    """Rows that are small but for one, which overflows the weights at once."""
    rows = X.astype(dtype)
    rows[41] = np.finfo(dtype).max / 4
    return rows


def test_divergence_stops_fit_with_rate_and_step_and_the_weights_from_before():
    options = {"schedule": None, "batch_size": 10, "shuffle": False}
    model = LinearClassifier(SGD(lr=3.0), max_epochs=5, **options)
    with pytest.warns(DivergenceWarning) as caught:
        model.fit(exploding(), Y)
    assert issubclass(DivergenceWarning, ConvergenceWarning)
    message = str(caught[0].message)
    assert caught[0].message.lr == 3
    assert f"at step {caught[0].message.step} " in message
    assert "LinearClassifier diverged" in message
    assert "learning rate 3" in message
    assert re.search(r"at step \d\b", message)
    assert caught[0].filename == __file__
    assert np.isfinite(model.coef_).all()
    assert model.n_iter_ < 5
    assert len(model.loss_curve_) == model.n_iter_
    assert np.isfinite(model.predict_proba(X)).all()


def test_divergence_in_partial_fit_keeps_the_steps_before_it():
    options = {"schedule": None, "batch_size": 10, "shuffle": False, "random_state": 0}
    good = LinearClassifier(SGD(lr=3.0), **options).partial_fit(X, Y, classes=[0, 1, 2])
    kept = good.coef_.copy()
    rows = X.copy()
    rows[:10] = np.finfo(float).max / 4
    with pytest.warns(DivergenceWarning, match=r"at step 7 with learning rate 3\b") as caught:
        good.partial_fit(rows, Y)
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(good.coef_, kept)
    assert (good.t_, good.n_iter_) == (6, 1)
    good.partial_fit(X, Y)
    assert (good.t_, good.n_iter_) == (12, 2)
    with pytest.warns(DivergenceWarning) as caught:
        make_pipeline(StandardScaler(), LinearClassifier(lr=1e300, schedule=None)).fit(X, Y)
    assert caught[0].filename == __file__
    assert pickle.loads(pickle.dumps(caught[0].message)).lr == 1e300


def test_a_loss_that_overflows_ends_a_run_whose_optimizer_skips_too():
    """The second epoch overflows; what the first one has learnt is handed out, to the bit."""
    options = {"schedule": None, "batch_size": 10, "random_state": 0}
    once = LinearClassifier(SGD(lr=0.5), max_epochs=1, **options).fit(exploding(), Y)
    with pytest.warns(DivergenceWarning):
        model = LinearClassifier(SGD(lr=0.5, nonfinite="skip"), **options).fit(exploding(), Y)
    np.testing.assert_array_equal(model.coef_, once.coef_)
    assert (model.t_, model.n_iter_) == (once.t_, once.n_iter_) == (6, 1)


def test_ctrl_c_keeps_the_finished_epochs(monkeypatch):
    from fastlr.training import LinearEpoch

    run, calls = LinearEpoch.run, []

    def interrupted(self, *args):
        calls.append(args)
        result = run(self, *args)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return result

    options = {"lr": 0.01, "schedule": None, "batch_size": 10, "random_state": 0}
    expected = LinearClassifier(max_epochs=3, **options).fit(X, Y)
    monkeypatch.setattr(LinearEpoch, "run", interrupted)
    model = LinearClassifier(max_epochs=9, **options)
    with pytest.warns(
        InterruptionWarning, match="interrupted; .* last finished epoch, 3, are kept"
    ):
        model.fit(X, Y)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert (model.n_iter_, model.t_) == (3, 18)


def test_ctrl_c_in_the_callback_keeps_the_epoch_that_has_just_finished():
    def on_epoch(model, row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    options = {"lr": 0.01, "schedule": None, "batch_size": 10, "random_state": 0}
    expected = LinearClassifier(max_epochs=2, **options).fit(X, Y)
    model = LinearClassifier(max_epochs=9, **options)
    with pytest.warns(InterruptionWarning, match="last finished epoch, 2, are kept"):
        model.fit(X, Y, on_epoch=on_epoch)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert (model.n_iter_, model.t_) == (2, 12)


def test_errors_in_the_callback_are_not_swallowed():
    def on_epoch(model, row):
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        LinearClassifier(lr=0.01, max_epochs=9).fit(X, Y, on_epoch=on_epoch)


def test_an_error_in_training_leaves_attributes_that_fit_each_other(monkeypatch):
    def fail(*args):
        raise MemoryError

    model = LinearClassifier(lr=0.01, random_state=0).fit(X, Y)
    monkeypatch.setattr(LinearEpoch, "run", fail)
    with pytest.raises(MemoryError):
        model.fit(X, Y > 0)
    assert model.predict_proba(X).shape == (60, 2)
    assert len(model.loss_curve_) == model.n_iter_ == 0


class Plain(Optimizer):
    """Gradient descent, as a user would write it."""

    lr: float = 0.5

    def coefficients(self, t, lr):
        return {"rate": lr}

    @staticmethod
    def update(p, g, rate):
        p = p - rate * g
        return p


def test_a_users_own_rule_trains_like_a_built_in_one():
    options = {"lr": 0.5, "schedule": "cosine", "batch_size": 7, "random_state": 0}
    own = LinearClassifier(Plain(weight_decay=0.1), **options).fit(X, Y)
    built_in = LinearClassifier(SGD(lr=0.5, weight_decay=0.1), **options).fit(X, Y)
    np.testing.assert_array_equal(own.coef_, built_in.coef_)
    again = pickle.loads(pickle.dumps(own)).partial_fit(X, Y)
    np.testing.assert_array_equal(again.coef_, built_in.partial_fit(X, Y).coef_)


def test_verbose_prints_a_line_for_each_epoch(capsys):
    LinearClassifier(SGD(lr=0.5), schedule=None, max_epochs=2, verbose=1).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"LinearClassifier epoch 2: loss 0\.\d+, lr 0\.5, \S+ s", lines[1])
    LinearClassifier(max_epochs=2).fit(X, Y)
    assert capsys.readouterr().out == ""


def test_n_threads_changes_no_bit():
    wide, y = data(4, rows=30, features=30_000)
    one, two = (
        LinearClassifier(max_epochs=1, batch_size=10, n_threads=n, random_state=0).fit(wide, y)
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.coef_, two.coef_)


def test_n_threads_limits_blas_where_blas_does_the_products(monkeypatch):
    seen = []
    run = LinearEpoch.run

    def watch(self, *args):
        seen.append({p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"})
        return run(self, *args)

    monkeypatch.setattr(LinearEpoch, "run", watch)
    X = np.random.RandomState(0).normal(size=(400, 10))
    LinearClassifier(lr=0.01, max_epochs=1, n_threads=1).fit(X, np.arange(400) % 100)
    assert seen == [{1}]
