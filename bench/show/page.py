"""Results as one HTML page that holds all it shows; it reads on a phone, and in the dark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from itertools import groupby

from ..measure.record import Record, Results
from .catalogue import REFERENCES, TABLES
from .charts import Curve, curves, dots
from .special import loss
from .tables import Rows, groups, head, lost, rows_of

_COLORS = ("#0072b2", "#d55e00", "#009e73", "#b3589a", "#8a6d00", "#3f8fc4", "#a04000", "#555555")
_DARK = ("#56b4e9", "#ff8c42", "#2fd3a3", "#e29bc9", "#f0e442", "#9ad0f5", "#ffb98a", "#bbbbbb")
_STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --soft: #667; --line: #d8dde3;
  --card: #f6f8fa; LIGHT }
@media (prefers-color-scheme: dark) {
  :root { --back: #11151a; --text: #e6e9ee; --soft: #9aa4b2; --line: #323a45; --card: #1a2027;
    DARK }
}
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 75rem; background: var(--back);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem } h2 { margin-top: 2.5rem; font-size: 1.25rem }
p.about { color: var(--soft); max-width: 48rem; overflow-wrap: anywhere }
nav a { display: inline-block; margin: 0 .8rem .3rem 0 } a { color: var(--c0) }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: .85rem }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left } th { color: var(--soft); font-weight: 600 }
.charts { display: grid; gap: 1rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)) }
figure { margin: 0; padding: .75rem; background: var(--card); border-radius: .5rem }
figcaption { font-size: .9rem; font-weight: 600; margin-bottom: .3rem }
svg { display: block; width: 100%; height: auto } svg text { fill: var(--text); font-size: 13px }
svg .grid { stroke: var(--line) } svg polyline { fill: none; stroke-width: 2 }
svg line { stroke-width: 2 } svg line.grid { stroke-width: 1 }
.limit { stroke: var(--soft); stroke-dasharray: 6 4 }
.key { list-style: none; margin: .3rem 0 0; padding: 0; font-size: .85rem }
.key li { display: inline-block; margin-right: 1rem }
.key i { display: inline-block; width: .8rem; height: .8rem; margin-right: .3rem;
  border-radius: 50%; vertical-align: -1px }
.key i.limit { height: 0; border-radius: 0; border-top: 2px dashed var(--soft);
  vertical-align: 4px }
.quick { padding: .6rem; border: 2px solid var(--c1); border-radius: .5rem }
COLORS
"""


def page(results: Results) -> str:
    """Return the page.

    Parameters
    ----------
    results : Results
        What a run found; tables without records are left out.
    """
    names = [name for name in TABLES if results.of(name)]
    links = "".join(f'<a href="#{n}">{escape(TABLES[n].title)}</a>' for n in ["lost", *names][1:])
    parts = [f"<h1>fastlr beside its peers</h1><p class=about>{_paragraphs(head(results))}</p>"]
    if results.quick:
        parts.append("<p class=quick>A quick run, for errors: its times mean nothing.</p>")
    parts.append(f'<nav><a href="#lost">Where a peer is faster</a>{links}</nav>')
    parts.append("<h2 id=lost>Where a peer is faster</h2>")
    rows = lost(results.records)
    parts.append(_table(rows) if rows else "<p>Nowhere in this run.</p>")
    for name in names:
        table, records = TABLES[name], results.of(name)
        parts.append(f"<h2 id={name}>{escape(table.title)}</h2>")
        parts.append(f"<p class=about>{escape(table.about)}</p>")
        figures = _figures(name, records)
        if figures:
            parts.append(f"<div class=charts>{''.join(figures)}</div>")
        parts.append(_table(rows_of(name, records)))
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>fastlr benchmarks</title><style>{_style()}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _style() -> str:
    def variables(colors: Sequence[str]) -> str:
        return " ".join(f"--c{k}: {c};" for k, c in enumerate(colors))

    rules = [
        f"svg .c{k} {{ stroke: var(--c{k}) }} svg circle.c{k} {{ fill: var(--c{k}) }} "
        f"i.c{k} {{ background: var(--c{k}) }}"
        for k in range(len(_COLORS))
    ]
    text = _STYLE.replace("LIGHT", variables(_COLORS)).replace("DARK", variables(_DARK))
    return text.replace("COLORS", "\n".join(rules))


def _paragraphs(text: str) -> str:
    return escape(text).replace("\n\n", "<br>")


def _table(rows: Rows) -> str:
    columns = list(dict.fromkeys(c for row in rows for c in row))
    titles = "".join(f"<th>{escape(c)}</th>" for c in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(row.get(c, '-'))}</td>" for c in columns) + "</tr>"
        for row in rows
    )
    return f"<div class=scroll><table><thead><tr>{titles}</tr></thead>{body}</table></div>"


def _cell(text: str) -> str:
    return re.sub(r"\*\*(.*?)\*\*", r"<b>\1</b>", escape(text))


def _figure(title: str, chart: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{chart}</figure>"


def _figures(name: str, records: Sequence[Record]) -> list[str]:
    """Return the pictures of a table; rules and compat have none, their tables say it all."""
    if name == "scaling":
        return [_figure(case, _scaling(each)) for case, each in _cases(records)]
    if name == "quality":
        return [_figure(case, _quality(each)) for case, each in _cases(records)]
    if name in ("rules", "compat"):
        return []
    found = []
    for group in groups(records):
        threads = f", {group[0].threads} threads" if group[0].threads > 1 else ""
        rows = [
            (
                r.contender,
                max(r.value.low, tiny),
                max(r.value.median, tiny),
                max(r.value.high, tiny),
            )
            for r in group
            if (tiny := 1.0 if r.unit == "bytes" else 1e-9)
        ]
        timed = group[0].unit == "s"
        label = "time, median and quartiles" if timed else "bytes, median and quartiles"
        found.append(_figure(group[0].case + threads, dots(rows, label, timed)))
    return found


def _cases(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    return [(case, list(each)) for case, each in groupby(records, key=lambda r: r.case)]


def _by_contender(records: Sequence[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for r in records:
        if r.contender not in REFERENCES:
            found.setdefault(r.contender, []).append(r)
    return found


def _scaling(records: Sequence[Record]) -> str:
    drawn = [
        Curve(name, [(r.x or 1.0, r.value.median) for r in each])
        for name, each in _by_contender(records).items()
    ]
    limits = {r.x or 1.0: float(r.more["limit, s"]) for r in records if "limit, s" in r.more}
    if limits:
        drawn.append(Curve("what the machine allows", list(limits.items()), limit=True))
    return curves(drawn, records[0].case.rpartition(": ")[2], "time")


def _quality(records: Sequence[Record]) -> str:
    scored = [r for r in records if "test log-loss" in r.more]
    drawn = [
        Curve(name, [(r.value.median, loss(r)) for r in each])
        for name, each in _by_contender(scored).items()
    ]
    return curves(drawn, "time of a fit", "test log-loss", timed_x=True, timed_y=False)
