"""``fastlr diagnose`` from end to end."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from fastlr import LinearClassifier, diagnose, save_model
from fastlr.cli.app import app

X, Y = load_breast_cancer(return_X_y=True)


def run(*args, code=0, given=None):
    result = CliRunner().invoke(app, ["diagnose", *map(str, args)], input=given)
    assert code is None or result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture(scope="module")
def model():
    return make_pipeline(StandardScaler(), LinearClassifier(lr=1e-6, random_state=0)).fit(X, Y)


def test_a_model_file_gives_what_the_model_gives(model, tmp_path):
    save_model(model, tmp_path / "model.skops")
    expected = diagnose(model)
    assert run(tmp_path / "model.skops", code=3).stdout == f"{expected}\n"
    found = json.loads(run(tmp_path / "model.skops", "--json", "--exit-zero").stdout)
    assert found["verdict"] == expected.verdict
    assert found["change"] == expected.change
    assert found["evidence"][0]["value"] == expected.evidence[0].value
    assert found["model"].startswith("LinearClassifier(")


def test_a_history_in_json_gives_what_the_model_gives(model, tmp_path):
    path = tmp_path / "history.json"
    columns = model[-1].history_.items()
    plain = {n: [None if np.isnan(x) else x for x in v.tolist()] for n, v in columns}
    path.write_text(json.dumps(plain))
    found = json.loads(run(path, "--json", code=3).stdout)
    assert found["verdict"] == diagnose(model).verdict


def test_a_run_that_is_not_healthy_ends_with_code_3_unless_asked_and_stdin_is_read():
    ill, well = (
        '{"loss": [0.7, 0.9, 1.4, 3.1]}',
        json.dumps({"loss": [2.0 / k for k in range(1, 30)]}),
    )
    assert run("-", given=ill, code=3).stdout.startswith("diverging:")
    assert run("-", "--exit-zero", given=ill).stdout.startswith("diverging:")
    healthy = run("-", given=well, code=None)
    assert healthy.exit_code == (0 if healthy.stdout.startswith("healthy") else 3)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("none.json", None, "FILE: there is no file"),
        ("bad.json", "{", "is not JSON"),
        ("list.json", "[1, 2]", "must hold an object with 'loss', got a list"),
        ("other.json", '{"losses": [1]}', "history must have 'loss', got losses"),
        ("model.skops", "no zip file", "model.skops' holds no model that can be read"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, name, text, says):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    result = run(path, code=2)
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_types_that_are_not_trusted_are_refused(tmp_path):
    from sklearn.preprocessing import FunctionTransformer

    save_model(FunctionTransformer(np.linalg.norm), tmp_path / "model.skops")
    said = run(tmp_path / "model.skops", code=2).stderr
    assert "types that are not trusted: numpy.linalg" in said
