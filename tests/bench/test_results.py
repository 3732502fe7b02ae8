"""What the benchmarks keep and show: files, tables between markers, comparisons, pictures."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from bench import harness
from bench.measure import machine
from bench.measure.record import Record, Results
from bench.measure.timing import Spread
from bench.show import charts, compare, special, tables
from bench.show.catalogue import TABLES
from bench.show.page import page

MACHINE = {"cpu": "Some CPU", "cores": "2", "kernels": "avx2"}


def spread(median, width=0.1):
    low, high = (float(f"{median * k:.4g}") for k in (1 - width, 1 + width))
    return Spread(median, low, high, 5)


def record(table, case, contender, seconds, **others):
    return Record(table, case, contender, spread(seconds), **others)


@pytest.fixture
def results():
    """One of each layout; a peer wins on iris, a reference is fastest of all on steps."""
    quality = {"setting": 0.01, "test log-loss": 0.5}
    return Results(
        dict(MACHINE),
        records=[
            record("step", "1 x 10", "fastlr", 2e-6, more={"GB/s": 3.0}),
            record("step", "1 x 10", "torch fused", 6e-6, more={"GB/s": 1.0}),
            record("step", "1 x 10", "plain loop", 1e-6),
            record("rules", "AdamW", "fastlr", 2e-6, x=1000.0),
            record("rules", "AdamW", "torch", 9e-6, x=1000.0),
            record("fit-small", "iris", "fastlr LinearClassifier", 4e-3),
            record("fit-small", "iris", "SGDClassifier", 1e-3, more={"test accuracy": 0.9}),
            record("memory", "fit", "fastlr LinearClassifier", 0.0, unit="bytes"),
            record("memory", "fit", "SGDClassifier", 1e6, unit="bytes"),
            record("online", "predict, 1 row", "fastlr", 1e-4, more={"p99, us": 300.0}, threads=4),
            record("quality", "digits", "fastlr", 0.1, more=quality, x=1.0),
            record("quality", "digits", "torch", 0.2, more=quality | {"test log-loss": 0.6}, x=1.0),
            *(
                record("scaling", "fit: rows", "fastlr", s, more={"limit, s": s / 4}, x=n)
                for n, s in ((10.0, 0.25), (100.0, 2.5), (1000.0, 25.0))
            ),
        ],
        skipped={"river": "not installed"},
        limits={"bytes per second": 1e10, "float32 operations per second": 9e10},
        seconds={"step": 1.0},
    )


def test_results_survive_the_file(results, tmp_path):
    path = tmp_path / "new" / "machine.json"
    results.write(path)
    assert Results.read(path) == results


def test_the_file_keeps_four_digits(tmp_path):
    path = tmp_path / "r.json"
    Results({}, records=[record("step", "a", "fastlr", 1.23456789)]).write(path)
    assert Results.read(path).records[0].value.median == 1.235


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}', '{"format": 1, "records": [3]}'])
def test_other_files_are_refused_by_name(text, tmp_path):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"other\.json' holds no results"):
        Results.read(path)


def test_a_run_of_one_suite_keeps_the_tables_of_others(results, tmp_path):
    harness.write(results, tmp_path)
    again = Results(MACHINE, records=[record("step", "1 x 10", "fastlr", 9e-6)])
    written = harness.write(again, tmp_path)
    kept = Results.read(written.json)
    assert [r.value.median for r in kept.of("step")] == [9e-6]
    assert kept.of("quality") == results.of("quality")
    assert kept.limits == results.limits


def test_keeping_what_older_runs_had_leaves_what_was_measured_as_it_is(results):
    again = Results(MACHINE, records=[record("step", "1 x 10", "fastlr", 9e-6)])
    measured = Results(**vars(again))
    again.merge(results)
    assert len(again.records) > len(measured.records) == 1


def test_quick_runs_have_files_of_their_own(results, tmp_path):
    full = harness.write(results, tmp_path)
    results.quick = True
    quick = harness.write(results, tmp_path)
    assert full.json != quick.json
    assert machine.slug(MACHINE) in full.json.name


def test_tables_are_made_anew_between_their_markers_alone(results):
    text = "# Title\n<!-- bench:step:begin -->\nold\n<!-- bench:step:end -->\nowner's text\n"
    new = tables.update(text, results)
    assert new.startswith("# Title\n<!-- bench:step:begin -->\n| workload |")
    assert new.endswith("<!-- bench:step:end -->\nowner's text\n")
    assert "old" not in new
    assert tables.update(new, results) == new


def test_a_table_that_was_not_measured_stays(results):
    text = "<!-- bench:gil:begin -->\nold\n<!-- bench:gil:end -->"
    assert tables.update(text, results) == text


@pytest.mark.parametrize(
    "text",
    [
        "<!-- bench:step:begin -->\nno end",
        "<!-- bench:step:begin -->\n<!-- bench:rules:end -->",
        "<!-- bench:other:begin -->\n<!-- bench:other:end -->",
    ],
)
def test_wrong_markers_are_refused(text, results):
    with pytest.raises(ValueError, match=r"markers|no table is called 'other'"):
        tables.update(text, results)


def test_the_fastest_contender_is_in_bold_and_references_never(results):
    row = tables.wide(results.of("step"))[0]
    assert row["fastlr"] == "**2.00 us**"
    assert row["plain loop"] == "1.00 us"
    assert row["best peer / fastlr"] == "3.00"
    mine, peer = tables.long(results.of("fit-small"))
    assert (mine["time"], peer["time"]) == ("4.00 ms", "**1.00 ms**")
    assert (mine["of fastlr's"], peer["of fastlr's"]) == ("1.00", "0.25")


def test_lost_comparisons_are_listed_and_won_ones_are_not(results):
    (row,) = tables.lost(results.records)
    assert row["fastest"] == "SGDClassifier"
    assert row["workload"] == "iris"
    assert row["ratio"] == "0.25"
    assert row["quartiles apart"] == "yes"


def test_quality_tells_when_the_target_was_reached(results):
    mine, peer = special.quality(results.of("quality"))
    assert mine["target reached after"] == "100 ms"
    assert peer["target reached after"] == "not reached"


def test_scaling_fits_a_slope_and_compares_with_the_limit(results):
    (row,) = special.scaling(results.of("scaling"))
    assert row["slope"] == "1.00"
    assert row["times the limit"] == "4.00"


def test_compare_finds_what_is_clearly_slower():
    def run(*seconds):
        names = ("same", "slower", "within the spread", "a little slower")
        return Results(
            {}, records=[record("step", "a", n, s) for n, s in zip(names, seconds, strict=True)]
        )

    old, new = run(1.0, 1.0, 1.0, 1.0), run(1.0, 2.0, 1.15, 1.05)
    found = compare.changes(old, new)
    assert [c.ratio for c in found] == [2.0, 1.15, 1.05, 1.0]
    (row,) = compare.rows(found)
    assert row["contender"] == "slower"
    assert row["now / before"] == "2.00"


def test_compare_refuses_runs_that_are_not_alike(results):
    with pytest.raises(ValueError, match="quick"):
        compare.changes(results, Results(MACHINE, quick=True))
    with pytest.raises(ValueError, match="no figure in common"):
        compare.changes(results, Results(MACHINE))


def test_the_page_holds_everything_in_itself(results):
    text = page(results)
    for name in {r.table for r in results.records}:
        assert f"<h2 id={name}>" in text
    assert not re.search(r"(src|href)=[\"']?(https?:|//)|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text
    assert "width=device-width" in text


def test_every_picture_is_well_formed_and_inside_its_frame(results):
    drawn = re.findall(r"<svg.*?</svg>", page(results), re.S)
    assert len(drawn) >= 5
    for text in drawn:
        picture = ElementTree.fromstring(text)
        _, _, width, height = map(float, picture.get("viewBox").split())
        for dot in picture.iter("circle"):
            assert 0 <= float(dot.get("cx")) <= width
            assert 0 <= float(dot.get("cy")) <= height


@pytest.mark.parametrize(("low", "high"), [(1e-9, 1e3), (1.0, 1.0), (3.1, 3.3), (2e-6, 9e-6)])
def test_every_axis_has_ticks_inside(low, high):
    axis = charts.Axis.over([low, high])
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 12
    assert all(0 <= axis.share(tick) <= 1 for tick in ticks)


def test_every_suite_has_its_tables():
    found = {name.partition("-")[0] for name in TABLES}
    assert found == set(harness.SUITES)
