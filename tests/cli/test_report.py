"""``fastlr report`` from end to end: from a file of data to a page."""

import json

import pandas as pd
import pytest
import skops.io
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.dummy import DummyClassifier
from typer.testing import CliRunner

from fastlr.cli.app import app

CANCER = load_breast_cancer()


def run(*args, code=0):
    result = CliRunner().invoke(app, [str(a) for a in args])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    frame = pd.DataFrame(CANCER.data[:, :5], columns=["a", "b", "<i>c</i>", "d", "e"])
    frame["kind"] = CANCER.target_names[CANCER.target]
    frame.to_csv(folder / "cancer.csv", index=False)
    run("fit", folder / "cancer.csv", "-t", "kind", "--no-compare", "-o", folder / "c.skops")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_model_becomes_a_page(files, here):
    out = run("report", files / "c.skops").stdout
    assert "next step" in out
    assert "Page written to c.html" in out
    text = (here / "c.html").read_text(encoding="utf-8")
    assert "LinearClassifier with AdamW" in text
    assert "Range test" not in text
    assert "&lt;i&gt;c&lt;/i&gt;" in text
    run("report", files / "c.skops", "--title", "Second")
    assert "<h1>Second</h1>" in (here / "c.html").read_text(encoding="utf-8")


def test_data_add_a_range_test_and_a_sweep(files, here):
    args = ("report", files / "c.skops", "--data", files / "cancer.csv", "-t", "kind")
    result = run(*args, "--json", "-o", "r.html", "--seed", 3)
    found = json.loads(result.stdout)
    assert found["output"] == "r.html"
    assert found["verdict"]
    assert 1e-7 < found["suggestion"] < 100
    assert 1e-7 < found["best_lr"] < 100
    assert 0.8 < found["best_score"] <= 1
    assert "range test: suggests" in result.stderr
    assert "sweep: best rate" in result.stderr
    text = (here / "r.html").read_text(encoding="utf-8")
    assert "Range test" in text
    assert "Sweep of rates" in text
    assert "How each rate learnt" in text
    again = json.loads(run(*args, "--json", "-o", "s.html", "--seed", 3, "--no-sweep").stdout)
    assert again["suggestion"] == found["suggestion"]
    assert "Sweep of rates" not in (here / "s.html").read_text(encoding="utf-8")


def test_bad_input_is_one_line_and_no_page(files, here):
    skops.io.dump(DummyClassifier().fit(*load_iris(return_X_y=True)), here / "other.skops")
    (here / "text.skops").write_text("no model")
    pd.DataFrame({"a": [1, 2] * 5, "kind": ["x", "y"] * 5}).to_csv(here / "short.csv", index=False)
    model, data = files / "c.skops", files / "cancer.csv"
    for args, said in (
        (("nope.skops",), "MODEL"),
        (("text.skops",), "MODEL: 'text.skops' holds no model"),
        (("other.skops",), "MODEL: 'other.skops'"),
        ((model, "-o", "no/such/r.html"), "--output"),
        ((model, "-o", model), "--output"),
        ((model, "-t", "kind"), "--data"),
        ((model, "--data", data), "--target"),
        ((model, "--data", data, "-t", "kin"), "did you mean 'kind'"),
        ((model, "--data", "short.csv", "-t", "kind"), "lacks columns"),
    ):
        result = run("report", *args, code=2)
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        assert line.startswith("Error: ")
        assert said in line
    assert not list(here.glob("*.html"))
