"""Whole fits by everybody: linear models dense and sparse, networks, regression."""

from __future__ import annotations

import functools

import pytest

from bench.contenders import linear, mlp, regression, sparse
from bench.contenders.contender import present
from bench.suites.fit import scores
from bench.workloads import images, numbers, sparse_rows


@functools.cache
def workload(name, quick):
    """Return the data of a name."""
    if name == "dense":
        return images.images(quick)
    if name == "text":
        return sparse_rows.text(600, 300, 4) if quick else sparse_rows.text(50_000)
    if name == "ads":
        return sparse_rows.ads(1000, 1000) if quick else sparse_rows.ads(500_000)
    if name in numbers.SETS:
        return numbers.regression(name, 500 if quick else 20_000)
    return images.digits()


def cases():
    """Yield every contender on its workloads."""
    races = {
        "dense": linear.LARGE,
        "digits": linear.SMALL,
        "text": sparse.TEXT,
        "ads": sparse.ADS,
        **dict.fromkeys(numbers.SETS, regression.ALL),
    }
    for name, contenders in races.items():
        for each in present(contenders):
            yield pytest.param(name, each, id=f"{name}-{each.name}")
    for name, hidden, batch, epochs in (("dense", 128, 128, 3), ("digits", 32, 32, 20)):
        for each in present(mlp.contenders(hidden, batch, epochs)):
            yield pytest.param(name, each, id=f"{name}-{each.name}")


@pytest.mark.filterwarnings("ignore")  # few epochs do not converge
@pytest.mark.parametrize(("name", "contender"), list(cases()))
def test_fit(benchmark, plan, one_thread, name, contender):
    data = workload(name, plan.quick)
    given = contender.prepare(data) if contender.prepare else data
    length = 1 if plan.quick else contender.length
    model = benchmark.pedantic(
        contender.fit, (given, length, contender.setting, 1), rounds=3, warmup_rounds=1
    )
    benchmark.extra_info |= scores(model, data)
