"""``fastlr find-lr``: a range test on a user's own file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..options.shared import (
    BatchSize,
    DataFile,
    Drop,
    Encoding,
    Features,
    Format,
    Header,
    Json,
    MaxGb,
    Optimizer,
    Picture,
    Seed,
    Sep,
    Target,
    check_ends,
)
from ..screen.output import noted_warnings, plain_errors, print_json, print_next, print_notes, show

if TYPE_CHECKING:
    from rich.table import Table


@plain_errors
def find_lr(
    file: DataFile,
    target: Target = None,
    optimizer: Optimizer = "adamw",
    low: Annotated[float, typer.Option("--low", metavar="RATE", help="First rate.")] = 1e-7,
    high: Annotated[float, typer.Option("--high", metavar="RATE", help="Last rate.")] = 100.0,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=10, help="Largest number of steps in a run.")
    ] = 200,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, help="How many runs.")] = 3,
    linear: Annotated[
        bool, typer.Option("--linear", help="Raise the rate by equal sums, not by equal factors.")
    ] = False,
    batch_size: BatchSize = None,
    seed: Seed = 0,
    drop: Drop = None,
    picture: Picture = None,
    as_json: Json = False,
    kind: Format = None,
    sep: Sep = None,
    header: Header = None,
    encoding: Encoding = "utf-8",
    features: Features = "X",
    max_gb: MaxGb = 4.0,
) -> None:
    """Find a learning rate for your own file, by a race and a range test.

    Trains a linear classifier in short runs at single rates, and suggests the
    rate that does best on held-out rows. Then trains it for a few steps while
    the rate rises, several times, and reports where the loss falls and where
    it shoots up. FILE is read and its features are prepared as by `fastlr fit`.

    [bold]Examples[/bold]

        fastlr find-lr data.csv --target label

        fastlr find-lr data.parquet -t churned --optimizer sgd --picture lr.png

        fastlr find-lr arrays.npz -t digit --json > rates.json
    """
    check_ends(low, high)
    if picture is not None:
        from ..screen.picture import check_picture, write_axes

        check_picture(picture)
    from ...tuning import find_lr as range_test
    from ..files.prepare import in_rows, transformer
    from ..files.raw import Reading
    from ..files.task import read_task
    from ..race.models import linear_classifier

    model = linear_classifier(optimizer, batch_size=batch_size, random_state=0)
    task = read_task(
        file, target, drop or (), Reading(kind, sep, header, encoding, features, max_gb)
    )
    X = in_rows(transformer(task).fit_transform(task.X))
    notes = task.notes
    with noted_warnings(notes):
        test = range_test(
            model,
            X,
            task.y,
            low=low,
            high=high,
            n_steps=steps,
            n_runs=runs,
            scale="linear" if linear else "exponential",
            random_state=seed,
        )
    print_notes(notes)
    if picture is not None:
        write_axes(picture, test.plot)
    if as_json:
        print_json(_record(test, file, notes))
        return
    show(_table(test))
    print_next(file, target, optimizer, test.suggestion)
    if picture is not None:
        print(f"Picture written to {picture}")


def _table(test: Any) -> Table:
    from rich.table import Table

    table = Table(title=f"Range test of {test.label}", title_justify="left")
    for name in ("suggestion", "rate", "lowest run", "highest run"):
        table.add_column(name, justify="left" if name == "suggestion" else "right")
    for name, rate in test.suggestions.items():
        lowest, highest = test.spread[name]
        mark = " *" if name == test.method else ""
        table.add_row(name + mark, f"{rate:.3g}", f"{lowest:.3g}", f"{highest:.3g}")
    return table


def _record(test: Any, file: Path, notes: list[str]) -> dict[str, Any]:
    return {
        "command": "find-lr",
        "file": str(file),
        "model": test.label,
        "suggestion": test.suggestion,
        "method": test.method,
        "suggestions": test.suggestions,
        "spread": test.spread,
        "ended": test.ended,
        "notes": notes,
    }
