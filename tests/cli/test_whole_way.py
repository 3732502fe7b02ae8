"""From a file to predictions: regression, networks, dates, sparse rows, pipes, ONNX."""

import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_diabetes, load_iris
from typer.testing import CliRunner

from fastlr import load_model
from fastlr.cli.app import app
from fastlr.cli.errors import InputError
from fastlr.cli.files.target import is_quantity, numbers


def run(*args, code=0, given=None):
    result = CliRunner().invoke(app, [str(a) for a in args], input=given)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def fit(*args):
    return json.loads(run("fit", *args, "--json", "--no-compare", "--force").stdout)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def diabetes(here):
    frame = load_diabetes(as_frame=True).frame
    frame.to_csv("diabetes.csv", index=False)
    return frame


@pytest.fixture
def iris(here):
    frame = load_iris(as_frame=True).frame
    frame["target"] = np.array(["setosa", "versicolor", "virginica"])[frame["target"]]
    frame.to_csv("iris.csv", index=False)
    return frame


@pytest.mark.parametrize(("model", "r2"), [("linear", 0.35), ("mlp", 0.15)])
def test_a_quantity_is_predicted_by_a_regressor(diabetes, model, r2):
    out = fit("diabetes.csv", "-t", "target", "--model", model)
    assert out["task"] == "regression"
    assert out["results"][0]["r2"] > r2
    assert abs(out["baseline"]["r2"]) < 0.05
    assert out["results"][0]["rmse"] < 0.95 * out["baseline"]["rmse"]
    saved = load_model("diabetes.skops")
    assert type(saved[-1]).__name__ == {"linear": "LinearRegressor", "mlp": "MLPRegressor"}[model]
    assert saved.score(diabetes.drop(columns="target"), diabetes["target"]) > r2


def test_a_regressor_is_compared_with_scikit_learns_and_with_a_constant(diabetes):
    said = run("fit", "diabetes.csv", "-t", "target", "--picture", "run.svg").stdout
    for words in (
        "LinearRegressor",
        "SGDRegressor",
        "Ridge",
        "R2",
        "RMSE",
        "a quantity from 25 to",
    ):
        assert words in said
    assert "a constant prediction: R2 -" in said
    assert max(len(line) for line in said.splitlines() if not line.startswith("    ")) <= 80


def test_options_of_networks_reach_the_model(iris):
    more = ("--set", "dropout=0.1", "--set", "activation=tanh", "--early-stopping")
    fit("iris.csv", "-t", "target", "--model", "mlp", "--hidden", "16,8", *more)
    model = load_model("iris.skops")[-1]
    assert model.hidden_layer_sizes == (16, 8)
    assert model.early_stopping
    assert (model.dropout, model.activation) == (0.1, "tanh")


def test_the_saved_model_has_seen_all_rows_unless_told_otherwise(iris):
    whole, part = (fit("iris.csv", "-t", "target", *more) for more in ((), ("--no-refit",)))
    assert (whole["refit"], part["refit"]) == (True, False)
    counts = []
    for more in ((), ("--no-refit",)):
        fit("iris.csv", "-t", "target", *more)
        prepare = load_model("iris.skops")[0]
        counts.append(prepare.named_transformers_["numbers"][-1].n_samples_seen_)
    assert counts == [150, 112]


def test_predictions_of_a_saved_model_are_those_of_the_estimator(iris):
    fit("iris.csv", "-t", "target")
    model = load_model("iris.skops")
    expected = model.predict_proba(iris)
    text = run("predict", "iris.skops", "iris.csv", "--proba").stdout
    found = pd.read_csv(io.StringIO(text))
    assert found["prediction"].tolist() == model.predict(iris).tolist()
    names = [f"probability_{name}" for name in model.classes_]
    np.testing.assert_allclose(found[names].to_numpy(), expected, rtol=1e-12)
    shuffled = iris.drop(columns="target")[iris.columns[3::-1]]
    shuffled.to_parquet("new.parquet")
    said = run("predict", "iris.skops", "new.parquet", "-o", "answers.parquet").stdout
    assert said == "150 predictions written to answers.parquet\n"
    answers = pd.read_parquet("answers.parquet")
    assert answers["prediction"].tolist() == found["prediction"].tolist()
    record = json.loads(run("predict", "iris.skops", "new.parquet", "--json").stdout)
    assert record["predictions"]["prediction"] == found["prediction"].tolist()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["none.skops", "iris.csv"], "MODEL: there is no file 'none.skops'"),
        (["iris.skops", "none.csv"], "FILE: there is no file 'none.csv'"),
        (["iris.skops", "iris.csv", "-o", "a.txt"], "--output: 'a.txt' must end in .csv or"),
        (["iris.skops", "short.csv"], "lacks columns that the model takes: petal width (cm)"),
        (["iris.skops", "iris.csv", "-o", "iris.csv"], "already exists; --force"),
    ],
)
def test_what_cannot_be_predicted_is_said_in_one_line(iris, args, said):
    fit("iris.csv", "-t", "target")
    iris.drop(columns="petal width (cm)").to_csv("short.csv", index=False)
    result = run("predict", *args, code=2)
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_probabilities_that_a_model_lacks_are_refused(diabetes):
    fit("diabetes.csv", "-t", "target")
    assert (
        "--proba: the model has no"
        in run("predict", "diabetes.skops", "diabetes.csv", "--proba", code=2).stderr
    )


def test_dates_are_taken_apart_and_help(here):
    rng = np.random.default_rng(0)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700 * 24, 600), unit="h")
    weekend = (when.day_of_week >= 5).astype(int)
    frame = pd.DataFrame({"when": when, "noise": rng.normal(size=600), "busy": weekend})
    frame.to_parquet("visits.parquet")
    frame.to_csv("visits.csv", index=False)
    for name in ("visits.parquet", "visits.csv"):
        out = fit(name, "-t", "busy", "--model", "mlp", "--max-epochs", 60)
        assert any(note.startswith("column 'when' holds dates: taken") for note in out["notes"])
        assert out["results"][0]["accuracy"] > 0.9
        found = json.loads(run("predict", "visits.skops", name, "--json").stdout)
        assert np.mean(found["predictions"]["prediction"] == frame["busy"]) > 0.9


def test_sparse_rows_stay_sparse_where_a_dense_matrix_would_not_fit(here):
    rng = np.random.default_rng(0)
    X = sparse.random(400, 200_000, density=2e-5, format="csr", random_state=0)
    y = rng.integers(0, 2, 400)
    X = sparse.hstack([X, sparse.csr_matrix(y[:, None] * 2.0)]).tocsr()
    dump_svmlight_file(X, y, "wide.svm")
    out = fit("wide.svm", "--max-gb", "0.1")
    assert out["results"][0]["accuracy"] > 0.9
    found = json.loads(run("predict", "wide.skops", "wide.svm", "--json").stdout)
    assert np.mean(found["predictions"]["prediction"] == y) > 0.9


def test_rows_come_through_stdin(iris):
    text = iris.to_csv(index=False)
    out = json.loads(
        run(
            "fit", "-", "-t", "target", "-o", "m.skops", "--json", "--no-compare", given=text
        ).stdout
    )
    assert out["results"][0]["accuracy"] > 0.85
    found = pd.read_csv(io.StringIO(run("predict", "m.skops", "-", given=text).stdout))
    assert np.mean(found["prediction"] == iris["target"]) > 0.85


def test_a_pipe_is_read_and_a_closed_one_is_no_traceback(iris):
    fit("iris.csv", "-t", "target")
    here = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    command = f"cat iris.csv | {sys.executable} -m fastlr predict iris.skops /dev/stdin | head -2"
    done = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": here},
        check=True,
    )
    assert done.stdout.splitlines()[0] == "prediction"
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    not (find_spec("skl2onnx") and find_spec("onnxruntime")), reason="needs skl2onnx, onnxruntime"
)
def test_a_graph_answers_as_the_saved_model_does(iris):
    import onnxruntime

    iris["bloom"] = np.where(iris["petal length (cm)"] > 2, "late", "early")
    iris.to_csv("iris.csv", index=False)
    fit("iris.csv", "-t", "target")
    said = run("export", "iris.skops").stdout
    assert said.startswith("Graph written to iris.onnx\n")
    assert "bloom (string)" in said
    session = onnxruntime.InferenceSession("iris.onnx")
    columns = iris.drop(columns="target")
    feeds = {
        given.name: columns[name].to_numpy(dtype=object if name == "bloom" else np.float32)[:, None]
        for given, name in zip(session.get_inputs(), columns, strict=True)
    }
    assert all(f"{name} (" in said for name in feeds)
    model = load_model("iris.skops")
    assert session.run(None, feeds)[0].tolist() == model.predict(iris).tolist()


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.array([0, 1, 2] * 9), False),
        (np.array([0.0, 1.0] * 9), False),
        (np.array([0.5, 1.0] * 9), True),
        (np.array([True, False]), False),
        (np.array(["a", "b"]), False),
        (np.arange(40) ** 2, True),
        (np.repeat(np.arange(30), 50), False),
        (np.append(np.repeat(np.arange(30), 50), 99), True),  # counts: a class with a single row
        (np.array([1.5, None, 2.5], dtype=object)[[0, 2]], True),
        (np.array([10**30, 1, 2], dtype=object), True),
    ],
)
def test_quantities_are_told_from_classes(y, expected):
    assert is_quantity(y) is expected


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.array([1.0, np.inf]), "infinite"),
        (np.ones(9), "one value only"),
        (np.array(["a", "b"]), "holds text"),
        (np.array(["2020-01-01"] * 4, dtype="datetime64[D]"), "dates"),
    ],
)
def test_targets_that_no_regressor_can_learn(y, said):
    with pytest.raises(InputError, match=said):
        numbers(y, "column 'y'")


@pytest.mark.parametrize(
    "args",
    [
        ("fit", "."),
        ("fit", ""),
        ("fit", "rows.csv", "--output", "."),
        ("predict", ".", "rows.csv"),
        ("predict", "model.skops", "."),
        ("export", "."),
        ("diagnose", "."),
        ("sweep", "."),
        ("find-lr", "."),
    ],
    ids=" ".join,
)
def test_a_folder_in_the_place_of_a_file_is_refused_by_name(here, args):
    (here / "rows.csv").write_text("a,b,y\n" + "1,2,0\n3,4,1\n" * 20)
    fit("rows.csv", "-t", "y", "-o", "model.skops")
    result = run(*args, code=2)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Error: " in result.stderr


def test_integers_of_more_than_64_bits_are_numbers(here):
    rows = pd.DataFrame({"a": [10**25 + (i % 2) * 10**24 for i in range(60)], "y": [0, 1] * 30})
    rows.to_csv("rows.csv", index=False)
    fit("rows.csv", "-t", "y")
    run("predict", "rows.skops", "rows.csv", "-o", "out.csv")
    assert pd.read_csv("out.csv")["prediction"].tolist() == rows["y"].tolist()
