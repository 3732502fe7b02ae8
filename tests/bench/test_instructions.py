"""The comparison of instruction counts: what fails, what passes, what cannot be compared."""

import json

import pytest

from bench import instructions

BEFORE = {"AdamW, step of 100": 5000, "predict of one row": 90_000}
VERSIONS = {"machine": "x86_64", "compiler": "GCC 12", "cython": "3.3.1", "python": "3.11.7"}
VERSIONS |= {"processor": "Xeon", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1"}


def test_a_call_that_grows_by_six_per_cent_fails_and_is_named():
    found = BEFORE | {"predict of one row": 95_400}
    (fault,) = instructions.faults(BEFORE, found, BEFORE)
    assert fault.startswith("predict of one row: 95,400 instructions, 6.0% more")


def test_four_per_cent_pass_and_so_does_a_call_that_is_new():
    found = {name: int(1.04 * n) for name, n in BEFORE.items()}
    assert instructions.faults(BEFORE, found | {"another": 1}, BEFORE) == []


def test_a_call_that_was_not_counted_fails_and_is_named():
    (fault,) = instructions.faults(BEFORE, {"AdamW, step of 100": 5000}, BEFORE)
    assert fault == "predict of one row: in the baseline, but not counted"


@pytest.mark.parametrize("part", ["processor", "numpy", "scipy", "scikit-learn"])
def test_beside_another_processor_or_library_the_steps_alone_are_compared(part):
    assert instructions.comparable(VERSIONS, VERSIONS, BEFORE) == list(BEFORE)
    other = VERSIONS | {part: "99.0"}
    assert instructions.comparable(VERSIONS, other, BEFORE) == ["AdamW, step of 100"]


@pytest.mark.parametrize("part", ["machine", "compiler", "cython", "python"])
def test_of_another_build_nothing_is_compared(part):
    assert instructions.comparable(VERSIONS, VERSIONS | {part: "other"}, BEFORE) == []


def test_what_callgrind_writes_is_read():
    dump = "# callgrind\ndesc: Trigger: Client Request: AdamW, step of 100\n\ntotals: 5022\n"
    assert instructions.total(dump) == ("AdamW, step of 100", 5022)
    with pytest.raises(SystemExit, match="not understood"):
        instructions.total("totals: 5022\n")


def test_the_baseline_says_what_it_was_taken_with():
    baseline = json.loads(instructions.BASELINE.read_text(encoding="utf-8"))
    assert baseline["taken with"].keys() == VERSIONS.keys()
    assert "unknown" not in baseline["taken with"].values()
    assert all(n > 1000 for n in baseline["counts"].values())
    assert any(name.startswith(instructions.OWN) for name in baseline["counts"])
