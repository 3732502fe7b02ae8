"""``fastlr sweep`` from end to end."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from fastlr import LinearClassifier
from fastlr.cli.app import app
from fastlr.tuning import log_grid, sweep

CANCER = load_breast_cancer()
QUICK = ("--folds", 3, "--rates", 6, "--low", 1e-4, "--high", 1, "--max-epochs", 5)


def run(*args, code=0):
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture
def cancer_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(CANCER.data[:300], columns=CANCER.feature_names)
    frame["diagnosis"] = CANCER.target_names[CANCER.target[:300]]
    frame.to_csv(tmp_path / "cancer.csv", index=False)
    return "cancer.csv"


def test_it_prints_a_table_and_the_next_command(cancer_csv):
    result = run("sweep", cancer_csv, "-t", "diagnosis", "--optimizer", "sgd", *QUICK)
    for said in ("Sweep of LinearClassifier with SGD: 6 candidates, ", "rank"):
        assert said in result.stdout
    assert "fastlr fit cancer.csv --optimizer sgd --lr" in result.stdout
    assert " of 6 dropped" in result.stderr


def test_json_says_what_the_function_returns(cancer_csv, tmp_path):
    args = ("sweep", cancer_csv, "-t", "diagnosis", *QUICK, "--json", "--no-halving", "--seed", 3)
    found = json.loads(run(*args, "--picture", "sweep.svg", "--threads", 1).stdout)
    model = make_pipeline(StandardScaler(), LinearClassifier(max_epochs=5, random_state=3))
    X, y = CANCER.data[:300], CANCER.target_names[CANCER.target[:300]]
    expected = sweep(model, X, y, log_grid(1e-4, 1, 6), cv=3, halving=False)
    assert found["best_lr"] == expected.best_lr
    assert found["best_score"] == pytest.approx(expected.best_score, abs=0.02)
    assert found["candidates"]["rank"].count(1) == 1
    assert len(found["table"]["epoch"]) == 6 * 3 * 5
    assert found["table"]["validation_score"][0] is None
    assert (tmp_path / "sweep.svg").read_bytes().startswith(b"<?xml")
    again = json.loads(run(*args, "--threads", 2).stdout)
    assert again["candidates"] == found["candidates"]


def test_weight_decays_are_tried_with_each_rate(cancer_csv):
    args = ("--weight-decay", 0, "--weight-decay", 0.1, "--schedule", "OneCycle(pct_start=0.1)")
    out = run("sweep", cancer_csv, "-t", "diagnosis", *QUICK, *args).stdout
    assert "12 candidates" in out
    assert "weight decay" in out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nope.csv",), "there is no file"),
        (("cancer.csv", "-t", "diagnosys"), "did you mean 'diagnosis'?"),
        (("cancer.csv", "-t", "diagnosis", "--low", 2, "--high", 1), "--low"),
        (("cancer.csv", "-t", "diagnosis", "--optimizer", "adamx"), "--optimizer"),
        (("cancer.csv", "-t", "diagnosis", "--picture", "a.gif"), "--picture"),
        (("cancer.csv", "-t", "diagnosis", "--folds", 290), "--folds"),
        (
            ("cancer.csv", "-t", "diagnosis", "--weight-decay", 1, "--weight-decay", 1),
            "--weight-decay",
        ),
    ],
)
def test_bad_input_is_one_line(cancer_csv, args, said):
    result = run("sweep", *args, code=2)
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr


def test_arrays_are_read_as_fit_reads_them(tmp_path):
    np.savez(tmp_path / "a.npz", pixels=CANCER.data, kind=CANCER.target)
    args = ("sweep", tmp_path / "a.npz", "--features", "pixels", "-t", "kind", *QUICK)
    assert json.loads(run(*args, "--json").stdout)["best_lr"] > 0
