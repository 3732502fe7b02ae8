"""Records as Markdown tables, and those tables between markers of a file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import groupby

from ..measure.record import Record, Results
from . import units
from .catalogue import REFERENCES, TABLES
from .special import online, quality, rules, scaling

Rows = list[dict[str, str]]
_MARKER = re.compile(r"<!-- bench:([a-z-]+):begin -->\n.*?<!-- bench:\1:end -->", re.S)
_LAYOUTS: dict[str, Callable[[Sequence[Record]], Rows]] = {
    "online": online,
    "quality": quality,
    "rules": rules,
    "scaling": scaling,
}


def markdown(rows: Rows) -> str:
    """Return rows as a Markdown table; what a row lacks is a dash.

    Examples
    --------
    >>> print(markdown([{"a": "1"}, {"a": "2", "b": "3"}]))
    | a | b |
    | --- | --- |
    | 1 | - |
    | 2 | 3 |
    """
    columns = list(dict.fromkeys(c for row in rows for c in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(row.get(c, "-") for c in columns) + " |" for row in rows]
    return "\n".join(lines)


def groups(records: Sequence[Record]) -> list[list[Record]]:
    """Return the records of each comparison: of one workload, with as many threads."""

    def key(r: Record) -> tuple[str, str, int, float]:
        return r.table, r.case, r.threads, -1.0 if r.x is None else r.x

    order = {k: i for i, k in enumerate(dict.fromkeys(map(key, records)))}
    together = sorted(records, key=lambda r: order[key(r)])
    return [list(each) for _, each in groupby(together, key)]


def best(records: Sequence[Record], ours: bool) -> Record | None:
    """Return the least of this library's, or of the peers' records; None without any."""
    able = [r for r in records if r.ours == ours and r.contender not in REFERENCES]
    return min(able, key=lambda r: r.value.median, default=None)


def wide(records: Sequence[Record]) -> Rows:
    """Return a row for each comparison; whoever is fastest is in bold."""
    rows = []
    threaded = len({r.threads for r in records}) > 1
    for group in groups(records):
        ours, peer = best(group, True), best(group, False)
        least = min(r.value.median for r in (ours, peer) if r is not None)
        row = {"workload": group[0].case}
        if threaded:
            row["threads"] = str(group[0].threads)
        row |= {r.contender: _bold(r, least) for r in group}
        if ours is not None:
            if peer is not None:
                row["best peer / fastlr"] = units.ratio(peer.value.median / ours.value.median)
            row |= {k: units.figure(k, v) for k, v in ours.more.items()}
        rows.append(row)
    last = [c for c in ("best peer / fastlr", "GB/s") if any(c in row for row in rows)]
    for row in rows:  # these columns come last, though not every row has all others
        row |= {c: row.pop(c) for c in last if c in row}
    columns = dict.fromkeys(c for row in rows for c in row if c not in last)
    return [{c: row.get(c, "-") for c in [*columns, *last]} for row in rows]


def long(records: Sequence[Record]) -> Rows:
    """Return a row for each contender, the fastest of its group in bold."""
    rows = []
    for group in groups(records):
        ours = best(group, True)
        able = [r.value.median for r in group if r.contender not in REFERENCES]
        for k, r in enumerate(group):
            low, high = (units.amount(v, r.unit) for v in (r.value.low, r.value.high))
            row = {
                "workload": group[0].case if k == 0 else "",
                "contender": r.contender,
                "peak" if r.unit == "bytes" else "time": _bold(r, min(able)),
                "quartiles": f"{low} to {high}",
            }
            if ours is not None and ours.value.median and TABLES[r.table].compared:
                row["of fastlr's"] = units.ratio(r.value.median / ours.value.median)
            rows.append(row | {name: units.figure(name, v) for name, v in r.more.items()})
    return rows


def _bold(record: Record, least: float) -> str:
    text = units.amount(record.value.median, record.unit)
    plain = record.contender in REFERENCES or record.value.median > least
    return text if plain else f"**{text}**"


def lost(records: Sequence[Record]) -> Rows:
    """Return a row for each comparison that a peer wins, the clearest first."""
    found = []
    for group in groups([r for r in records if TABLES[r.table].compared]):
        ours, peer = best(group, True), best(group, False)
        if ours is None or peer is None or peer.value.median >= ours.value.median:
            continue
        share = peer.value.median / ours.value.median if ours.value.median else math.nan
        size = "" if ours.x is None else f", {ours.x:,.0f} elements"
        apart = peer.value.high < ours.value.low
        row = {
            "workload": ours.case + size,
            "fastest": peer.contender,
            "ratio": units.ratio(share),
            "takes": units.amount(peer.value.median, peer.unit),
            "fastlr takes": units.amount(ours.value.median, ours.unit),
            "threads": str(ours.threads),
            "quartiles apart": "yes" if apart else "no",
            "table": TABLES[ours.table].title,
        }
        found.append((share, row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def rows_of(table: str, records: Sequence[Record]) -> Rows:
    """Return a table's rows as it is laid out."""
    layout = TABLES[table].layout
    return _LAYOUTS.get(layout, wide if layout == "wide" else long)(records)


def head(results: Results) -> str:
    """Return machine, versions, limits, and who is missing, in Markdown."""
    known = ", ".join(f"{k} {v}" for k, v in results.machine.items())
    lines = [known + "."]
    if results.limits:
        moved = results.limits["bytes per second"] / 1e9
        products = results.limits["float32 operations per second"] / 1e9
        lines.append(
            f"One thread moves {moved:.1f} GB/s (an addition in place: two arrays read, one "
            f"written) and multiplies float32 matrices at {products:.0f} GFLOP/s."
        )
    if results.skipped:
        lines.append("Left out: " + "; ".join(f"{k}, {v}" for k, v in results.skipped.items()))
    if results.quick:
        lines.append("This was a quick run: the times mean nothing.")
    return "\n\n".join(lines)


def section(name: str, results: Results) -> str | None:
    """Return the Markdown that goes between the markers of a name; None if nothing was measured."""
    if name == "machine":
        return head(results)
    if name == "lost":
        rows = lost(results.records)
        return markdown(rows) if rows else "No comparison was lost in this run."
    records = results.of(name)
    if name not in TABLES:
        raise ValueError(f"no table is called {name!r}, expected one of {', '.join(TABLES)}")
    return markdown(rows_of(name, records)) if records else None


def update(text: str, results: Results) -> str:
    """Return a text with its tables made anew.

    Parameters
    ----------
    text : str
        Has ``<!-- bench:NAME:begin -->`` and ``<!-- bench:NAME:end -->`` around each table, whose
        name is ``machine``, ``lost`` or one of `catalogue.TABLES`.
    results : Results
        Tables that it has nothing of stay as they are.

    Raises
    ------
    ValueError
        If a marker has no partner, or a table no such name.
    """
    begun, whole = text.count("<!-- bench:"), len(_MARKER.findall(text))
    if begun != 2 * whole:
        raise ValueError(f"{begun} markers of benchmarks make no pairs, expected begin and end")

    def anew(found: re.Match[str]) -> str:
        made = section(found[1], results)
        if made is None:
            return found[0]
        return f"<!-- bench:{found[1]}:begin -->\n{made}\n<!-- bench:{found[1]}:end -->"

    return _MARKER.sub(anew, text)
