"""Test loss against seconds: for each contender whole fits of several lengths.

Settings are tuned with one budget for all: as many candidates (a learning rate, or a strength of
regularisation), each fitted once for the middle one of the contender's lengths to the same few
rows, and scored by log-loss on others. Tuning is not in the times. A point of a curve is a fit from
the start, so that schedules end where it ends.
"""

from __future__ import annotations

import math
import time
from typing import Any

from ..contenders import linear, mlp, sparse
from ..contenders.contender import Contender, present
from ..measure import peers
from ..measure.plan import Plan
from ..measure.record import Record
from ..measure.timing import Spread
from ..workloads import images, sparse_rows
from ..workloads.data import Data
from .fit import FEW, scores

CANDIDATES = 5
LONGEST = 8.0  # seconds that the fits of a contender may take before its longer ones are left out


def loss(model: Any, data: Data) -> float:
    """Return the test log-loss of a model; infinity where it has left the finite numbers."""
    try:
        found = float(scores(model, data)["test log-loss"])
    except ValueError:
        return math.inf
    return found if math.isfinite(found) else math.inf


def tuned(contender: Contender, data: Data, rows: int) -> float:
    """Return the best of a contender's settings on some of the training rows."""
    if not contender.settings:
        return contender.setting
    part = data.held_out(rows, rows // 2)
    given = contender.prepare(part) if contender.prepare else part
    length = contender.lengths[len(contender.lengths) // 2]

    def judge(setting: float) -> float:
        try:
            return loss(contender.fit(given, length, setting, 1), part)
        except RuntimeError:  # a rate at which training diverges
            return math.inf

    return min(contender.settings[:CANDIDATES], key=judge)


def curve(plan: Plan, contender: Contender, data: Data, rows: int) -> list[Record]:
    """Return a record for each length, whose quartiles are of its fits."""
    few = data.first(FEW)
    contender.fit(contender.prepare(few) if contender.prepare else few, 1, contender.setting, 1)
    setting = tuned(contender, data, rows)
    given = contender.prepare(data) if contender.prepare else data
    found: list[Record] = []
    spent = 0.0
    for length in contender.lengths[: 1 if plan.quick else None]:
        if spent > LONGEST:
            break
        times: list[float] = []
        model = None
        while len(times) < (1 if plan.quick or plan.late else 3) and sum(times) < 1.0:
            start = time.perf_counter()
            model = contender.fit(given, length, setting, 1)
            times.append(time.perf_counter() - start)
        spent += sum(times)
        more: dict[str, float | str] = {"setting": setting, **scores(model, data)}
        found.append(
            Record(
                "quality", data.name, contender.name, Spread.of(times), more=more, x=float(length)
            )
        )
    return found


def run(plan: Plan) -> list[Record]:
    """Draw the curves of a linear model, of a network, and of a model of sparse rows."""
    dense = images.images(plan.quick)
    network = Data(f"{dense.name}, 128 hidden units", dense.X, dense.y, dense.X_test, dense.y_test)
    ads = sparse_rows.ads(plan.pick(200_000, 1000), plan.pick(100_000, 1000))
    races = [
        (dense, linear.LARGE),
        (network, mlp.contenders(128, 128, 3, one_cycle=True)),
        (ads, sparse.ADS),
    ]
    rows = plan.pick(6000, 200)
    found = []
    with peers.threads(1):
        for data, contenders in races:
            for each in present(contenders):
                if each.lengths:
                    found += (
                        plan.attempt(each.name, lambda c=each, d=data: curve(plan, c, d, rows))  # type: ignore[misc]
                        or []
                    )
                    plan.say(f"quality: {data.name}, {each.name}")
    return found
