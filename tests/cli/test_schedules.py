"""``fastlr schedules``: the list, the curves in a terminal and in files, schedules as text."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from fastlr.cli.app import app
from fastlr.cli.errors import InputError
from fastlr.cli.options.schedule_text import read_schedule
from fastlr.cli.screen.braille import curve, sparkline
from fastlr.schedules import (
    SCHEDULES,
    CosineAnnealing,
    Cyclical,
    OneCycle,
    Piecewise,
    StepDecay,
    Warmup,
    epochs,
)


def run(*args, code=0):
    result = CliRunner().invoke(app, ["schedules", *map(str, args)])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_every_schedule_is_listed_with_its_shape():
    out = run().stdout
    for cls in SCHEDULES.values():
        line = next(line for line in out.splitlines() if line.split()[:1] == [cls.__name__])
        assert any(mark in line for mark in "▁▂▃▄▅▆▇█")
    assert max(map(len, out.splitlines())) <= 80


def test_json_lists_parameters_and_who_watches_a_metric():
    found = json.loads(run("--json").stdout)["schedules"]
    by_name = {each["name"]: each for each in found}
    assert {name.lower() for name in by_name} == set(SCHEDULES)
    assert by_name["OneCycle"]["parameters"]["pct_start"] == 0.3
    watching = {name for name, each in by_name.items() if each["watches_metric"]}
    assert watching == {"Adaptive", "ReduceOnPlateau"}


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_is_drawn_as_simulate_says(name):
    found = json.loads(
        run(name, "--lr", 0.5, "--steps", 60, "--steps-per-epoch", 3, "--json").stdout
    )
    schedule = SCHEDULES[name]()
    metrics = None
    if schedule.needs_metric:
        metrics = np.maximum(1 - np.arange(20) / 20, 0.7).tolist()
    lr, momentum = schedule.simulate(60, 0.5, 3, metrics)
    np.testing.assert_array_equal(found["lr"], lr)
    assert (found["momentum"] is None) == (momentum is None)
    out = run(name, "--steps", 60).stdout
    assert "learning rate" in out
    assert ("momentum" in out.replace("momentum=", "")) == (momentum is not None)
    assert max(map(len, out.splitlines())) <= 80


def test_a_picture_is_written(tmp_path):
    path = tmp_path / "warmup.svg"
    out = run("Warmup(100).then('cosine')", "-o", path).stdout
    assert f"Picture written to {path}" in out.replace("\n", "")
    assert "learning rate" in path.read_text()


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("cosine", CosineAnnealing()),
        ("one_cycle", OneCycle()),
        ("OneCycle(pct_start=0.1, preset='fastai')", OneCycle(pct_start=0.1, preset="fastai")),
        ("stepdecay(epochs(2), gamma=0.2)", StepDecay(epochs(2), gamma=0.2)),
        ("sgdr()", SCHEDULES["cosinerestarts"]()),
        ("Warmup(5, 'cosine')", Warmup(5, "cosine")),
        ("Warmup(5).then(Cyclical(3), after=0.5)", Warmup(5).then(Cyclical(3), after=0.5)),
        ("0.5 * OneCycle() * StepDecay(4)", 0.5 * OneCycle() * StepDecay(4)),
    ],
)
def test_schedules_are_read_from_text(text, schedule):
    assert read_schedule(text, "NAME") == schedule
    assert read_schedule(repr(schedule), "NAME") == schedule


def test_what_needs_values_can_be_told_them():
    text = repr(Piecewise([5, 10], [1.0, 0.5, 0.1]))
    assert read_schedule(text, "NAME") == Piecewise([5, 10], [1.0, 0.5, 0.1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nope", "must be one of"),
        ("OneCycle(pct_start=3)", "pct_start"),
        ("OneCycle(pct=3)", "no parameter 'pct'"),
        ("Warmup(", "cannot read"),
        ("open('x')", "must be one of"),
        ("__import__('os').system('x')", "cannot be called"),
        ("Warmup(5).then.__self__", "is not a number"),
        ("Function(3)", "must be one of"),
        ("[1, 2]", "schedule must be"),
        ("2 * 3", "schedule must be"),
        ("Warmup(**{'steps': 3})", "by name"),
    ],
)
def test_other_text_is_refused_in_one_line(text, said):
    with pytest.raises(InputError, match=said):
        read_schedule(text, "NAME")
    result = run(text, code=2)
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("Error: NAME: ")


def test_options_out_of_range_are_refused():
    assert "--lr" in run("cosine", "--lr", -1, code=2).stderr
    assert "name the schedule" in run("-o", "a.png", code=2).stderr
    assert "--output" in run("cosine", "-o", "a.gif", code=2).stderr


def test_curves_touch_their_edges_and_have_no_gaps():
    wave = np.sin(np.linspace(0, 20, 500))
    lines = curve(wave, 30, 6, -1.0, 1.0)
    assert {len(line) for line in lines} == {30}
    bits = np.array([[ord(letter) - 0x2800 for letter in line] for line in lines])
    assert ((bits != 0).sum(axis=0) > 0).all()
    upper, lower = 0x01 | 0x08, 0x40 | 0x80
    assert (bits[0] & upper).any()
    assert (bits[-1] & lower).any()
    plain = curve(wave, 30, 6, -1.0, 1.0, ascii_only=True)
    assert set("".join(plain)) == {" ", "*"}
    for braille, stars in zip(lines, plain, strict=True):
        assert [letter == "⠀" for letter in braille] == [letter == " " for letter in stars]


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_curves_of_any_length_are_as_wide_as_asked(n):
    assert [len(line) for line in curve(np.ones(n), 9, 3, 0, 2)] == [9] * 3
    assert len(sparkline(np.ones(n), 9)) == 9
    assert sparkline(np.zeros(n), 3, ascii_only=True) == "000"
