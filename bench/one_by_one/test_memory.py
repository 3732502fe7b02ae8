"""Peak memory of a fit above its data, and of state and step, in fresh processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.contenders.memory import STEPS, models
from bench.measure import fresh
from bench.measure.peers import load
from bench.suites.memory import CODE

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak"
)


def measure(benchmark, maker, name, size):
    """Keep the peak in the report's extra information; the time is of the whole process."""
    code = CODE.format(maker=maker, name=name, size=size)
    data, peak = benchmark.pedantic(fresh.run, (code,), rounds=1)
    benchmark.extra_info |= {"bytes of the data": data, "peak above them": peak}
    assert data > 0


SLOW = [n for n in models() if n not in ("fastlr LinearClassifier", "SGDClassifier")]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in models()]
)
def test_fit(benchmark, plan, name):
    measure(benchmark, "fit_of", name, 500 if plan.quick else 30_000)


@pytest.mark.parametrize("name", STEPS)
def test_step(benchmark, plan, name):
    needs = STEPS[name]
    if needs is not None and load(needs) is None:
        pytest.skip(f"{needs} is not installed")
    measure(benchmark, "step_of", name, 100_000 if plan.quick else 10_000_000)
