"""Looks at hostile examples until so many are done or the time is up: ``python -m tests.fuzz``.

Examples come in batches of 500, batch k from seed k, so that each can be looked at again. A process
that crashes is reported with its batch, and another takes over behind it.
"""

import argparse
import collections
import faulthandler
import subprocess
import sys
import threading
import time
import traceback

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz import models, updaters

BATCH = 500
LENGTH = 80  # bytes of an example, of which most need fewer
SUBJECTS = {"updaters": updaters, "models": models}


def run_batch(subject, number, examples=BATCH):
    """Look at the examples of one batch; return what they came to, and the first of each fault."""
    found, faults = collections.Counter(), {}
    module = SUBJECTS[subject]

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(min_size=LENGTH, max_size=LENGTH))
    def look(spelled):
        case = module.case(spelled)
        try:
            found[module.check(case)] += 1
        except Exception as error:
            found["FAULT"] += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            key = type(error).__name__, place.filename, place.lineno
            faults.setdefault(key, (case, traceback.format_exc()))

    look()
    return found, faults


def work(subjects, numbers, until):
    """Run batches, one after the other, of each subject in turn; print a line for each."""
    faulthandler.enable()
    for number in numbers:
        if time.time() > until:
            return
        subject = subjects[number % len(subjects)]
        print(f"{number}", flush=True)
        found, faults = run_batch(subject, number)
        for case, trace in faults.values():
            print(f"{subject} batch {number}: {case}\n{trace}", file=sys.stderr, flush=True)
        counts = (f"{subject}:{what.replace(' ', '-')}={n}" for what, n in found.items())
        print(number, *counts, flush=True)


def watch(lane, asked, until, totals, failures):
    """Have worker processes run every n-th batch, and count what they print."""
    reached, last = asked.start + lane, asked.start + -(-asked.examples // BATCH)
    while reached < last and time.time() < until:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.fuzz", "--worker", "--subject", asked.subject),
                *("--start", str(reached), "--examples", str((last - reached) * BATCH)),
                *("--processes", str(asked.processes)),
                *("--minutes", str((until - time.time()) / 60)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in process.stdout:
            number, *counts = line.split()
            reached = int(number)
            for count in counts:
                name, n = count.rsplit("=", 1)
                totals[name] += int(n)
                if name.endswith("FAULT"):
                    failures.append(f"batch {reached}: {n} faults, printed above")
        if process.wait() == 0:
            return
        failures.append(f"batch {reached}: exit status {process.returncode}")
        reached += asked.processes


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="number of the first batch")
    parser.add_argument("--subject", choices=[*SUBJECTS, "both"], default="both")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    until = time.time() + 60 * asked.minutes
    if asked.worker:
        last = asked.start + -(-asked.examples // BATCH)
        names = list(SUBJECTS) if asked.subject == "both" else [asked.subject]
        work(names, range(asked.start, last, asked.processes), until)
        return 0
    started, totals, failures = time.time(), collections.Counter(), []
    lanes = [
        threading.Thread(target=watch, args=(k, asked, until, totals, failures))
        for k in range(asked.processes)
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    for what, n in sorted(totals.items()):
        print(f"{what:<40} {n:>9,}")
    seconds = time.time() - started
    print(f"{sum(totals.values()):,} examples in {seconds:.0f} s, {len(failures)} failures")
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
