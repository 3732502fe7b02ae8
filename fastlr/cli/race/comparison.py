"""Show the results of a race: as a table, as JSON, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from ..._version import __version__
from ..files.target import CLASSES, NUMBERS
from ..screen.output import show
from .race import Result, shown_time

TITLES = {CLASSES: ("accuracy", "log-loss"), NUMBERS: ("R2", "RMSE")}
KEYS = {
    CLASSES: ("accuracy", "log_loss", "train_log_loss"),
    NUMBERS: ("r2", "rmse", "train_rmse"),
}


def print_results(
    results: Mapping[str, Sequence[Result]], facts: Sequence[str], threads: int
) -> None:
    """Print facts about the data, the table, and a key to it."""
    for fact in facts:
        print(fact)
    show(table(results))
    if any(len(rows) > 1 for rows in results.values()):
        print("rate:  the largest learning rate of the fit")
        ours = next(iter(results.values()))[0].model
        print(f"ratio: fit time over the fit time of fastlr's {ours}")
        print(f"every model used {threads} {'thread' if threads == 1 else 'threads'}")
    for note in footnotes(results):
        print(note)


def table(results: Mapping[str, Sequence[Result]]) -> Table:
    """Return one table of all results, 80 columns wide; the best of each data set is bold."""
    several = len(results) > 1
    kind = next(iter(results.values()))[0].kind
    out = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False)
    if several:
        out.add_column("data set", no_wrap=True, max_width=14)
    out.add_column("model", no_wrap=True)
    for title in ("fit time", *TITLES[kind], "rate", "ratio"):
        out.add_column(title, justify="right", no_wrap=True)
    for data, rows in results.items():
        ratios = time_ratios(rows)
        best = {
            "seconds": min(r.seconds for r in rows),
            "score": max(r.score for r in rows),
            "loss": min(r.loss for r in rows),
        }
        for k, r in enumerate(rows):
            cells = {
                "seconds": shown_time(r.seconds),
                "score": shown_score(r.score, kind),
                "loss": shown_loss(r.loss, kind),
            }
            for key, value in best.items():
                if len(rows) > 1 and getattr(r, key) == value:
                    cells[key] = f"[bold]{cells[key]}[/bold]"
            name = [data if k == 0 else ""] if several else []
            out.add_row(
                *name,
                r.model + ("*" if r.warnings else ""),
                *cells.values(),
                _shown_rate(r.rate),
                f"{ratios[r.model]:.2f}" if ratios[r.model] < 10 else f"{ratios[r.model]:.0f}",
            )
        out.add_section()
    return out


def footnotes(results: Mapping[str, Sequence[Result]]) -> list[str]:
    """Return the warnings of the models, one line each."""
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
                **dict(zip(KEYS[r.kind], (r.score, r.loss, r.train_loss), strict=True)),
                "rate": r.rate,
                "time_ratio": ratios[r.model],
                "warnings": r.warnings,
            }
            for r in rows
        ]
    return out


def time_ratios(rows: Sequence[Result]) -> dict[str, float]:
    """Return each model's fit time as a multiple of the first, fastlr's: above 1, it is faster."""
    return {r.model: r.seconds / rows[0].seconds for r in rows}


def shown_score(score: float, kind: str) -> str:
    """Return an accuracy as a percentage, or an R2."""
    return f"{score:.2%}" if kind == CLASSES else f"{score:.4f}"


def shown_loss(loss: float, kind: str) -> str:
    """Return a log-loss, or the root of a mean squared error in the unit of the target."""
    return f"{loss:.4f}" if kind == CLASSES else f"{loss:.4g}"


def _shown_rate(rate: float | str | None) -> str:
    """Return a learning rate for the table."""
    if rate is None:
        return "-"
    return rate if isinstance(rate, str) else f"{rate:.3g}"


def write_race(path: Path, results: Mapping[str, Sequence[Result]]) -> None:
    """Draw the runs of fastlr's model, with the losses of its peers, and write the picture."""
    from ...drawing.sources import rates_of_run
    from ...drawing.training import Run, training_figure
    from ...optimizers import get_optimizer
    from ...schedules import get_schedule
    from ..screen.picture import write_figure

    runs = []
    for name, rows in results.items():
        model = rows[0].estimator
        optimizer = get_optimizer(model.optimizer)
        kind, driven = type(optimizer).__name__, optimizer.momentum_field()
        rates = rates_of_run(model)
        # The curve of a regressor is of its own loss, on targets in units of their deviation.
        peers = {r.model: r.train_loss for r in rows[1:] if r.kind == CLASSES}
        momentum_name = f"{driven} of {kind}" if driven else "momentum"
        loss = model.loss_curve_.tolist()
        runs.append(Run(name, loss, rates.lr, rates.momentum, peers, momentum_name))
    schedule = repr(get_schedule(model.schedule)).removesuffix("()")
    title = f"fastlr {__version__}: {type(model).__name__} with {kind} and {schedule}"
    write_figure(path, training_figure(runs, title))
