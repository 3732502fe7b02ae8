"""How often `fastlr.diagnose` is right: runs with a known fault, and the table of its verdicts.

    python -m bench.studies.diagnose                 # the runs that it is judged by, some minutes
    python -m bench.studies.diagnose --split tune    # those that the thresholds were set on
    python -m bench.studies.diagnose --split fresh   # a second set to be judged by
    python -m bench.studies.diagnose --record FILE   # also writes some of them, for the tests

How runs are made and labelled stands in `runs.py`. The split for thresholds shares
neither data sets nor seeds with the others; "test" and "fresh" have the same kinds of data, drawn
anew, with other optimizers and schedules for each. Each run is diagnosed twice: from all of
`history_`, and from its losses alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from fastlr import diagnose
from fastlr.diagnosis.result import VERDICTS

from .runs import Run, all_runs

CAUSES = {  # words of a cause, and what it comes to
    "dead": "dead or saturated units",
    "equal": "first weights",
    "scale": "scale of the features",
    " rate ": "the rate",
}
LABELS = [verdict for verdict in VERDICTS if verdict != "too short"]
SEEDS = {"tune": 0, "test": 1000, "fresh": 2001}
RECORDED = 20  # runs, at most, of each label that go into the file for the tests
COLUMNS = ("loss", "validation_loss", "lr", "movement", "alignment")
FACTS = (
    *("start_loss", "end_loss", "constant_loss", "smallest_feature", "largest_feature"),
    *("dead_units", "diverged"),
)


def losses(history: dict[str, Any]) -> dict[str, Any]:
    """Return what any other library records, too."""
    return {name: history[name] for name in ("loss", "validation_loss")}


def table(counts: Counter[tuple[str, str]]) -> str:
    """Return the confusion matrix, labels down and verdicts across."""
    lines = [" " * 14 + "".join(f"{name:>12}" for name in VERDICTS) + "   right"]
    for label in LABELS:
        row = [counts[label, verdict] for verdict in VERDICTS]
        right = f"{counts[label, label] / sum(row):8.0%}" if sum(row) else "       -"
        lines.append(f"{label:<14}" + "".join(f"{n or '.':>12}" for n in row) + right)
    return "\n".join(lines)


def judged(runs: list[Run], what: Any) -> Counter[tuple[str, str]]:
    """Return how often each label got each verdict."""
    return Counter((run.label, diagnose(what(run.history)).verdict) for run in runs)


def causes(runs: list[Run]) -> str:
    """Return what runs that are stuck were made to be, and the first cause told of each."""
    counts: Counter[tuple[str, str]] = Counter()
    for run in runs:
        found = diagnose(run.history)
        if run.label == found.verdict == "stuck":
            low = run.made.startswith("best rate x 1e-") or run.made.startswith("best rate x 3e-")
            high = run.made.startswith("best rate") and not low
            made = "rate too low" if low else "rate too high" if high else run.made
            counts[made, found.causes[0]] += 1
    of_made = sorted({made for made, _ in counts})
    lines = []
    for made in of_made:
        lines.append(made)
        told: Counter[str] = Counter()
        for (m, cause), n in counts.items():
            if m == made:
                told[next(name for word, name in CAUSES.items() if word in cause)] += n
        lines += [f"    {n:4} {name}" for name, n in told.most_common()]
    return "\n".join(lines)


def record(runs: list[Run], path: Path) -> None:
    """Write some runs of each label, evenly spread, in a few digits."""
    by_label: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_label[run.label].append(run)
    chosen = []
    for label in LABELS:
        of_it = [run for run in by_label[label] if len(run.history["loss"]) <= 40]
        for k in np.unique(np.linspace(0, len(of_it) - 1, RECORDED).astype(int)):
            run = of_it[k]
            columns = {name: plain(run.history[name]) for name in COLUMNS}
            facts = {name: plain(run.history[name][-1:]) for name in FACTS}  # the same in all rows
            if not len(run.history["loss"]):
                facts["diverged"] = [1.0]
            chosen.append(
                {"label": label, "made": f"{run.group}: {run.made}"}
                | {name: column for name, column in columns.items() if column or name == "loss"}
                | {name: value[0] for name, value in facts.items() if value}
            )
    path.write_text("[\n" + ",\n".join(json.dumps(each) for each in chosen) + "\n]\n")


def plain(column: np.ndarray) -> list[float | None]:
    """Return a column in four digits, null for NaN; one that holds nothing else is empty."""
    if np.isnan(column).all():
        return []
    return [None if np.isnan(x) else float(f"{x:.4g}") for x in column.tolist()]


def main() -> None:
    """Make the runs, judge them, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", choices=SEEDS, default="test")
    parser.add_argument("--seed", type=int, help="another one than that of the split")
    parser.add_argument("--record", type=Path, help="file for the tests")
    options = parser.parse_args()
    seed = SEEDS[options.split] if options.seed is None else options.seed
    runs, left_out = all_runs(options.split, seed, lambda text: print(text, file=sys.stderr))
    print(f"{len(runs)} labelled runs, {len(left_out)} left out as lying between two labels\n")
    claimed = Counter(run.made for run in left_out if diagnose(run.history).verdict == "no signal")
    print(f'"no signal" among what is left out: {dict(claimed) or "never"}\n')
    for title, what in (("all of history_", dict), ("losses alone", losses)):
        counts = judged(runs, what)
        right = sum(n for (label, verdict), n in counts.items() if label == verdict)
        print(f"{title}: {right / len(runs):.1%} right\n\n{table(counts)}\n")
    print(f"first cause told of what is stuck\n\n{causes(runs)}")
    if options.record:
        record(runs, options.record)


if __name__ == "__main__":
    main()
