"""``fastlr find-lr`` from end to end."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from typer.testing import CliRunner

from fastlr.cli.app import app

CANCER = load_breast_cancer()


def run(*args, code=0):
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture
def cancer_csv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(CANCER.data, columns=CANCER.feature_names)
    frame["diagnosis"] = CANCER.target_names[CANCER.target]
    frame.to_csv(tmp_path / "cancer.csv", index=False)
    return "cancer.csv"


def test_it_prints_a_table_and_the_next_command(cancer_csv):
    out = run("find-lr", cancer_csv, "-t", "diagnosis", "--optimizer", "sgd").stdout
    for said in ("Range test of LinearClassifier with SGD", "race *", "valley", "steepest", "edge"):
        assert said in out
    command = out.splitlines()[-1]
    assert command.startswith("train with it: fastlr fit cancer.csv --optimizer sgd --lr 0.")
    assert command.endswith(" --target diagnosis")


def test_json_holds_the_rates_and_repeats_itself(cancer_csv, tmp_path):
    args = ("find-lr", cancer_csv, "-t", "diagnosis", "--json", "--runs", 2, "--seed", 3)
    found = json.loads(run(*args, "--picture", "lr.svg").stdout)
    assert found["suggestion"] == found["suggestions"]["race"]
    assert 1e-5 < found["suggestion"] < found["suggestions"]["edge"]
    assert found["spread"]["race"] == [found["suggestion"]] * 2
    low, high = found["spread"]["steepest"]
    assert low <= found["suggestions"]["steepest"] <= high
    assert len(found["ended"]) == 2
    assert (tmp_path / "lr.svg").read_bytes().startswith(b"<?xml")
    assert json.loads(run(*args).stdout)["suggestions"] == found["suggestions"]


def test_options_reach_the_sweep(cancer_csv):
    args = ("--low", 1e-4, "--high", 1e-2, "--steps", 20, "--linear", "--batch-size", 64)
    result = run("find-lr", cancer_csv, "-t", "diagnosis", "--runs", 1, "--json", *args)
    found = json.loads(result.stdout)
    assert found["ended"] == ["all steps"]
    assert found["suggestions"]["edge"] == pytest.approx(1e-2)
    assert any("raise `high`" in note for note in found["notes"])
    assert "Note: find_lr" in result.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nope.csv",), "there is no file"),
        (("cancer.csv", "-t", "diagnosys"), "did you mean 'diagnosis'?"),
        (("cancer.csv", "-t", "diagnosis", "--low", 2, "--high", 1), "--low"),
        (("cancer.csv", "-t", "diagnosis", "--optimizer", "adamx"), "--optimizer"),
        (("cancer.csv", "-t", "diagnosis", "--picture", "a.gif"), "--picture"),
    ],
)
def test_bad_input_is_one_line(cancer_csv, args, said):
    result = run("find-lr", *args, code=2)
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr


def test_arrays_are_read_as_fit_reads_them(tmp_path):
    np.savez(tmp_path / "a.npz", pixels=CANCER.data, kind=CANCER.target)
    args = ("find-lr", tmp_path / "a.npz", "--features", "pixels", "-t", "kind", "--json")
    assert json.loads(run(*args).stdout)["suggestion"] > 0
