"""Latency of `partial_fit` and `predict` in a service: median and 99th percentile of calls.

Contenders take turns call by call, so that whatever else the machine does hits all alike; with
four threads, three others do the same to models of their own.
"""

from __future__ import annotations

import threading
import time

import numpy as np

from ..contenders.online import CLASSES, calls, services
from ..measure import peers
from ..measure.plan import Plan
from ..measure.record import Record
from ..measure.timing import Spread

FEATURES = 100


def data(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and labels."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, FEATURES), dtype=np.float32)
    return X, rng.integers(0, CLASSES, rows)


def latencies(rows: int, count: int) -> dict[str, np.ndarray]:
    """Return the seconds of every call, by model and method."""
    work = calls(services(*data(500)), *data(rows))
    times = {each: np.empty(count) for each in work}
    for i in range(-20, count):
        for each, call in work.items():
            start = time.perf_counter()
            call()
            if i >= 0:
                times[each][i] = time.perf_counter() - start
    return times


def in_threads(rows: int, count: int, threads: int) -> dict[str, np.ndarray]:
    """Do the same in several threads at once and put their calls together."""
    found: list[dict[str, np.ndarray]] = []
    workers = [
        threading.Thread(target=lambda: found.append(latencies(rows, count // threads)))
        for _ in range(threads)
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    if len(found) < threads:
        raise RuntimeError("a thread of the online benchmark ended with an error")
    return {key: np.concatenate([one[key] for one in found]) for key in found[0]}


def run(plan: Plan) -> list[Record]:
    """Call everything with 1 and 32 rows, in 1 and 4 threads."""
    found = []
    with peers.threads(1):
        for threads in (1, 4):
            for rows in (1, 32):
                count = plan.pick(400 if plan.late else 800, 8)
                for name, times in in_threads(rows, count, threads).items():
                    low, middle, high, late = np.quantile(times, [0.25, 0.5, 0.75, 0.99]).tolist()
                    model, _, method = name.rpartition(".")
                    found.append(
                        Record(
                            "online",
                            f"{method}, {rows} row" + "s" * (rows > 1),
                            model,
                            Spread(middle, low, high, len(times)),
                            threads=threads,
                            more={"p99, us": late * 1e6},
                        )
                    )
                plan.say(f"online: {rows} rows, {threads} threads")
    return found
