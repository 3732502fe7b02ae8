"""Tables that are laid out in ways of their own: rules, latencies, curves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from ..measure.record import Record
from . import units

Rows = list[dict[str, str]]
TARGET = 1.01  # of the lowest loss that anybody reached


def rules(records: Sequence[Record]) -> Rows:
    """Return a row for each rule; nanoseconds for each parameter, sizes with slashes between."""
    rows = []
    for name, group in groupby(records, key=lambda r: r.case):
        each = list(group)
        row = {"rule": name}
        for contender in ("fastlr", "torch", "optax under jit"):
            mine = [r for r in each if r.contender == contender and r.x]
            ns = [f"{r.value.median / (r.x or 1) * 1e9:.2f}" for r in mine]
            row[f"{contender}, ns"] = " / ".join(ns) or "-"
        last = next(
            (r for r in each if r.contender == "fastlr" and "of plain loop" in r.more), None
        )
        if last is not None:
            row["bytes"] = f"{last.more['bytes']:.0f}"
            row["of plain loop"] = f"{last.more['of plain loop']:.0%}"
        rows.append(row)
    return rows


def online(records: Sequence[Record]) -> Rows:
    """Return a row for each kind of call: median and 99th percentile in microseconds."""
    rows: dict[tuple[str, int], dict[str, str]] = {}
    for r in records:
        row = rows.setdefault((r.case, r.threads), {"call": r.case, "threads": str(r.threads)})
        row[r.contender] = f"{r.value.median * 1e6:,.0f} / {float(r.more['p99, us']):,.0f}"
    return list(rows.values())


def quality(records: Sequence[Record]) -> Rows:
    """Return for each contender its setting, its best loss, and when it reached the target."""
    rows = []
    for case, group in groupby(records, key=lambda r: r.case):
        each = [r for r in group if "test log-loss" in r.more]
        target = TARGET * min(loss(r) for r in each)
        for k, name in enumerate(dict.fromkeys(r.contender for r in each)):
            mine = [r for r in each if r.contender == name]
            there = [r.value.median for r in mine if loss(r) <= target]
            lowest = min(mine, key=loss)
            rows.append(
                {
                    "workload": f"{case}, target {target:.4f}" if k == 0 else "",
                    "contender": name,
                    "setting": f"{float(lowest.more['setting']):g}",
                    "lowest test log-loss": f"{loss(lowest):.4f}",
                    "after": units.seconds(lowest.value.median),
                    "target reached after": units.seconds(min(there)) if there else "not reached",
                }
            )
    return rows


def loss(record: Record) -> float:
    """Return the test log-loss of a record that has one."""
    return float(record.more["test log-loss"])


def slope(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the exponent of a power law through points.

    Examples
    --------
    >>> round(slope([1, 10, 100], [3, 300, 30000]), 6)
    2.0
    """
    return float(np.polyfit(np.log(xs), np.log(ys), 1)[0])


def scaling(records: Sequence[Record]) -> Rows:
    """Return for each curve its ends, its slope, and how far its end is from the limit."""
    rows = []
    for case, group in groupby(records, key=lambda r: r.case):
        each = list(group)
        for k, name in enumerate(dict.fromkeys(r.contender for r in each)):
            mine = [r for r in each if r.contender == name and r.x is not None]
            xs, ys = [r.x or 0.0 for r in mine], [r.value.median for r in mine]
            half = min(len(xs) // 2, len(xs) - 2)
            row = {
                "cost against": case if k == 0 else "",
                "contender": name,
                "smallest": f"{units.seconds(ys[0])} at {xs[0]:,.0f}",
                "largest": f"{units.seconds(ys[-1])} at {xs[-1]:,.0f}",
                "slope": f"{slope(xs[half:], ys[half:]):.2f}" if len(xs) > 1 else "-",
            }
            limit = mine[-1].more.get("limit, s")
            if limit:
                row["times the limit"] = units.ratio(ys[-1] / float(limit))
            rows.append(row)
    return rows
