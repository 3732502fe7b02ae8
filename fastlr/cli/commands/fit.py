"""``fastlr fit``: train on a user's own file, compare, and save the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError
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
    Threads,
    read_rate,
)
from ..screen.output import plain_errors, print_json, print_notes


@plain_errors
def fit(
    file: DataFile,
    target: Target = None,
    optimizer: Optimizer = "adamw",
    lr: Annotated[str, typer.Option("--lr", metavar="RATE", help="A number, or 'auto'.")] = "auto",
    schedule: ScheduleText = "onecycle",
    batch_size: BatchSize = None,
    max_epochs: MaxEpochs = 10,
    seed: Seed = 0,
    test_size: Annotated[
        float,
        typer.Option("--test-size", metavar="PART", help="Fraction of the rows to test on."),
    ] = 0.25,
    drop: Drop = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help="Train scikit-learn's SGDClassifier and LogisticRegression too.",
        ),
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Where the model goes (default: FILE's name with .skops, in this folder).",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a model that already exists.")
    ] = False,
    picture: Picture = None,
    threads: Threads = 1,
    as_json: Json = False,
    kind: Format = None,
    sep: Sep = None,
    header: Header = None,
    encoding: Encoding = "utf-8",
    features: Features = "X",
    max_gb: MaxGb = 4.0,
) -> None:
    """Train a classifier on your own file, compare it, and save it.

    Numbers are standardised, text becomes one column for each category, and
    missing values are filled in. The model is saved together with this
    preparation, so it takes rows as they are in FILE.

    [bold]Examples[/bold]

        fastlr fit data.csv --target label

        fastlr fit data.parquet -t churned --drop customer_id --lr 0.01

        fastlr fit data.csv -t label --schedule "OneCycle(pct_start=0.1)"

        fastlr fit arrays.npz --features pixels -t digit --optimizer sgd

        fastlr fit a9a --format svmlight --output a9a.skops --json
    """
    from ...estimators import save_model
    from ..files.prepare import describe, split
    from ..files.raw import Reading
    from ..files.save import check_target
    from ..files.task import read_task
    from ..race.comparison import print_results, records, write_race
    from ..race.models import linear_classifier, peers
    from ..race.race import OURS, race
    from ..screen.progress import Progress

    rate = read_rate(lr)
    if not 0 < test_size < 1:
        raise InputError("--test-size", f"must be a number in (0, 1), got {test_size:g}")
    path = output or default_output(file)
    if path.resolve() == file.resolve():
        raise InputError("--output", f"'{path}' is the file to train on")
    check_target(path, force)
    if picture is not None:
        from ..screen.picture import check_picture

        check_picture(picture)
    settings = {"lr": rate, "max_epochs": max_epochs, "random_state": seed}
    models = {OURS: linear_classifier(optimizer, schedule, batch_size, **settings)}
    if compare:
        models |= peers(seed)
    task = read_task(
        file, target, drop or (), Reading(kind, sep, header, encoding, features, max_gb)
    )
    print_notes(task.notes)
    parts = split(task, test_size, seed)
    with Progress() as progress:
        results = {file.name: race("", parts, models, progress, threads=threads)}
    save_model(_pipeline(parts.prepare, results[file.name][0].estimator), path)
    if picture is not None:
        write_race(picture, results)
    if as_json:
        record = {"command": "fit", "threads": threads, "file": str(file), "notes": task.notes}
        if picture is not None:
            record["picture"] = str(picture)
        record |= {"output": str(path), "results": records(results)}
        print_json(record)
        return
    print_results(results, [describe(parts)], threads)
    if picture is not None:
        print(f"Picture written to {picture}")
    print(f"Model written to {path}; load it with\n")
    print("    from fastlr import load_model")
    print(f"    model = load_model({str(path)!r})")
    print("    model.predict(rows)")


def default_output(file: Path) -> Path:
    """Return where the model of a file goes by default: into the current folder.

    Examples
    --------
    >>> str(default_output(Path("data/adult.v2.csv.gz"))), str(default_output(Path("a9a")))
    ('adult.v2.skops', 'a9a.skops')
    """
    from ..files.csv_file import COMPRESSED

    name = Path(file.name)
    if name.suffix.lower() in COMPRESSED:
        name = name.with_suffix("")
    return name.with_suffix(".skops")


def _pipeline(prepare: Any, model: Any) -> Any:
    """Join the fitted preparation and the fitted model."""
    from sklearn.pipeline import Pipeline

    return Pipeline([("prepare", prepare), ("model", model)])
