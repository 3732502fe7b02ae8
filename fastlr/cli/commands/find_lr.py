"""``fastlr find-lr``: a range test on a user's own file."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ..._version import __version__
from ..files.raw import Options
from ..options import Drop, Encoding, Features, Format, Header, Json, MaxGb, Seed, Sep, Target
from ..screen.errors import InputError, one_line
from ..screen.output import plain_errors


@plain_errors
def find_lr(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, Parquet, NPZ or svmlight file.")
    ],
    target: Target = None,
    optimizer: Annotated[
        str, typer.Option("--optimizer", metavar="NAME", help="One that `fastlr info` lists.")
    ] = "adamw",
    low: Annotated[float, typer.Option("--low", metavar="RATE", help="First rate.")] = 1e-7,
    high: Annotated[float, typer.Option("--high", metavar="RATE", help="Last rate.")] = 100.0,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=10, help="Steps of a run at most.")
    ] = 200,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="Runs.")] = 3,
    linear: Annotated[
        bool, typer.Option("--linear", help="Raise the rate by sums rather than by factors.")
    ] = False,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", metavar="N", min=1, help="Rows in a step.")
    ] = None,
    seed: Seed = 0,
    drop: Drop = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the losses (.png, .pdf, .svg).")
    ] = None,
    as_json: Json = False,
    kind: Format = None,
    sep: Sep = None,
    header: Header = None,
    encoding: Encoding = "utf-8",
    features: Features = "X",
    max_gb: MaxGb = 4.0,
) -> None:
    """Find a learning rate for your own file, by a range test.

    Trains a linear classifier for a few steps while the rate rises, several
    times, and tells where the loss falls and where it shoots up. FILE is read
    and its features are prepared as by `fastlr fit`.

    [bold]Examples[/bold]

        fastlr find-lr data.csv --target label

        fastlr find-lr data.parquet -t churned --optimizer sgd --picture lr.png

        fastlr find-lr arrays.npz -t digit --json > rates.json
    """
    if not 0 < low < high < float("inf"):
        raise InputError("--low", f"must be above 0 and below --high, got {low:g} and {high:g}")
    if picture is not None:
        from ..screen.picture import check_picture

        check_picture(picture, "--picture")
    settings: dict[str, Any] = {"optimizer": optimizer}
    if batch_size is not None:
        settings["batch_size"] = batch_size
    options = Options(kind, sep, header, encoding, features, max_gb)
    sweep = {
        "low": low,
        "high": high,
        "n_steps": steps,
        "n_runs": runs,
        "scale": "linear" if linear else "exponential",
        "random_state": seed,
    }
    test, notes = _run(file, target, options, settings, drop or [], sweep)
    for note in notes:
        print(f"Note: {note}", file=sys.stderr)
    if picture is not None:
        from ..screen.picture import write_axes

        write_axes(picture, test.plot)
    if as_json:
        print(json.dumps(_record(test, file, notes), indent=2))
        return
    Console(highlight=False).print(_table(test))
    print(f"use it: fastlr fit {file} --optimizer {optimizer} --lr {test.suggestion:.3g}")
    if picture is not None:
        print(f"Picture written to {picture}")


def _run(
    file: Path,
    target: str | None,
    options: Options,
    settings: dict[str, Any],
    drop: list[str],
    sweep: dict[str, Any],
) -> tuple[Any, list[str]]:
    """Return the range test, and notes on data and result."""
    import numpy as np

    from ...tuning import find_lr as range_test
    from ..files.columns import task
    from ..files.files import read
    from ..files.prepare import transformer
    from ..race.models import models
    from ..race.race import OURS

    model = models(settings, seed=0, compare=False)[OURS]
    data = task(read(file, target, options), target, drop, options)
    X = np.ascontiguousarray(transformer(data).fit_transform(data.X))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        test = range_test(model, X, data.y, **sweep)
    found = [one_line(w.message) for w in said if issubclass(w.category, UserWarning)]  # type: ignore[arg-type]
    return test, [*data.notes, *found]


def _table(test: Any) -> Table:
    table = Table(title=f"Range test of {test.label}", title_justify="left")
    for name in ("suggestion", "rate", "lowest run", "highest run"):
        table.add_column(name, justify="left" if name == "suggestion" else "right")
    for name, rate in test.suggestions.items():
        lowest, highest = test.spread[name]
        mark = " *" if name == test.method else ""
        table.add_row(name + mark, f"{rate:.3g}", f"{lowest:.3g}", f"{highest:.3g}")
    return table


def _record(test: Any, file: Path, notes: list[str]) -> dict[str, Any]:
    """Return the result in plain values; what is not a number becomes null."""

    def plain(rate: float) -> float | None:
        return rate if rate == rate else None

    return {
        "version": __version__,
        "command": "find-lr",
        "file": str(file),
        "model": test.label,
        "suggestion": plain(test.suggestion),
        "method": test.method,
        "suggestions": {name: plain(rate) for name, rate in test.suggestions.items()},
        "spread": {name: [plain(rate) for rate in ends] for name, ends in test.spread.items()},
        "ended": test.ended,
        "notes": notes,
    }
