"""How much of its speed a second Python thread keeps while another one fits.

The second thread counts in pure Python, so it runs only while it holds the GIL. Its rate beside a
fit is compared with its rate alone; work of the same kind in another process says what two busy
cores cost each other without any GIL.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

from ..measure import fresh, peers
from ..measure.plan import Plan
from ..measure.record import Record
from ..measure.timing import Spread
from ..workloads.images import blobs

OTHER = """
from bench.suites.gil import fits
work = fits({quick})["fastlr LinearClassifier.fit"]
work()
print("ready", flush=True)
while True:
    work()
"""


def counting(seconds: float) -> float:
    """Count for some seconds; return seconds per thousand."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(1000):
            count += 1
    return (time.perf_counter() - start) / count * 1000


def beside(work: Callable[[], object], seconds: float) -> float:
    """Count while another thread repeats `work`."""
    stop, begun = threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        while not stop.is_set():
            work()

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    try:
        return counting(seconds)
    finally:
        stop.set()
        thread.join()


def beside_process(quick: bool, seconds: float) -> float:
    """Count while another process fits."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", OTHER.format(quick=quick)],
        stdout=subprocess.PIPE,
        env=fresh.environment(),
    ) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            return counting(seconds)
        finally:
            process.kill()


def fits(quick: bool) -> dict[str, Callable[[], object]]:
    """Return the fits by name."""
    from sklearn.linear_model import SGDClassifier

    from fastlr import LinearClassifier, MLPClassifier

    data = blobs(500 if quick else 30_000, 784, 10)
    X, y = data.X, data.y
    return {
        "fastlr LinearClassifier.fit": lambda: LinearClassifier(max_epochs=3).fit(X, y),
        "fastlr MLPClassifier.fit": lambda: MLPClassifier((128,), max_epochs=1).fit(X, y),
        "SGDClassifier.fit": lambda: SGDClassifier(max_iter=1, tol=None).fit(X, y),
    }


def run(plan: Plan) -> list[Record]:
    """Count alone, beside each fit, and beside another process, turn and turn about."""
    seconds = plan.pick(1.0, 0.05)
    work = fits(plan.quick)
    times: dict[str, list[float]] = {name: [] for name in ("alone", "another process", *work)}
    with peers.threads(1):
        for _ in range(plan.pick(3, 1)):
            times["alone"].append(counting(seconds))
            for name, each in work.items():
                times[name].append(beside(each, seconds))
            times["another process"].append(beside_process(plan.quick, seconds))
    plan.say("gil")
    alone = Spread.of(times["alone"]).median
    return [
        Record(
            "gil",
            "a thousand counts beside",
            name,
            Spread.of(each),
            more={"share of its speed": alone / Spread.of(each).median},
        )
        for name, each in times.items()
    ]
