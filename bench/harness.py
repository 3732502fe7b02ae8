"""Runs suites, and keeps what they found: a JSON file, a page, and tables between markers."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastlr.core.files import write_atomic

from .measure import machine, peers
from .measure.plan import Plan
from .measure.record import Results

# Suites in the order they run, and what they are about.
SUITES = {
    "step": "one step of AdamW, beside torch, DeepSpeed, optax and NumPy",
    "rules": "every compiled rule, beside the memory's speed, torch and optax",
    "fit": "whole fits: linear models, sparse rows, networks, regression",
    "quality": "test loss against seconds, settings tuned with one budget",
    "online": "latency of partial_fit and predict",
    "start": "import, first step, first fit, in fresh processes",
    "memory": "peak memory of a fit and of a step, in fresh processes",
    "compat": "fastlr.compat beside the scikit-learn classes that it stands for",
    "gil": "the speed that another Python thread keeps during a fit",
    "scaling": "cost against size, with the slope, and the limit of the machine",
}
# Seconds after which a suite has one turn for everybody: the whole is to take a quarter of an hour.
SHARES = {"step": 60, "rules": 90, "fit": 170, "quality": 110, "scaling": 80}
SHARE = 45  # of all others


@dataclass(frozen=True)
class Written:
    """The files of a run; those that were not asked for are None."""

    json: Path
    page: Path
    readme: Path | None


def run(
    only: Sequence[str] = (), quick: bool = False, keep: Callable[[Results], object] | None = None
) -> Results:
    """Run suites.

    Parameters
    ----------
    only : sequence of str, default=()
        Names of `SUITES`; all of them if empty.
    quick : bool, default=False
        Do little of everything, for errors and not for times.
    keep : callable, optional
        Called with what there is after each suite, so that an end before the last loses no more
        than one.

    Returns
    -------
    Results
        What was found, with the machine and its limits.

    Raises
    ------
    ValueError
        If a suite has no such name.
    """
    unknown = [name for name in only if name not in SUITES]
    if unknown:
        raise ValueError(f"expected names among {', '.join(SUITES)}, got {', '.join(unknown)}")
    plan = Plan(quick)
    results = Results(machine.about(), quick, skipped=peers.missing())
    results.limits = machine.limits(quick)
    for name in SUITES:
        if only and name not in only:
            continue
        suite = importlib.import_module(f".suites.{name}", __package__)
        start = time.perf_counter()
        plan.share(SHARES.get(name, SHARE))
        if name == "scaling":
            results.records += suite.run(plan, results.limits)
        else:
            results.records += suite.run(plan)
        results.seconds[name] = time.perf_counter() - start
        plan.say(f"{name}: {results.seconds[name]:.0f} s in all")
        if keep is not None:
            keep(Results(**vars(results)))
    results.skipped |= plan.failed
    return results


def write(results: Results, folder: Path, readme: Path | None = None) -> Written:
    """Keep results in files.

    Parameters
    ----------
    results : Results
        What `run` returned. What an older run had of other suites is kept with it.
    folder : Path
        Where the JSON file and the page go, both named after the machine.
    readme : Path, optional
        A Markdown file whose tables are made anew.
    """
    from .show.page import page
    from .show.tables import update

    name = machine.slug(results.machine) + "-quick" * results.quick
    target = folder / f"{name}.json"
    if target.exists():
        results.merge(Results.read(target))
    results.write(target)
    html = target.with_suffix(".html")
    write_atomic(html, page(results).encode())
    if readme is not None:
        text = readme.read_text(encoding="utf-8")
        write_atomic(readme, update(text, results).encode())
    return Written(target, html, readme)
