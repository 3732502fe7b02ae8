"""Import, first step and first fit, each round in a fresh process; warm and cold."""

from __future__ import annotations

import pytest

from bench.measure.peers import load
from bench.suites.start import CASES, seconds


def cases():
    """Yield what is started; a quick run keeps what is this library's."""
    for case, contenders in CASES.items():
        for name, (before, timed, needs) in contenders.items():
            marks = [] if name.startswith("fastlr") else [pytest.mark.slow]
            yield pytest.param(before, timed, needs, id=f"{case}-{name}", marks=marks)


@pytest.mark.parametrize("cold", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("before", "timed", "needs"), list(cases()))
def test_start(benchmark, plan, before, timed, needs, cold):
    if needs is not None and load(needs) is None:
        pytest.skip(f"{needs} is not installed")
    times = []
    # The whole process is what pytest-benchmark can time; the part meant is told beside it.
    benchmark.pedantic(
        lambda: times.append(seconds(before, timed, cold)), rounds=1 if plan.quick else 3
    )
    benchmark.extra_info["seconds"] = times
    assert min(times) > 0
