"""How the benchmarks run: turns, errors of peers, and the command."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from bench import harness
from bench.command import bench
from bench.contenders import steps
from bench.measure import fresh
from bench.measure.plan import Plan
from bench.measure.timing import Spread, interleave
from tests.support.engines import output_of


def test_contenders_take_turns():
    calls = []
    found = interleave(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2, rewarm=False
    )
    assert "".join(calls) == "ab" + "ab" * 2
    assert found["a"].count == found["b"].count == 2


def test_whoever_has_had_its_time_gets_no_more_turns():
    found = interleave({"slow": lambda: sum(range(20_000))}, rounds=50, seconds=1e-9)
    assert found["slow"].count == 1


def test_quartiles_of_many_and_extremes_of_two():
    assert Spread.of([1.0, 2.0, 3.0, 4.0, 5.0]) == Spread(3.0, 2.0, 4.0, 5)
    assert Spread.of([3.0, 1.0]) == Spread(2.0, 1.0, 3.0, 2)


def test_an_error_of_a_peer_leaves_it_out_and_is_told():
    def broken():
        raise RuntimeError("no such\nprocessor")

    plan = Plan(quick=True)
    records = plan.time("step", "case", {"fastlr": lambda: None, "peer": broken})
    assert [r.contender for r in records] == ["fastlr"]
    assert plan.failed == {"peer": "RuntimeError: no such processor"}


def test_an_error_of_this_library_is_an_error():
    def broken():
        raise RuntimeError("wrong")

    with pytest.raises(RuntimeError, match="wrong"):
        Plan().time("step", "case", {"fastlr": broken})


def test_a_process_that_fails_says_why():
    with pytest.raises(RuntimeError, match="ended with 1: ValueError: told"):
        fresh.run("raise ValueError('told')")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_makes_the_same_steps_of_adamw(dtype):
    """The peer that is always there does the same work: three steps end at the same values."""
    rng = np.random.default_rng(0)
    params, grads = rng.normal(size=(2, 50)).astype(dtype)
    ours = fastlr_after(params, grads, 3)
    theirs = numpy_after(params, grads, 3)
    assert np.abs(ours - params).max() > 1e-3
    np.testing.assert_allclose(theirs, ours, rtol=3e-6 if dtype == "float32" else 1e-12)


def fastlr_after(params, grads, count):
    from fastlr import AdamW

    mine = params.copy()
    updater = AdamW().bind(mine)
    for _ in range(count):
        updater.step(grads)
    return mine


def numpy_after(params, grads, count):
    mine = params.copy()
    step = steps.numpy_step("AdamW", [mine], [grads])
    for _ in range(count):
        step()
    return mine


def test_a_quick_suite_has_a_figure_of_this_library_for_every_case():
    kept = []
    found = harness.run(["step"], quick=True, keep=kept.append)
    assert [len(part.records) for part in kept] == [len(found.records)]
    assert found.seconds["step"] > 0
    assert found.limits["bytes per second"] > 0
    for case in {(r.case, r.threads) for r in found.records}:
        assert any(r.ours for r in found.records if (r.case, r.threads) == case)


def test_an_unknown_suite_is_refused_by_name():
    with pytest.raises(ValueError, match="got nothing"):
        harness.run(["nothing"])


app = typer.Typer()
app.command()(bench)


def run(*args, code=0):
    result = CliRunner().invoke(app, ["--quick", *map(str, args)])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_command_writes_json_page_and_tables(tmp_path):
    readme = tmp_path / "tables.md"
    readme.write_text("<!-- bench:rules:begin -->\n<!-- bench:rules:end -->\n")
    done = run("--only", "rules", "-o", tmp_path, "--readme", readme, "--json")
    known = json.loads(done.stdout)
    assert known["quick"]
    assert "| rule | fastlr, ns |" in readme.read_text()
    assert [p.suffix for p in sorted(tmp_path.glob("*-quick.*"))] == [".html", ".json"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "nothing"], "--only: expected step"),
        (["--compare", "absent.json"], "--compare: 'absent.json'"),
        (["--readme", "absent.md"], "--readme: 'absent.md'"),
    ],
)
def test_command_refuses_in_one_line(arguments, said):
    done = run(*arguments, code=2)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_listing_the_suites_imports_no_peer():
    code = "import sys, bench.harness; print('torch' in sys.modules, 'numba' in sys.modules)"
    assert output_of(code).split() == ["False", "False"]


def test_the_suites_are_listed_as_json():
    code = "from bench.command import bench; bench(suites=True, as_json=True)"
    assert json.loads(output_of(code))["step"].startswith("one step")
