"""Times contenders side by side: turn and turn about, medians, so that a noisy neighbour hits all.

Every comparison in this folder goes through `interleave`.
"""

from __future__ import annotations

import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def interleave(
    contenders: dict[str, Callable[[], Any]],
    rounds: int = 15,
    repeats: int | dict[str, int] = 1,
    before_round: Callable[[], Any] | None = None,
) -> dict[str, dict[str, float]]:
    """Time each contender once per round and return seconds per call.

    Parameters
    ----------
    contenders : dict of str to callable
        Names and what to time; each is called once before timing starts.
    rounds : int, default=15
        How often everybody has a turn.
    repeats : int or dict, default=1
        Calls in one turn, for calls too short to time alone.
    before_round : callable, optional
        Called, untimed, before each turn.

    Returns
    -------
    dict
        For each name ``median``, ``low`` and ``high`` (quartiles) in seconds.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in contenders.items():
                count = repeats if isinstance(repeats, int) else repeats[name]
                if before_round is not None:
                    before_round()
                # Worker threads of the contender before may still be spinning on the other core.
                time.sleep(0.005)
                call()
                start = time.perf_counter()
                for _ in range(count):
                    call()
                times[name].append((time.perf_counter() - start) / count)
    finally:
        if enabled:
            gc.enable()
    return {
        name: dict(zip(("low", "median", "high"), _quartiles(each), strict=True))
        for name, each in times.items()
    }


def _quartiles(values: list[float]) -> list[float]:
    if len(values) < 3:
        return [min(values), statistics.median(values), max(values)]
    return statistics.quantiles(values, n=4, method="inclusive")


def machine() -> dict[str, str]:
    """Describe processor and versions, for the head of a table."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [ln for ln in cpuinfo.read_text().splitlines() if ln.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    found = {"cpu": model, "cores": str(os.cpu_count()), "python": platform.python_version()}
    for name in ("fastlr", "numpy", "scikit-learn", "numba", "torch"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return rows as a Markdown table."""
    columns = list(rows[0])
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(str(r[c]) for c in columns) + " |" for r in rows]
    return "\n".join(lines)


def report(title: str, rows: list[dict[str, Any]], name: str) -> None:
    """Print a table with the machine, and keep the figures in ``bench/results``."""
    about = machine()
    print(f"\n{title}\n" + ", ".join(f"{k} {v}" for k, v in about.items()) + "\n")
    print(markdown(rows))
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(
        json.dumps({"title": title, "machine": about, "rows": rows}, indent=1) + "\n"
    )
