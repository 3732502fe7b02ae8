"""The commands from end to end: what they print, what they write, how they end."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_breast_cancer, load_iris
from typer.testing import CliRunner

import fastlr
from fastlr import load_model
from fastlr.cli import main
from fastlr.cli.app import app
from fastlr.cli.files import save
from fastlr.cli.race import race
from tests.support.engines import output_of

CANCER = load_breast_cancer()
MODELS = ["LinearClassifier", "SGDClassifier", "LogisticRegression"]


def run(*args, code=0):
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def refused(*args, said):
    """Bad input ends in exit code 2, one line on stderr that names the argument, no traceback."""
    result = run(*args, code=2)
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Note:")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert said in lines[0]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def cancer_csv(here):
    frame = pd.DataFrame(CANCER.data, columns=CANCER.feature_names)
    frame["diagnosis"] = CANCER.target_names[CANCER.target]
    frame.to_csv(here / "cancer.csv", index=False)
    return here / "cancer.csv"


def test_demo_prints_one_table_and_writes_one_picture(here):
    result = run("demo", "--quick")
    table = result.stdout
    for said in (*MODELS, "digits", "breast cancer", "fit time", "accuracy", "log-loss", "rate"):
        assert said in table
    assert table.count("accuracy") == 1
    assert "Picture written to fastlr-demo.png" in table
    assert [p.name for p in here.iterdir()] == ["fastlr-demo.png"]
    assert (here / "fastlr-demo.png").read_bytes().startswith(b"\x89PNG")
    assert max(map(len, table.splitlines())) <= 80
    assert "digits  LinearClassifier" in result.stderr


def test_demo_json_is_all_there_is_on_stdout(here):
    out = json.loads(run("demo", "--quick", "--json", "--output", "p.svg", "--seed", 3).stdout)
    assert out["version"] == fastlr.__version__
    assert out["picture"] == "p.svg"
    assert (here / "p.svg").read_bytes().startswith(b"<?xml")
    assert [(r["data"], r["model"]) for r in out["results"]] == [
        (data, model) for data in ("digits", "breast cancer") for model in MODELS
    ]
    for r in out["results"]:
        assert r["accuracy"] > 0.9
        assert 0 < r["log_loss"] < 2
        assert r["fit_seconds"] > 0
        if r["model"] == MODELS[0]:
            assert r["time_ratio"] == 1.0
            assert r["rate"] > 0
            assert r["log_loss"] < 0.25


def test_demo_repeats_for_a_median_and_the_seed_decides_the_rest(here, monkeypatch):
    monkeypatch.setattr(race, "BUDGET", 0.0)

    def once(*args):
        rows = json.loads(run("demo", "--json", *args).stdout)["results"]
        return [r["fits"] for r in rows], [(r["accuracy"], r["log_loss"]) for r in rows]

    fits, scores = once()
    assert fits == [3] * 6
    assert once("--quick") == ([1] * 6, scores)
    assert once("--quick", "--seed", "1")[1] != scores


def test_demo_refuses_a_picture_it_cannot_write(here):
    refused("demo", "--output", "p.gif", said="--output: 'p.gif' must end in .png, .pdf, .svg")
    refused("demo", "--output", "no/p.png", said="--output: there is no folder 'no'")
    assert list(here.iterdir()) == []


def test_fit_gives_the_same_model_from_every_format(here, cancer_csv):
    X, y = CANCER.data, CANCER.target
    pd.read_csv(cancer_csv).to_parquet(here / "cancer.parquet")
    np.savez(here / "cancer.npz", X=X, y=CANCER.target_names[y])
    dump_svmlight_file(sparse.csr_matrix(X), 1 - y, str(here / "cancer.svm"))  # benign is 0
    losses = {}
    for name, target in {
        "cancer.csv": ["--target", "diagnosis"],
        "cancer.parquet": ["--target", "-1"],
        "cancer.npz": [],
        "cancer.svm": [],
    }.items():
        args = ("fit", name, *target, "--json", "--no-compare", "--output", name + ".skops")
        out = json.loads(run(*args).stdout)
        assert [r["model"] for r in out["results"]] == MODELS[:1]
        losses[name] = out["results"][0]["log_loss"]
        model = load_model(name + ".skops")
        rows = pd.read_csv(cancer_csv) if "csv" in name or "parquet" in name else X
        answer = 1 - y if name == "cancer.svm" else CANCER.target_names[y]
        assert model.score(rows, answer) > 0.95
    np.testing.assert_allclose(list(losses.values()), losses["cancer.npz"], rtol=1e-9)


def test_fit_compares_and_tells_how_to_load(here, cancer_csv):
    result = run("fit", cancer_csv, "--target", "diagnosis", "--picture", "run.png")
    for said in (*MODELS, "426 rows to train on and 143 to test on", "30 features, 2 classes"):
        assert said in result.stdout
    assert (here / "run.png").read_bytes().startswith(b"\x89PNG")
    code = [line[4:] for line in result.stdout.splitlines() if line.startswith("    ")]
    assert code[0] == "fastlr predict cancer.skops NEW_ROWS"
    rows = pd.read_csv(cancer_csv)
    there = {"rows": rows}
    exec("\n".join(line for line in code[1:] if "load_model" in line or "predict" in line), there)
    assert np.mean(there["model"].predict(rows) == rows["diagnosis"]) > 0.95
    assert sorted(p.name for p in here.iterdir()) == ["cancer.csv", "cancer.skops", "run.png"]


def test_fit_options_reach_the_model(here, cancer_csv):
    args = ("--optimizer", "sgd", "--lr", "0.05", "--schedule", "none", "--batch-size", "16")
    out = json.loads(
        run(
            "fit", cancer_csv, "-t", "diagnosis", "--json", *args, "--max-epochs", 3, "--seed", 7
        ).stdout
    )
    assert out["results"][0]["rate"] == 0.05
    model = load_model("cancer.skops")["model"]
    assert model.optimizer == "sgd"
    assert model.schedule is None
    assert (model.batch_size, model.max_epochs, model.random_state) == (16, 3, 7)
    assert model.n_iter_ == 3


def test_fit_handles_categories_and_gaps_and_so_does_the_saved_model(here):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(300) < 0.1, np.nan, y + rng.normal(0, 0.3, 300)),
            "color": np.where(rng.random(300) < 0.1, None, np.array(["r", "g", "b"])[y]),
            "grade": np.array(["low", "mid", "top"])[y],
        }
    )
    frame.to_csv("mixed.csv", index=False)
    out = json.loads(run("fit", "mixed.csv", "-t", "grade", "--json").stdout)
    assert out["results"][0]["accuracy"] > 0.95
    model = load_model("mixed.skops")
    new = pd.DataFrame({"size": [None, 0.1], "color": ["g", "never seen"]})
    assert model.predict(new).tolist() == ["mid", "low"]


def test_a_model_is_never_replaced_unless_asked(here, cancer_csv):
    (here / "cancer.skops").write_text("precious")
    args = ("fit", cancer_csv, "-t", "diagnosis", "--no-compare")
    refused(*args, said="--output: 'cancer.skops' already exists; --force")
    assert (here / "cancer.skops").read_text() == "precious"
    run(*args, "--force")
    assert (here / "cancer.skops").read_bytes() != b"precious"


def test_a_failed_write_leaves_what_was_there(here, cancer_csv, monkeypatch):
    (here / "cancer.skops").write_text("precious")

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(save.os, "replace", broken)
    result = run("fit", cancer_csv, "-t", "diagnosis", "--no-compare", "--force", code=1)
    assert "Error: disk full" in result.stderr
    assert (here / "cancer.skops").read_text() == "precious"
    assert sorted(p.name for p in here.iterdir()) == ["cancer.csv", "cancer.skops"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nope.csv", "-t", "y"], "FILE: there is no file 'nope.csv'"),
        (["cancer.csv"], "--target: name the column to predict"),
        (["cancer.csv", "-t", "diagnosi"], "did you mean 'diagnosis'?"),
        (["cancer.csv", "-t", "mean radius", "--task", "classification"], "is a quantity"),
        (["cancer.csv", "-t", "diagnosis", "--task", "regression"], "holds text, expected numbers"),
        (["cancer.csv", "-t", "diagnosis", "-o", "m.pkl"], "--output: 'm.pkl' must end in .skops"),
        (["cancer.csv", "-t", "diagnosis", "--hidden", "8"], "--hidden: is for networks"),
        (
            ["cancer.csv", "-t", "diagnosis", "--model", "mlp", "--hidden", "8,x"],
            "--hidden: must be",
        ),
        (["cancer.csv", "-t", "diagnosis", "--set", "max_epoch=3"], "did you mean 'max_epochs'"),
        (["cancer.csv", "-t", "diagnosis", "--set", "alpha"], "--set: expected NAME=VALUE"),
        (["cancer.csv", "-t", "diagnosis", "--loss", "hinje"], "hinje"),
        (["cancer.csv", "-t", "diagnosis", "--lr", "fast"], "--lr: must be a number above 0"),
        (["cancer.csv", "-t", "diagnosis", "--lr", "-1"], "--lr: must be a number above 0"),
        (["cancer.csv", "-t", "diagnosis", "--optimizer", "adamv"], "--optimizer: "),
        (["cancer.csv", "-t", "diagnosis", "--schedule", "onecicle"], "--schedule: "),
        (["cancer.csv", "-t", "diagnosis", "--test-size", "1.5"], "--test-size: must be"),
        (["cancer.csv", "-t", "diagnosis", "--test-size", "0.001"], "--test-size: 0.001 of 569"),
        (["cancer.csv", "-t", "diagnosis", "--drop", "x y z"], "--drop: no column 'x y z'"),
        (["cancer.csv", "-t", "diagnosis", "-o", "no/m.skops"], "--output: there is no folder"),
        (["cancer.csv", "-t", "y", "-o", "cancer.csv", "--force"], "is the file to train on"),
        (["cancer.csv", "-t", "diagnosis", "-o", "."], "--output: '.' is a folder"),
        (["cancer.csv", "-t", "diagnosis", "--picture", "p.txt"], "--picture: 'p.txt' must end"),
        (["cancer.csv", "-t", "diagnosis", "--max-gb", "1e-6"], "raise --max-gb"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cancer_csv, here, args, said):
    refused("fit", *args, said=said)
    assert [p.name for p in here.iterdir()] == ["cancer.csv"]


def test_options_that_typer_checks_end_with_code_2(here):
    for args in (["fit"], ["fit", "a.csv", "--max-epochs", "0"], ["fit", "a.csv", "--bogus"]):
        assert "Error" in run(*args, code=2).stderr


def test_a_rate_that_diverges_is_told_in_one_line(here, cancer_csv):
    result = CliRunner().invoke(
        app,
        ["fit", "cancer.csv", "-t", "diagnosis", "--optimizer", "sgd", "--lr", "1e308"],
    )
    assert result.exit_code == 1
    assert "--lr" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (here / "cancer.skops").exists()


def test_version_and_info():
    assert run("--version").stdout == f"fastlr {fastlr.__version__}\n"
    assert json.loads(run("info", "--json").stdout)["cython"] == fastlr.backend_info()["cython"]
    assert "Cython kernels" in run("info").stdout


def test_help_and_every_command_load_without_numpy():
    heavy = "{'numpy', 'pandas', 'sklearn', 'matplotlib', 'skops', 'pyarrow'}"
    code = f"import sys, fastlr.cli.app; print(sorted({heavy} & set(sys.modules)))"
    assert output_of(code).strip() == "[]"


COMMANDS = sorted(typer.main.get_command(app).commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_json(command):
    out = run(command, "--help").stdout
    assert "Usage" in out
    assert f"fastlr {command}" in out.split("Examples")[1]
    assert "--json" in out
    assert max(map(len, out.splitlines())) <= 80
    assert command in run("--help").stdout


@pytest.mark.parametrize("package", ["typer", "rich", "matplotlib"])
def test_a_missing_optional_package_is_one_plain_line(package, monkeypatch, capsys, here):
    for name in list(sys.modules):
        if name.startswith("fastlr.cli.") or name == "fastlr.plots":
            monkeypatch.delitem(sys.modules, name)
        if name.partition(".")[0] == package:
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(sys, "argv", ["fastlr", "demo"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert capsys.readouterr().err == (
        f"Error: the fastlr command needs {package}: pip install 'fastlr-optim[cli]'\n"
    )
    assert list(here.iterdir()) == []


def test_files_of_the_other_fastlr_are_noticed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "fastlr", types.ModuleType("fastlr"))
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert "another distribution, called fastlr, has overwritten files" in capsys.readouterr().err


def test_the_module_runs_as_a_command_and_plain_import_stays_light(here):
    iris = load_iris(as_frame=True).frame
    iris.to_csv("iris.csv", index=False)
    home = str(Path(fastlr.__file__).parents[1])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([home, os.environ.get("PYTHONPATH", "")])}
    args = [sys.executable, "-m", "fastlr", "fit", "iris.csv", "--target", "target", "--json"]
    done = subprocess.run(args, capture_output=True, text=True, env=env, check=True)
    assert json.loads(done.stdout)["results"][0]["accuracy"] > 0.85
    assert "Traceback" not in done.stderr
    heavy = "{'rich', 'typer', 'matplotlib', 'pandas', 'skops', 'pyarrow', 'numba', 'torch'}"
    code = f"import fastlr, sys; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
