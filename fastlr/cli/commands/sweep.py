"""``fastlr sweep``: cross-validation of many learning rates on a user's own file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, one_line
from ..options.shared import (
    BatchSize,
    DataFile,
    Drop,
    Encoding,
    Features,
    Format,
    Header,
    Json,
    MaxEpochs,
    MaxGb,
    Optimizer,
    Picture,
    ScheduleText,
    Seed,
    Sep,
    Target,
    check_ends,
)
from ..screen.output import noted_warnings, plain_errors, print_json, print_next, print_notes, show

if TYPE_CHECKING:
    from rich.table import Table

    from ..files.task import Task

_SHOWN = 10  # rows of the table


@plain_errors
def sweep(
    file: DataFile,
    target: Target = None,
    optimizer: Optimizer = "adamw",
    low: Annotated[float, typer.Option("--low", metavar="RATE", help="Lowest rate.")] = 1e-5,
    high: Annotated[float, typer.Option("--high", metavar="RATE", help="Highest rate.")] = 10.0,
    rates: Annotated[
        int, typer.Option("--rates", metavar="N", min=2, help="How many rates, lowest to highest.")
    ] = 16,
    weight_decay: Annotated[
        list[float] | None,
        typer.Option(
            "--weight-decay", metavar="W", help="Weight decay to try; may be repeated.", min=0
        ),
    ] = None,
    folds: Annotated[int, typer.Option("--folds", metavar="N", min=2, help="Folds.")] = 5,
    halving: Annotated[
        bool, typer.Option("--halving/--no-halving", help="Drop hopeless rates early.")
    ] = True,
    schedule: ScheduleText = "onecycle",
    max_epochs: MaxEpochs = 10,
    batch_size: BatchSize = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", metavar="N", min=1, help="Default: one per processor."),
    ] = None,
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
    """Cross-validate many learning rates on your own file, side by side.

    Trains a linear classifier at every rate, drops the hopeless rates early,
    and reports which one is best. FILE is read as by `fastlr fit`, and its
    features are prepared anew for each fold, from its training rows alone.

    [bold]Examples[/bold]

        fastlr sweep data.csv --target label

        fastlr sweep data.parquet -t churned --low 1e-3 --high 1 --rates 10

        fastlr sweep data.csv -t label --weight-decay 0 --weight-decay 0.01

        fastlr sweep arrays.npz -t digit --json > rates.json
    """
    check_ends(low, high)
    if picture is not None:
        from ..screen.picture import check_picture, write_axes

        check_picture(picture)
    from sklearn.pipeline import make_pipeline

    from ..files.prepare import transformer
    from ..files.raw import Reading
    from ..files.task import read_task
    from ..race.models import linear_classifier

    model = linear_classifier(
        optimizer, schedule, batch_size, max_epochs=max_epochs, random_state=0
    )
    task = read_task(
        file, target, drop or (), Reading(kind, sep, header, encoding, features, max_gb)
    )
    how = {"cv": folds, "halving": halving, "n_threads": threads, "random_state": seed}
    pipeline = make_pipeline(transformer(task), model)
    notes = task.notes
    with noted_warnings(notes):
        found = _run(pipeline, task, (low, high, rates), weight_decay or None, how)
    print_notes(notes)
    if picture is not None:
        write_axes(picture, found.plot)
    if as_json:
        print_json(_record(found, file, notes))
        return
    show(_table(found))
    print_next(file, target, optimizer, found.best_lr)
    if picture is not None:
        print(f"Picture written to {picture}")


def _run(pipeline: Any, task: Task, ends: Any, decays: Any, how: dict[str, Any]) -> Any:
    """Sweep rates, and show how many are left."""
    from ...tuning import log_grid
    from ...tuning import sweep as run_sweep
    from ..screen.progress import Progress

    with Progress() as progress:
        progress.start("sweep")

        def step(done: int, of: int, left: int) -> None:
            progress.update("sweep", done / of, f"{left} rates left, {done} of {of} done")

        try:
            found = run_sweep(
                pipeline, task.X, task.y, log_grid(*ends), decays, progress=step, **how
            )
        except ValueError as error:
            if "n_splits" in str(error):
                raise InputError("--folds", one_line(error)) from error
            if str(error).startswith("weight_decays"):
                raise InputError("--weight-decay", one_line(error)) from error
            raise
        dropped = int(found.candidates["dropped"].sum())
        progress.finish("sweep", f"{dropped} of {len(found.candidates['lr'])} dropped")
    return found


def _table(found: Any) -> Table:
    """Return a table of the best candidates; its title counts them all."""
    from rich.table import Table

    c = found.candidates
    decays = len(set(c["weight_decay"].tolist())) > 1
    title = f"Sweep of {found.label}: {len(c['lr'])} candidates, {int(c['dropped'].sum())} dropped"
    table = Table(title=title, title_justify="left")
    names = ["rank", "rate", *(["weight decay"] if decays else []), "score", "+-", "loss"]
    for name in [*names, "folds", "epochs"]:
        table.add_column(name, justify="right")
    for k in c["rank"].argsort()[:_SHOWN]:
        if c["diverged"][k]:
            judged = ["diverged", "", ""]
        else:
            judged = [f"{c[n][k]:.4f}" for n in ("mean_score", "std_score", "mean_loss")]
        decay = [f"{c['weight_decay'][k]:.3g}"] if decays else []
        trained = [str(c[n][k]) for n in ("folds", "epochs")]
        table.add_row(str(c["rank"][k]), f"{c['lr'][k]:.3g}", *decay, *judged, *trained)
    return table


def _record(found: Any, file: Path, notes: list[str]) -> dict[str, Any]:
    best = found.candidates["rank"].argmin()
    return {
        "command": "sweep",
        "file": str(file),
        "model": found.label,
        "best_lr": found.best_lr,
        "best_weight_decay": float(found.candidates["weight_decay"][best]),
        "best_score": found.best_score,
        "candidates": found.candidates,
        "table": found.table,
        "notes": notes,
    }
