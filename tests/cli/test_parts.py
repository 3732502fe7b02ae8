"""Parts of the command line that the commands' own output does not show: timing, display, text."""

import io
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

import fastlr
from fastlr import DivergenceWarning, InterruptionWarning, LinearClassifier
from fastlr.cli.commands.info import info_lines
from fastlr.cli.errors import DivergedError
from fastlr.cli.files.prepare import Split, split
from fastlr.cli.files.raw import Raw, Reading
from fastlr.cli.files.task import task
from fastlr.cli.race import race as race_module
from fastlr.cli.race.comparison import footnotes, records, table
from fastlr.cli.race.race import Result, race, shown_time
from fastlr.cli.screen import progress as progress_module
from fastlr.cli.screen.output import print_json, print_next
from fastlr.cli.screen.progress import Progress
from fastlr.plots import Run, training_figure


class Told(ClassifierMixin, BaseEstimator):
    """Says 80 % for class 1, and what it was told to say while fitting."""

    def __init__(self, order, name, warning=None, category=ConvergenceWarning):
        self.order = order
        self.name = name
        self.warning = warning
        self.category = category

    def __sklearn_clone__(self):
        return Told(self.order, self.name, self.warning, self.category)

    def fit(self, X, y):
        self.order.append(self.name)
        if self.warning:
            warnings.warn(self.warning, self.category, stacklevel=1)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.ones(len(X), dtype=int)

    def predict_proba(self, X):
        return np.tile([0.2, 0.8], (len(X), 1))


X4 = np.zeros((4, 1))
SPLIT = Split(None, X4, X4, np.array([0, 1, 0, 1]), np.array([1, 1, 1, 0]), "classification")


def silent():
    return Progress(Console(file=io.StringIO()))


def test_models_take_turns_and_are_scored_on_the_test_rows():
    order = []
    models = {name: Told(order, name) for name in ("LinearClassifier", "b")}
    with silent() as shown:
        results = race("d", SPLIT, models, shown, max_fits=3)
    assert order == ["LinearClassifier", "b"] * 3
    assert [r.fits for r in results] == [3, 3]
    assert results[1].score == 0.75
    np.testing.assert_allclose(results[1].loss, -(3 * np.log(0.8) + np.log(0.2)) / 4)
    np.testing.assert_allclose(results[1].train_loss, -(np.log(0.8) + np.log(0.2)) / 2)


def test_slow_models_are_fitted_only_as_often_as_asked(monkeypatch):
    monkeypatch.setattr(race_module, "BUDGET", 0.0)
    order = []
    with silent() as shown:
        race("d", SPLIT, {"LinearClassifier": Told(order, "a")}, shown)
        assert len(order) == 1
        race("d", SPLIT, {"LinearClassifier": Told(order, "a")}, shown, min_fits=3)
    assert len(order) == 4


def test_what_models_warn_of_becomes_a_footnote():
    models = {
        "LinearClassifier": Told([], "a", "will be removed", FutureWarning),
        "b": Told([], "b", "lbfgs failed\nto converge"),
    }
    with silent() as shown:
        results = {"data": race("data", SPLIT, models, shown, max_fits=2)}
    assert footnotes(results) == ["* data, b: stopped before it converged"]
    assert records(results)[1]["warnings"] == ["stopped before it converged"]


def test_divergence_and_interruption_end_the_race():
    def fit(message, category):
        with silent() as shown:
            race("", SPLIT, {"LinearClassifier": Told([], "a", message, category)}, shown)

    with pytest.raises(DivergedError, match="learning rate 9"):
        fit("LinearClassifier diverged: ... learning rate 9", DivergenceWarning)
    with pytest.raises(KeyboardInterrupt):
        fit("LinearClassifier: training was interrupted; ...", InterruptionWarning)


def test_the_table_fits_80_columns_and_gives_ratios_of_time():
    rows = [
        Result("LinearClassifier", None, 0.02, 5, 0.9, 0.1, 0.1, 0.01),
        Result("SGDClassifier", None, 0.5, 5, 1.0, 1.2, 1.0, "optimal"),
        Result("LogisticRegression", None, 0.01, 5, 0.8, 0.2, 0.1, None, ["w"]),
    ]
    results = {"breast cancer": rows}
    assert [r["time_ratio"] for r in records(results)] == [1.0, 25.0, 0.5]
    out = io.StringIO()
    Console(file=out, width=80).print(table(results | {"digits": rows}))
    text = out.getvalue()
    assert "…" not in text
    row = " ".join(text.splitlines()[4].split())
    assert row == "LogisticRegression* 10 ms 80.00% 0.2000 - 0.50"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(9.996e-4, "1 ms"), (0.0999, "100 ms"), (0.9994, "999 ms"), (0.9996, "1 s"), (99.6, "100 s")],
)
def test_times_are_rounded_without_jumps(seconds, shown):
    assert shown_time(seconds) == shown


def test_plain_progress_is_sparse_and_a_terminal_gets_bars(monkeypatch):
    out = io.StringIO()
    with Progress(Console(file=out)) as shown:
        shown.start("m")
        for k in range(100):
            shown.update("m", k / 100, f"epoch {k}")
        shown.finish("m", "12 ms")
    assert out.getvalue() == "m: 12 ms\n"
    monkeypatch.setattr(progress_module, "PLAIN_INTERVAL", 0.0)
    out = io.StringIO()
    with Progress(Console(file=out)) as shown:
        shown.start("m")
        shown.update("m", None, "epoch 1")
    assert out.getvalue() == "m: epoch 1\n"
    out = io.StringIO()
    with Progress(Console(file=out, force_terminal=True, width=80)) as shown:
        shown.start("m")
        shown.update("m", None, "fit 1")
        shown.finish("m", "12 ms")
    assert "━" in out.getvalue()
    assert "12 ms" in out.getvalue()


def test_epochs_are_shown(monkeypatch):
    monkeypatch.setattr(progress_module, "PLAIN_INTERVAL", 0.0)
    out = io.StringIO()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = (X[:, 0] > 0).astype(int)
    with Progress(Console(file=out)) as shown:
        model = LinearClassifier(max_epochs=4, random_state=0)
        data = Split(None, X, X, y, y, "classification")
        [result] = race("", data, {"LinearClassifier": model}, shown, max_fits=1)
    for epoch, loss in enumerate(result.estimator.loss_curve_, 1):
        assert f"LinearClassifier: epoch {epoch}/4, loss {loss:.4f}" in out.getvalue()
    assert result.rate == result.estimator.lr_


def test_pandas_na_and_number_categories_are_encoded():
    frame = pd.DataFrame(
        {
            "text": pd.array(["a", "b", None, "a"] * 10, dtype="string"),
            "code": pd.Categorical([1, 2, None, 1] * 10),
            "y": [0, 1] * 20,
        }
    )
    data = task(Raw(frame=frame), "y", (), Reading())
    assert data.categorical == ["text", "code"]
    assert data.notes == ["column 'text': NA became None; replace it in rows to predict too"]
    assert split(data, 0.25, 0).X_train.shape == (30, 3 + 3)


def test_info_says_what_is_missing():
    lines = info_lines(
        {
            "cython": False,
            "isa": None,
            "isas_built": [],
            "isas_supported": [],
            "stepper": "python",
            "numba": "0.61",
            "numba_cuda": None,
            "cuda_device": None,
            "distribution": None,
            "missing": ["No compiler worked."],
        }
    )
    assert lines[-1] == "Note: No compiler worked."
    (optimizers,) = (line for line in lines if line.startswith("optimizers"))
    assert optimizers.replace(",", " ").split().count("adamw") == 1
    assert any("onecycle" in line for line in lines if line.startswith("schedules"))
    assert any(line.split() == ["Cython", "kernels", "not", "built"] for line in lines)


def test_the_figure_holds_the_runs():
    lr = np.array([0.1, 0.2, 0.1, 0.0])
    momentum = np.array([0.95, 0.85, 0.9, 0.95])
    runs = [
        Run("one", [0.9, 0.3], lr, momentum, {"peer": 0.2}, "beta1"),
        Run("two", [0.5, 0.1], 2 * lr, momentum),
    ]
    figure = training_figure(runs, "title")
    one, two, rates, momenta = figure.axes
    assert one.get_title() == "one: training loss"
    assert one.lines[0].get_ydata().tolist() == [0.9, 0.3]
    assert one.lines[0].get_xdata().tolist() == [1, 2]
    assert one.lines[1].get_ydata()[0] == 0.2
    assert len(two.lines) == 1
    assert rates.lines[1].get_ydata().tolist() == (2 * lr).tolist()
    assert rates.lines[0].get_xdata().tolist() == [0.5, 1.0, 1.5, 2.0]
    assert momenta.lines[0].get_ydata().tolist() == momentum.tolist()
    assert momenta.get_ylabel() == "beta1"
    without = training_figure([Run("one", [0.0], lr)])
    assert [axes.get_title() for axes in without.axes] == ["one: training loss", "Learning rate"]
    assert without.axes[0].get_yscale() == "linear"
    without.savefig(io.BytesIO())
    with pytest.raises(ValueError, match="runs must hold at least one Run"):
        training_figure([])


def test_json_has_null_for_what_is_not_finite(capsys):
    record = {"a": np.array([1.0, np.nan]), "b": {"c": (np.float64(np.inf), 2, "x", None)}}
    print_json(record)
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "version": fastlr.__version__,
        "a": [1.0, None],
        "b": {"c": [None, 2, "x", None]},
    }


def test_no_command_is_named_for_a_rate_that_was_not_found(capsys):
    print_next(Path("my data.csv"), "a b", "sgd", 0.05)
    print_next(Path("d.csv"), None, "sgd", np.nan)
    assert capsys.readouterr().out == (
        "train with it: fastlr fit 'my data.csv' --optimizer sgd --lr 0.05 --target 'a b'\n"
        "no rate was found\n"
    )
