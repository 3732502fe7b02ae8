"""The table and the JSON that a comparison ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from ..race.race import OURS, Result, shown_time


def table(results: Mapping[str, Sequence[Result]]) -> Table:
    """Return one table of all results; the best of each data set is bold.

    Parameters
    ----------
    results : mapping of str to sequence of Result
        Results by data set.

    Returns
    -------
    rich.table.Table
        Fits into 80 columns.
    """
    several = len(results) > 1
    out = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 0, 0, 1),
        pad_edge=False,
    )
    if several:
        out.add_column("data set", no_wrap=True, max_width=14)
    out.add_column("model", no_wrap=True)
    for title in ("fit time", "accuracy", "log-loss", "rate", "ratio"):
        out.add_column(title, justify="right", no_wrap=True)
    for data, rows in results.items():
        ratios = time_ratios(rows)
        best = {
            "seconds": min(r.seconds for r in rows),
            "accuracy": max(r.accuracy for r in rows),
            "log_loss": min(r.log_loss for r in rows),
        }
        for k, r in enumerate(rows):
            cells = {
                "seconds": shown_time(r.seconds),
                "accuracy": f"{r.accuracy:.2%}",
                "log_loss": f"{r.log_loss:.4f}",
            }
            for key, value in best.items():
                if len(rows) > 1 and getattr(r, key) == value:
                    cells[key] = f"[bold]{cells[key]}[/bold]"
            name = [data if k == 0 else ""] if several else []
            out.add_row(
                *name,
                r.model + ("*" if r.warnings else ""),
                *cells.values(),
                shown_rate(r.rate),
                f"{ratios[r.model]:.2f}" if ratios[r.model] < 10 else f"{ratios[r.model]:.0f}",
            )
        out.add_section()
    return out


def footnotes(results: Mapping[str, Sequence[Result]]) -> list[str]:
    """Return what the models warned of, one line for each."""
    return [
        f"* {data}, {r.model}: {said}"
        for data, rows in results.items()
        for r in rows
        for said in r.warnings
    ]


def records(results: Mapping[str, Sequence[Result]]) -> list[dict[str, Any]]:
    """Return the results as plain values for JSON."""
    out = []
    for data, rows in results.items():
        ratios = time_ratios(rows)
        out += [
            {
                "data": data,
                "model": r.model,
                "fit_seconds": r.seconds,
                "fits": r.fits,
                "accuracy": r.accuracy,
                "log_loss": r.log_loss,
                "train_log_loss": r.train_loss,
                "rate": r.rate,
                "time_ratio": ratios[r.model],
                "warnings": r.warnings,
            }
            for r in rows
        ]
    return out


def time_ratios(rows: Sequence[Result]) -> dict[str, float]:
    """Return each model's fit time as a multiple of fastlr's: above 1, fastlr is faster."""
    ours = next(r.seconds for r in rows if r.model == OURS)
    return {r.model: r.seconds / ours for r in rows}


def shown_rate(rate: float | str | None) -> str:
    """Return a learning rate for the table."""
    if rate is None:
        return "-"
    return rate if isinstance(rate, str) else f"{rate:.3g}"
