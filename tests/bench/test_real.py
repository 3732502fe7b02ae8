"""The bench of real data: which sets it has, and what its table says."""

from bench.data import keel, tables, texts
from bench.data.dataset import DataSet
from bench.real import table

SETS = [*keel.sets(), *tables.sets(), *texts.sets()]
LEFT_OUT = {
    *("letter", "satimage", "texture", "spambase", "magic", "splice", "movement_libras"),
    *("marketing", "german", "modeldata", "ggplot2", "openintro", "ISLR", "DAAG", "COUNT"),
    *("nycflights13", "dslabs", "lme4", "MplsStops", "MedExp"),
}


def test_sets_have_names_of_their_own_and_fall_into_halves():
    names = [data.name for data in SETS]
    assert len(set(names)) == len(names) >= 40
    halves = {data.half for data in SETS}
    assert halves == {"choosing", "untouched"}
    assert DataSet("keel/banana", "classes", None).half == "choosing"  # for ever


def test_sets_that_are_kept_for_judging_are_left_out():
    assert not LEFT_OUT & {part for data in SETS for part in data.name.split("/")}


def test_misses_come_first_in_the_table():
    def result(score):
        return {"score": score, "error": 0.01, "loss": 0.5, "seconds": 1.0}

    found = {
        "near": {"fastlr": result(0.895), "LinearSVC": result(0.9)},
        "far": {"fastlr": result(0.7), "LinearSVC": result(0.9), "SGDClassifier": result(0.8)},
    }
    lines = table(found).splitlines()
    assert lines[1].startswith("! far")
    assert "LinearSVC" in lines[1]
    assert lines[2].startswith("near")
    assert lines[3].startswith("1 of 2 within")
