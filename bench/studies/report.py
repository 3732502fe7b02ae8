"""Prints the table of a study with the machine that it was measured on, and keeps it as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.measure.machine import about
from bench.show.tables import markdown
from fastlr.core.files import write_atomic

RESULTS = Path(__file__).parents[1] / "results" / "studies"


def report(title: str, rows: list[dict[str, Any]], name: str) -> None:
    """Print rows as a Markdown table, and write them to ``results/studies``."""
    machine = about()
    print(f"\n{title}\n" + ", ".join(f"{k} {v}" for k, v in machine.items()) + "\n")
    print(markdown([{k: str(v) for k, v in row.items()} for row in rows]))
    RESULTS.mkdir(parents=True, exist_ok=True)
    known = {"title": title, "machine": machine, "rows": rows}
    write_atomic(RESULTS / f"{name}.json", (json.dumps(known, indent=1) + "\n").encode())
