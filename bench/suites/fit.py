"""Whole fits: dense rows, sparse rows, networks and regression, each beside its peers."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..contenders import linear, mlp, regression, sparse
from ..contenders.contender import Contender, present
from ..measure import peers
from ..measure.plan import Plan
from ..measure.record import Record
from ..measure.timing import Spread
from ..workloads import images, numbers, sparse_rows
from ..workloads.data import Data

FEW = 400  # rows of the fit that comes first, for imports and whatever is done once


def race(
    plan: Plan,
    table: str,
    data: Data,
    contenders: list[Contender],
    rounds: int = 3,
    seconds: float = 5.0,
    threads: int = 1,
) -> list[Record]:
    """Fit everybody turn and turn about, and score the models that were timed.

    Parameters
    ----------
    plan : Plan
        Where errors of peers go.
    table : str
        Table of the records.
    data : Data
        What is fitted; its test rows are for the scores.
    contenders : list of Contender
        With their default lengths and settings.
    rounds : int, default=3
        Turns that everybody has at least, of up to three fits where they take less than 1 s.
    seconds : float, default=5
        Nobody begins a turn after fitting for as long.
    threads : int, default=1
        What everybody may use.
    """
    able: dict[str, tuple[Contender, Any]] = {}
    with peers.threads(threads):
        for each in present(contenders):
            made = plan.attempt(each.name, lambda each=each: _ready(each, data, threads))  # type: ignore[misc]
            if made is not None:
                able[each.name] = each, made
        times: dict[str, list[float]] = {name: [] for name in able}
        models: dict[str, Any] = {}
        for turn in range(1 if plan.quick else rounds):
            if turn and plan.late:
                break
            for name, (each, made) in able.items():
                for _ in range(3):
                    if sum(times[name]) > seconds:
                        break
                    time.sleep(0.01)  # threads of the one before may still be spinning
                    start = time.perf_counter()
                    models[name] = each.fit(made, each.length, each.setting, threads)
                    times[name].append(time.perf_counter() - start)
                    if plan.quick or plan.late or times[name][-1] > 1:
                        break
        return [
            Record(
                table,
                data.name,
                name,
                Spread.of(times[name]),
                threads=threads,
                more=scores(model, data),
            )
            for name, model in models.items()
        ]


def _ready(contender: Contender, data: Data, threads: int) -> Any:
    """Bring in code, and return what the contender is to be given."""
    few = data.first(FEW)
    prepare = contender.prepare or (lambda d: d)
    contender.fit(prepare(few), 1, contender.setting, threads)
    return prepare(data)


def scores(model: Any, data: Data) -> dict[str, float | str]:
    """Return how a model does on the test rows: accuracy and log-loss, or R2."""
    from sklearn.metrics import log_loss, r2_score

    predicted = np.asarray(model.predict(data.X_test)).ravel()
    if data.y.dtype.kind == "f":
        return {"test R2": float(r2_score(data.y_test, predicted))}
    found: dict[str, float | str] = {"test accuracy": float((predicted == data.y_test).mean())}
    try:
        probabilities = np.asarray(model.predict_proba(data.X_test), dtype=np.float64)
    except AttributeError:
        return found
    labels = range(probabilities.shape[1])
    found["test log-loss"] = float(log_loss(data.y_test, probabilities, labels=labels))
    return found


def dense(plan: Plan) -> list[Record]:
    """Fit logistic regression, many rows and few."""
    found = race(plan, "fit-dense", images.images(plan.quick), linear.LARGE)
    plan.say("fit: dense")
    for data in (images.digits(), images.cancer()):
        found += race(plan, "fit-small", data, linear.SMALL, rounds=5, seconds=2.0)
    plan.say("fit: small")
    return found


def wide(plan: Plan) -> list[Record]:
    """Fit linear models of sparse rows."""
    text = sparse_rows.text(plan.pick(50_000, 600), plan.pick(30_000, 300), plan.pick(50, 4))
    found = race(plan, "fit-sparse", text, sparse.TEXT)
    plan.say("fit: text")
    ads = sparse_rows.ads(plan.pick(500_000, 1000), plan.pick(100_000, 1000))
    found += race(plan, "fit-sparse", ads, sparse.ADS)
    plan.say("fit: ads")
    return found


def networks(plan: Plan) -> list[Record]:
    """Fit networks, a large one and a small one."""
    large = images.images(plan.quick)
    found = race(plan, "fit-mlp", large, mlp.contenders(128, 128, plan.pick(3, 1)))
    plan.say("fit: large network")
    found += race(plan, "fit-mlp", images.digits(), mlp.contenders(32, 32, plan.pick(20, 1)))
    plan.say("fit: small network")
    return found


def numbers_as_they_come(plan: Plan) -> list[Record]:
    """Fit linear regression to what nobody scaled."""
    found = []
    for name in numbers.SETS:
        data = numbers.regression(name, plan.pick(20_000, 500))
        found += race(plan, "fit-regression", data, regression.ALL, seconds=3.0)
    plan.say("fit: regression")
    return found


def run(plan: Plan) -> list[Record]:
    """Fit everything."""
    return [*dense(plan), *wide(plan), *networks(plan), *numbers_as_they_come(plan)]
