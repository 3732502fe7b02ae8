"""The displays: what they draw is what they were given, in scikit-learn's convention."""

from types import SimpleNamespace

import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier as SklearnMLP
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastlr import SGD, LinearClassifier, LinearRegressor, MLPClassifier, find_lr, plots
from fastlr.schedules import OneCycle, ReduceOnPlateau, Warmup
from fastlr.tuning import sweep

X, Y = load_iris(return_X_y=True)
EPOCHS = np.arange(1, 9)
FALLING = 2.0 ** -np.arange(8)


def diagnosis(verdict, **history):
    return SimpleNamespace(
        verdict=verdict,
        summary="A summary.",
        next_step="A step.",
        history={"epoch": EPOCHS, "loss": FALLING} | history,
    )


def swept():
    lr = np.array([1e-3, 1e-2, 1e-1, 1.0, 10.0])
    rows = [(c, f, e) for c in range(4) for f in range(2) for e in range(1, 3 if c == 0 else 5)]
    candidate, fold, epoch = np.array(rows).T
    return SimpleNamespace(
        candidates={
            "lr": lr,
            "weight_decay": np.zeros(5),
            "mean_score": np.array([0.5, 0.7, 0.9, 0.8, np.nan]),
            "std_score": np.array([0.1, 0.1, 0.05, 0.1, np.nan]),
            "dropped": np.array([True, False, False, False, False]),
            "diverged": np.array([False, False, False, False, True]),
            "rank": np.array([4, 3, 1, 2, 5]),
        },
        table={
            "candidate": candidate,
            "fold": fold,
            "epoch": epoch,
            "validation_loss": 1.0 / epoch + fold + candidate,
        },
    )


@pytest.fixture(scope="module")
def model():
    return MLPClassifier(
        (8,), lr=0.01, early_stopping=True, max_epochs=6, batch_size=32, random_state=0
    ).fit(X, Y)


DRAWN = {
    "history": lambda ax, model: plots.plot_history(model, ax=ax),
    "score": lambda ax, model: plots.plot_history(model, ax=ax, quantity="score"),
    "seconds": lambda ax, model: plots.plot_history(model.history_, ax=ax, quantity="seconds"),
    "schedule": lambda ax, model: plots.plot_schedule("onecycle", 50, 0.1, ax=ax),
    "run": lambda ax, model: plots.plot_schedule(model, ax=ax),
    "range test": lambda ax, model: plots.plot_lr_finder(model, X, Y, n_steps=40, ax=ax),
    "sweep": lambda ax, model: plots.plot_sweep(swept(), ax=ax),
    "curves": lambda ax, model: plots.plot_sweep(swept(), ax=ax, kind="curves"),
    "diagnosis": lambda ax, model: plots.plot_diagnosis(diagnosis("stuck"), ax=ax),
    "diagnosed": lambda ax, model: plots.plot_diagnosis(model, ax=ax),
}


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_display_draws_on_given_axes_or_on_new_ones_and_labels_them(draw, model):
    ax = matplotlib.figure.Figure().subplots()
    given = draw(ax, model)
    assert given.ax_ is ax
    assert given.figure_ is ax.figure
    assert not plt.get_fignums()
    new = draw(None, model)
    assert plt.get_fignums() == [new.figure_.number]
    for axes in new.figure_.axes:
        assert axes.get_ylabel()
    assert new.ax_.get_xlabel()
    assert type(new).__name__.endswith("Display")
    again = matplotlib.figure.Figure().subplots()
    assert new.plot(again) is new
    assert new.ax_ is again


def test_history_of_an_estimator_is_drawn_with_its_validation(model):
    display = plots.HistoryDisplay.from_estimator(make_pipeline(StandardScaler(), model))
    np.testing.assert_array_equal(display.line_.get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(
        display.validation_line_.get_ydata(), model.validation_loss_curve_
    )
    best = 1 + int(np.argmin(model.validation_loss_curve_))
    assert display.best_line_.get_xdata() == [best, best]
    assert display.ax_.get_ylabel() == "log-loss (nats)"
    score = plots.plot_history(model, quantity="score")
    assert score.ax_.get_ylabel() == "accuracy"
    np.testing.assert_array_equal(score.validation_line_.get_ydata(), model.validation_scores_)


def test_a_regressor_and_scikit_learns_network_have_histories_too():
    features, target = load_diabetes(return_X_y=True)
    ours = LinearRegressor(lr=0.01, max_epochs=3).fit(features, target)
    assert plots.plot_history(ours).ax_.get_ylabel() == "squared error loss (in units of training)"
    with pytest.warns(UserWarning, match="converge"):
        theirs = SklearnMLP((4,), max_iter=3, random_state=0).fit(X, Y)
    np.testing.assert_allclose(plots.plot_history(theirs).line_.get_ydata(), theirs.loss_curve_)


def test_wide_losses_get_a_logarithmic_axis_and_lost_ones_are_left_out():
    wide = plots.plot_history({"loss": [10.0, 1.0, 0.1]})
    assert wide.ax_.get_yscale() == "log"
    narrow = plots.plot_history({"loss": [1.0, 0.8, np.inf]})
    assert narrow.ax_.get_yscale() == "linear"
    np.testing.assert_array_equal(narrow.line_.get_ydata(), [1.0, 0.8, np.nan])


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: plots.plot_history({"loss": [1.0]}, quantity="norm"), ValueError, "quantity"),
        (lambda: plots.plot_history({"loss": [1.0]}, quantity="score"), ValueError, "'score'"),
        (lambda: plots.plot_history(LinearClassifier()), NotFittedError, "not fitted"),
        (lambda: plots.plot_history(DummyClassifier().fit(X, Y)), TypeError, "history_"),
        (lambda: plots.plot_schedule(DummyClassifier().fit(X, Y)), TypeError, "of fastlr"),
        (lambda: plots.plot_schedule("no such"), ValueError, "schedule must be one of"),
        (lambda: plots.plot_sweep(swept(), kind="bars"), ValueError, "kind must be"),
        (lambda: plots.SweepDisplay({"lr": [1]}).plot(kind="curves"), ValueError, "table"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, said):
    with pytest.raises(error, match=said):
        call()
    assert not plt.get_fignums()


RUNS = {
    "one-cycle": SGD(momentum=0.9, schedule=OneCycle()),
    "no momentum": SGD(schedule=Warmup(7, "cosine")),
    "plateau": SGD(schedule=ReduceOnPlateau(factor=0.5, patience=0, threshold=0.5)),
}


@pytest.mark.parametrize("optimizer", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("stopped", [False, True], ids=["whole run", "stopped early"])
def test_the_rates_of_a_run_are_those_that_were_recorded(optimizer, stopped):
    def stop(model, row):
        return stopped and row["epoch"] == 4

    model = LinearClassifier(optimizer, lr=0.1, max_epochs=9, batch_size=32, random_state=0)
    model.fit(X, Y, on_epoch=stop)
    display = plots.plot_schedule(model)
    per_epoch, epochs = 5, 4 if stopped else 9
    rates = display.line_.get_ydata()
    assert len(rates) == per_epoch * epochs
    np.testing.assert_allclose(rates[per_epoch - 1 :: per_epoch], model.history_["lr"], rtol=1e-12)
    if optimizer.momentum:
        momenta = display.momentum_line_.get_ydata()[per_epoch - 1 :: per_epoch]
        np.testing.assert_allclose(momenta, model.history_["momentum"], rtol=1e-12)
        assert display.momentum_ax_.get_ylabel() == "momentum"
    else:
        assert display.momentum_line_ is None


def test_rates_that_no_schedule_explains_are_shown_as_they_were_recorded():
    model = LinearClassifier("sgd", lr=0.1, schedule=None, batch_size=50, random_state=0)
    model.partial_fit(X, Y, classes=[0, 1, 2])
    model.set_params(lr=0.01).partial_fit(X, Y)
    rates = plots.plot_schedule(model).line_.get_ydata()
    recorded = model.history_["lr"]
    np.testing.assert_array_equal(rates, np.repeat(recorded, len(rates) // 2))
    np.testing.assert_allclose(recorded, [0.1, 0.01])


def test_a_range_test_shows_runs_and_finite_suggestions():
    test = find_lr(LinearClassifier(random_state=0), X, Y, n_steps=40, n_runs=2, method="edge")
    test.suggestions["valley"] = float("nan")
    display = plots.plot_lr_finder(test)
    for run, line in enumerate(display.lines_):
        rows = test.table["run"] == run
        np.testing.assert_array_equal(line.get_xdata(), test.table["lr"][rows])
        np.testing.assert_array_equal(line.get_ydata(), test.table["smoothed"][rows])
    assert sorted(display.suggestion_lines_) == ["edge", "minimum / 10", "steepest"]
    edge = display.suggestion_lines_["edge"]
    assert edge.get_xdata() == [test.suggestions["edge"]] * 2
    assert "(suggestion)" in edge.get_label()
    assert display.ax_.get_xscale() == "log"


def test_a_sweep_shows_scores_the_best_and_what_was_lost():
    display = plots.plot_sweep(swept(), score_name="accuracy")
    assert len(display.lines_) == 1
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [1e-2, 1e-1, 1.0])
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), [0.7, 0.9, 0.8])
    assert display.best_.get_xdata().tolist() == [0.1]
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert {"dropped early", "diverged", "best: 0.1"} <= set(labels)
    assert display.ax_.get_ylabel() == "accuracy"
    decays = swept()
    decays.candidates["weight_decay"] = np.array([0, 0, 0.1, 0.1, 0.1])
    assert len(plots.plot_sweep(decays).lines_) == 2


def test_a_sweep_of_an_estimator_is_what_the_sweep_found():
    model = LinearClassifier(max_epochs=2, random_state=0)
    rates = [0.001, 0.01, 0.1]
    found = sweep(model, X, Y, rates, cv=2)
    display = plots.plot_sweep(model, X, Y, lrs=rates, cv=2)
    np.testing.assert_array_equal(
        display.best_.get_ydata(), found.candidates["mean_score"][found.candidates["rank"] == 1]
    )
    assert display.ax_.get_ylabel() == "accuracy"
    np.testing.assert_array_equal(found.plot().best_.get_xdata(), display.best_.get_xdata())
    curves = found.plot(kind="curves")
    assert len(curves.lines_) == 3


def test_curves_are_means_over_folds_as_long_as_each_was_trained():
    display = plots.plot_sweep(swept(), kind="curves")
    assert [len(line.get_xdata()) for line in display.lines_] == [2, 4, 4, 4]
    assert display.lines_[-1] is display.best_
    np.testing.assert_allclose(
        display.best_.get_ydata(), [1 / epoch + 0.5 + 2 for epoch in range(1, 5)]
    )


def test_verdicts_are_marked_and_said():
    rising = 1 + 0.1 * np.abs(EPOCHS - 3)
    display = plots.plot_diagnosis(diagnosis("overfitting", validation_loss=rising))
    left, right = display.mark_.get_x(), display.mark_.get_x() + display.mark_.get_width()
    assert (left, right) == (3, 8)
    assert display.ax_.get_title(loc="left") == "overfitting"
    said = " ".join(text.get_text() for text in display.ax_.texts)
    assert "A summary." in said
    assert "Next: A step." in said
    assert display.constant_line_ is None
    known = diagnosis("stuck", constant_loss=np.full(8, 1.5))
    assert set(plots.plot_diagnosis(known).constant_line_.get_ydata()) == {1.5}
    zigzag = np.where(EPOCHS % 2, 1.0, 0.5)
    display = plots.plot_diagnosis(diagnosis("oscillating", loss=zigzag), words=False)
    assert not display.ax_.texts
    x, y = (np.reshape(column, (-1, 3)) for column in display.mark_.get_data())
    np.testing.assert_array_equal(x[:, 0], [2, 4, 6])
    assert (y[:, 1] > y[:, 0]).all()
    assert plots.plot_diagnosis(diagnosis("healthy")).mark_ is None
    assert plots.plot_diagnosis({"loss": [2.0, np.inf]}).ax_.get_title(loc="left") == "diverging"
    nothing = plots.plot_diagnosis(diagnosis("diverging", loss=np.full(8, np.nan)))
    assert nothing.history_display_ is None
    lost = diagnosis("diverging", loss=np.full(8, np.nan), validation_loss=FALLING)
    assert plots.plot_diagnosis(lost).mark_ is None
