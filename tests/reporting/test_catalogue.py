"""The catalogue: rows read off the registries, the command that prints them, the README's copy."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import fastlr
from fastlr import SGD, Adam, schedules
from fastlr.cli.app import app
from fastlr.optimizers import OPTIMIZERS
from fastlr.reporting.catalogue import (
    BEGIN,
    END,
    Paper,
    markdown,
    optimizer_rows,
    paper_of,
    records,
    replace_table,
    schedule_rows,
)
from fastlr.schedules import SCHEDULES, get_schedule
from tests.support.cases import CASES as RULES
from tests.support.cases import make
from tests.support.engines import output_of

README = Path(__file__).parents[2] / "README.md"
ROWS = {row.name: row for row in optimizer_rows()}


def run(*args, code=0):
    result = CliRunner().invoke(app, ["catalogue", *map(str, args)], env={"COLUMNS": "80"})
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_readme_has_the_table_of_the_registries():
    text = README.read_text(encoding="utf-8")
    if replace_table(text) != text:
        pytest.fail(
            "README.md's table is not what the registries hold; update it with\n"
            "    fastlr catalogue --write README.md"
        )


# Rows


def test_every_optimizer_and_schedule_has_a_row_with_its_source():
    assert set(ROWS) == {cls.__name__ for cls in OPTIMIZERS.values()}
    for row in ROWS.values():
        assert row.paper is not None, f"{row.name} has no References in its docstring"
        assert row.paper.citation[-4:].isdigit(), f"{row.name}: {row.paper} has no year"
        assert row.summary.endswith("."), row.name
    rows = {row.name: row for row in schedule_rows()}
    assert {cls.__name__ for cls in SCHEDULES.values()} < set(rows)
    assert {"Piecewise", "Then", "Product"} < set(rows)
    assert "Schedule" not in rows
    assert all(
        get_schedule(n) == getattr(schedules, r.name)() for r in rows.values() for n in r.names
    )


@pytest.mark.parametrize("case", RULES)
def test_state_is_what_an_updater_holds(case):
    optimizer = make(case)
    on = [name for name, is_on in optimizer.switches().items() if is_on]
    held = optimizer.bind(np.ones((3, 4))).state_dict()["state"]
    row = ROWS[type(optimizer).__name__]
    (variant,) = [v for v in row.variants if set(v.on) == set(on)] or [None]
    if variant is None:  # a switch that means nothing without another one
        variant = max((v for v in row.variants if set(v.on) < set(on)), key=lambda v: len(v.on))
    assert {*variant.state, *variant.factors} == set(held)
    assert all((held[name]["0"].shape == (3, 4)) == (name in variant.state) for name in held)
    if row.tier == 1:
        only_read = row.name == "MADGRAD" and "start" in held
        assert variant.moved == 4 * (3 + 2 * len(held) - only_read)


def test_numbers_that_can_be_counted_by_hand():
    sgd, adam = ROWS["SGD"], ROWS["Adam"]
    assert (sgd.state, sgd.moved, sgd.tier) == ("0-1", "12-20", 1)  # p, g, p; then the buffer
    assert (adam.state, adam.moved) == ("2-3", "28-36")
    assert ROWS["Lion"].moved == "20"
    muon, sm3 = ROWS["Muon"], ROWS["SM3"]
    assert (muon.state, muon.moved, muon.tier) == ("1", "-", 3)
    assert (sm3.state, sm3.default.factors) == ("1+", ("slices0", "slices1"))
    assert {(v.on, v.state) for v in sm3.variants} == {((), ()), (("momentum",), ("m",))}
    # A pass before the update reads p, g and what it names of the state.
    assert (ROWS["LAMB"].moved, ROWS["LAMB"].tier) == ("44", 2)
    assert ROWS["DoG"].moved == "24"  # where it started is read by that pass alone


def test_the_paper_is_the_first_source_of_the_docstring():
    assert paper_of(Adam) == Paper("Kingma & Ba 2015", "1412.6980")
    assert paper_of(SGD) == Paper("Polyak 1964", None)
    assert paper_of(int) is None

    class Mine:
        """Mine.

        References
        ----------
        A. Nobody, "About nothing".
        """

    assert str(paper_of(Mine)) == 'A. Nobody, "About nothing"'
    # What only the second source has is not the first one's.
    assert ROWS["RMSprop"].paper == Paper("Tieleman & Hinton 2012", None)
    assert str(paper_of(Adam)) == "arXiv:1412.6980"
    assert paper_of(Adam).markdown == "[Kingma & Ba 2015](https://arxiv.org/abs/1412.6980)"


def test_the_catalogue_needs_no_compiler():
    heavy = ["numba", "rich", "typer", "sklearn", "fastlr.kernels.ahead._updates_base"]
    code = "import sys, fastlr.reporting.catalogue as c; c.records(); c.markdown()"
    code += f"; print([m for m in {heavy} if m in sys.modules])"
    assert output_of(code).strip() == "[]"


# The command


def test_the_table_names_everything_and_fits():
    out = run().stdout
    for row in ROWS.values():
        assert row.name in out
    for row in schedule_rows():
        assert row.name in out
    (adagrad,) = [line for line in out.splitlines() if line.startswith("Adagrad ")]
    assert adagrad.split()[1:4] == ["1", "1", "20"]
    assert "torch keras tf optax" in adagrad
    assert max(map(len, out.splitlines())) <= 80


def test_json_holds_it_all():
    found = json.loads(run("--json").stdout)
    assert found.pop("version") == fastlr.__version__
    assert found == json.loads(json.dumps(records()))
    (rms,) = [row for row in found["optimizers"] if row["name"] == "RMSprop"]
    assert (rms["state"], rms["bytes"], rms["tier"], rms["arxiv"]) == (["v"], 20, 1, None)
    assert rms["paper"] == "Tieleman & Hinton 2012"
    assert rms["presets"] == ["torch", "keras", "tf", "optax"]
    full = {"on": ["momentum", "centered"], "state": ["v", "a", "buf"], "bytes": 36}
    assert full in rms["variants"]
    (cycle,) = [row for row in found["schedules"] if row["name"] == "OneCycle"]
    assert cycle["presets"] == ["torch", "fastai"]
    assert cycle["arxiv"] == "1708.07120"


def test_markdown_is_what_goes_into_the_readme():
    out = run("--markdown").stdout
    assert out == markdown() + "\n"
    assert out.startswith(f"{BEGIN}\n| optimizer |")
    assert out.endswith(f"\n{END}\n")


def test_write_makes_the_table_anew_and_leaves_the_rest(tmp_path):
    file = tmp_path / "README.md"
    file.write_bytes(f"Über\r\n{BEGIN}\nold\n{END}\nafter\n".encode())
    assert run("--write", file).stdout == f"{file} updated\n"
    assert file.read_bytes() == f"Über\r\n{markdown()}\nafter\n".encode()
    before = file.stat()
    assert run("--write", file).stdout == f"{file} was up to date\n"
    assert file.stat() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no markers", "expected the lines <!-- catalogue:begin -->"),
        (f"{END}{BEGIN}".encode(), "expected the lines"),
        (b"\xff", "is no UTF-8 text"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_take_the_table_is_refused_and_left_alone(tmp_path, content, said):
    file = tmp_path / "notes.md"
    if content is not None:
        file.write_bytes(content)
    result = run("--write", file, code=2)
    assert result.stderr.startswith("Error: --write: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert content is None or file.read_bytes() == content


def test_one_form_at_a_time():
    assert "expected one of them" in run("--json", "--markdown", code=2).stderr
