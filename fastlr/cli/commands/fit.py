"""``fastlr fit``: train on a user's own file, compare, and save the model."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import InputError, one_line
from ..options.shared import (
    BatchSize,
    DataFile,
    Drop,
    Encoding,
    Features,
    Force,
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

if TYPE_CHECKING:
    from ..files.prepare import Split
    from ..files.task import Task


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
    goal: Annotated[
        Literal["auto", "classification", "regression"],
        typer.Option(
            "--task",
            metavar="KIND",
            help="classification, regression, or auto: by what the target holds.",
        ),
    ] = "auto",
    family: Annotated[
        Literal["linear", "mlp"],
        typer.Option("--model", metavar="KIND", help="linear, or mlp: a network."),
    ] = "linear",
    hidden: Annotated[
        str | None,
        typer.Option("--hidden", metavar="N,N,...", help="Units of a network's hidden layers."),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option("--loss", metavar="NAME", help="Loss of the model, such as 'huber'."),
    ] = None,
    early_stopping: Annotated[
        bool,
        typer.Option("--early-stopping", help="Stop when held-out rows say so; keep the best."),
    ] = False,
    more: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any other setting of the model; may be repeated."
        ),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit/--no-refit", help="Save a model trained on all rows, those to test on too."
        ),
    ] = True,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help="Train two of scikit-learn's linear models too.",
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
    force: Force = False,
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
    """Train a model on your own file, compare it, and save it.

    Numbers are standardised, text becomes one column for each category, dates
    are taken apart, and missing values are filled in. The model is tested on
    rows that it has not seen, then trained on all rows and saved together with
    this preparation, so it takes rows as they are in FILE.

    [bold]Examples[/bold]

        fastlr fit data.csv --target label

        fastlr fit data.parquet -t churned --drop customer_id --lr 0.01

        fastlr fit data.csv -t label --schedule "OneCycle(pct_start=0.1)"

        fastlr fit houses.csv -t price --model mlp --hidden 64,32

        fastlr fit arrays.npz --features pixels -t digit --optimizer sgd

        fastlr fit a9a --format svmlight --output a9a.skops --json
    """
    from ...estimators import save_model
    from ..files.prepare import describe, split
    from ..files.raw import Reading
    from ..files.save import check_target
    from ..files.task import read_task
    from ..race.comparison import print_results, records, write_race
    from ..race.models import make, peers, read_hidden
    from ..race.race import race
    from ..screen.progress import Progress

    settings: dict[str, Any] = {
        "lr": read_rate(lr),
        "max_epochs": max_epochs,
        "random_state": seed,
    }
    if not 0 < test_size < 1:
        raise InputError("--test-size", f"must be a number in (0, 1), got {test_size:g}")
    path = output or default_output(file)
    check_target(path, force)
    _check_output(path, file)
    if picture is not None:
        from ..screen.picture import check_picture

        check_picture(picture)
    if hidden is not None:
        if family != "mlp":
            raise InputError("--hidden", "is for networks: add --model mlp")
        settings["hidden_layer_sizes"] = read_hidden(hidden)
    settings |= {} if loss is None else {"loss": loss}
    settings |= {"early_stopping": True} if early_stopping else {}
    how = (family, optimizer, schedule, batch_size, more or ())
    task = read_task(
        file, target, drop or (), Reading(kind, sep, header, encoding, features, max_gb), goal
    )
    print_notes(task.notes)
    ours = make(task.kind, *how, **settings)
    models = {type(ours).__name__: ours, **(peers(seed, task.kind) if compare else {})}
    parts = split(task, test_size, seed)
    try:
        with Progress() as progress:
            results = {file.name: race("", parts, models, progress, threads=threads)}
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("--set" if loss is None else "--loss", one_line(error)) from error
    fitted = results[file.name][0].estimator
    model = _all_rows(task, ours, threads) if refit else _pipeline(parts.prepare, fitted)
    save_model(model, path)
    baseline = _baseline(parts)
    if picture is not None:
        write_race(picture, results)
    if as_json:
        record = {"command": "fit", "threads": threads, "file": str(file), "notes": task.notes}
        if picture is not None:
            record["picture"] = str(picture)
        record |= {"task": task.kind, "baseline": baseline, "refit": refit}
        record |= {"output": str(path), "results": records(results)}
        print_json(record)
        return
    print_results(results, [describe(parts), _words(baseline)], threads)
    if picture is not None:
        print(f"Picture written to {picture}")
    rows = "all rows" if refit else "the rows to train on"
    print(f"Model of {rows} written to {path}; predict with it:\n")
    print("    " + shlex.join(["fastlr", "predict", str(path), "NEW_ROWS"]))
    print("\nor in Python:\n")
    print("    from fastlr import load_model")
    print(f"    model = load_model({str(path)!r})")
    print("    model.predict(rows)")


def _check_output(path: Path, file: Path) -> None:
    if path.resolve() == file.resolve():
        raise InputError("--output", f"'{path}' is the file to train on")
    if path.suffix.lower() != ".skops":
        raise InputError("--output", f"'{path}' must end in .skops, the format of model files")


def _all_rows(task: Task, model: Any, threads: int) -> Any:
    """Return preparation and model fitted on all rows."""
    from sklearn.base import clone
    from threadpoolctl import threadpool_limits

    from ..files.prepare import in_rows, transformer

    prepare = transformer(task)
    X = in_rows(prepare.fit_transform(task.X))
    with threadpool_limits(threads):
        return _pipeline(prepare, clone(model).fit(X, task.y))


def _baseline(parts: Split) -> dict[str, float]:
    """Return what a constant prediction scores on the test rows."""
    from ..race.comparison import KEYS
    from ..race.models import constant
    from ..race.race import scores

    found = scores(constant(parts.kind).fit(parts.X_train, parts.y_train), parts)
    return dict(zip(KEYS[parts.kind], found, strict=True))


def _words(baseline: dict[str, float]) -> str:
    """Return the scores of a constant prediction in one line."""
    if "accuracy" in baseline:
        scores = f"accuracy {baseline['accuracy']:.2%}, log-loss {baseline['log_loss']:.4f}"
    else:
        scores = f"R2 {baseline['r2']:.4f}, RMSE {baseline['rmse']:.4g}"
    return f"a constant prediction: {scores}"


def default_output(file: Path) -> Path:
    """Return where the model of a file goes by default: into the current folder.

    Examples
    --------
    >>> str(default_output(Path("data/adult.v2.csv.gz"))), str(default_output(Path("a9a")))
    ('adult.v2.skops', 'a9a.skops')
    """
    from ..files.csv_file import COMPRESSED

    name = Path(file.name)
    if not name.name:
        raise InputError("FILE", f"'{file}' is a folder, expected a file")
    if name.suffix.lower() in COMPRESSED:
        name = name.with_suffix("")
    return name.with_suffix(".skops")


def _pipeline(prepare: Any, model: Any) -> Any:
    """Join the fitted preparation and the fitted model."""
    from sklearn.pipeline import Pipeline

    return Pipeline([("prepare", prepare), ("model", model)])
