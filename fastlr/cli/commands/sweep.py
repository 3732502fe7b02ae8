"""``fastlr sweep``: cross-validation of many learning rates on a user's own file."""

from __future__ import annotations

import json
import math
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
from ..schedule_text import is_name, read_schedule
from ..screen.errors import InputError, one_line
from ..screen.output import plain_errors

_SHOWN = 10  # rows of the table


@plain_errors
def sweep(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, Parquet, NPZ or svmlight file.")
    ],
    target: Target = None,
    optimizer: Annotated[
        str, typer.Option("--optimizer", metavar="NAME", help="One that `fastlr info` lists.")
    ] = "adamw",
    low: Annotated[float, typer.Option("--low", metavar="RATE", help="Lowest rate.")] = 1e-5,
    high: Annotated[float, typer.Option("--high", metavar="RATE", help="Highest rate.")] = 10.0,
    rates: Annotated[
        int, typer.Option("--rates", metavar="N", min=2, help="Rates from lowest to highest.")
    ] = 16,
    weight_decay: Annotated[
        list[float] | None,
        typer.Option(
            "--weight-decay", metavar="W", help="Try it with each rate; may be repeated.", min=0
        ),
    ] = None,
    folds: Annotated[int, typer.Option("--folds", metavar="N", min=2, help="Folds.")] = 5,
    halving: Annotated[
        bool, typer.Option("--halving/--no-halving", help="Drop hopeless rates early.")
    ] = True,
    schedule: Annotated[
        str, typer.Option("--schedule", metavar="NAME", help="As for `fastlr fit`.")
    ] = "onecycle",
    max_epochs: Annotated[
        int, typer.Option("--max-epochs", metavar="N", min=1, help="Epochs of a whole training.")
    ] = 10,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", metavar="N", min=1, help="Rows in a step.")
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", metavar="N", min=1, help="By default one for each processor."),
    ] = None,
    seed: Seed = 0,
    drop: Drop = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw the scores (.png, .pdf, .svg).")
    ] = None,
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
    and tells which one is best. FILE is read as by `fastlr fit`, and its
    features are prepared anew for each fold, from its training rows alone.

    [bold]Examples[/bold]

        fastlr sweep data.csv --target label

        fastlr sweep data.parquet -t churned --optimizer sgd --low 1e-3 --high 1 --rates 10

        fastlr sweep data.csv -t label --weight-decay 0 --weight-decay 0.01 --picture sweep.png

        fastlr sweep arrays.npz -t digit --json > rates.json
    """
    if not 0 < low < high < float("inf"):
        raise InputError("--low", f"must be above 0 and below --high, got {low:g} and {high:g}")
    if picture is not None:
        from ..screen.picture import check_picture

        check_picture(picture, "--picture")
    settings: dict[str, Any] = {
        "optimizer": optimizer,
        "schedule": None if schedule == "none" else schedule,
        "max_epochs": max_epochs,
    }
    if not is_name(schedule):
        settings["schedule"] = read_schedule(schedule, "--schedule")
    if batch_size is not None:
        settings["batch_size"] = batch_size
    options = Options(kind, sep, header, encoding, features, max_gb)
    how = {"cv": folds, "halving": halving, "n_threads": threads, "random_state": seed}
    search = {"ends": (low, high, rates), "weight_decays": weight_decay or None, "how": how}
    found, notes = _run(file, target, options, settings, drop or [], search)
    for note in notes:
        print(f"Note: {note}", file=sys.stderr)
    if picture is not None:
        from ..screen.picture import write_axes

        write_axes(picture, found.plot)
    if as_json:
        print(json.dumps(_record(found, file, notes), indent=2))
        return
    Console(highlight=False).print(_table(found))
    print(f"use it: fastlr fit {file} --optimizer {optimizer} --lr {found.best_lr:.3g}")
    if picture is not None:
        print(f"Picture written to {picture}")


def _run(
    file: Path,
    target: str | None,
    options: Options,
    settings: dict[str, Any],
    drop: list[str],
    search: dict[str, Any],
) -> tuple[Any, list[str]]:
    """Return the result, and notes on data and result."""
    from sklearn.pipeline import make_pipeline

    from ...tuning import log_grid
    from ...tuning import sweep as run_sweep
    from ..files.columns import task
    from ..files.files import read
    from ..files.prepare import transformer
    from ..race.models import models
    from ..race.race import OURS
    from ..screen.progress import Progress

    model = models(settings, seed=0, compare=False)[OURS]
    data = task(read(file, target, options), target, drop, options)
    pipeline, rates = make_pipeline(transformer(data), model), log_grid(*search["ends"])
    with warnings.catch_warnings(record=True) as said, Progress() as progress:
        warnings.simplefilter("always")
        progress.start("sweep")

        def show(done: int, of: int, left: int) -> None:
            progress.update("sweep", done / of, f"{left} rates left, {done} of {of} done")

        try:
            found = run_sweep(
                pipeline,
                data.X,
                data.y,
                rates,
                search["weight_decays"],
                progress=show,
                **search["how"],
            )
        except ValueError as error:
            if "n_splits" in str(error):
                raise InputError("--folds", one_line(error)) from error
            if str(error).startswith("weight_decays"):
                raise InputError("--weight-decay", one_line(error)) from error
            raise
        dropped = int(found.candidates["dropped"].sum())
        progress.finish("sweep", f"{dropped} of {len(found.candidates['lr'])} dropped")
    notes = [one_line(w.message) for w in said if issubclass(w.category, UserWarning)]  # type: ignore[arg-type]
    return found, [*data.notes, *dict.fromkeys(notes)]


def _table(found: Any) -> Table:
    """Return the best candidates; those beyond them are counted in the title."""
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
    """Return the result in plain values; what is not a number becomes null."""

    def plain(values: Any) -> list[Any]:
        return [
            None if isinstance(v, float) and not math.isfinite(v) else v for v in values.tolist()
        ]

    best = found.candidates["rank"].argmin()
    return {
        "version": __version__,
        "command": "sweep",
        "file": str(file),
        "model": found.label,
        "best_lr": found.best_lr,
        "best_weight_decay": float(found.candidates["weight_decay"][best]),
        "best_score": found.best_score,
        "candidates": {name: plain(column) for name, column in found.candidates.items()},
        "table": {name: plain(column) for name, column in found.table.items()},
        "notes": notes,
    }
