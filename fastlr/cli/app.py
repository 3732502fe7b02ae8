"""The commands and their options; the work is done in the files beside this one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.command import bench

from .._version import __version__
from .commands.diagnose import diagnose
from .commands.find_lr import find_lr
from .commands.report import report
from .commands.schedules import schedules
from .commands.sweep import sweep
from .files.raw import Options
from .options import (
    Drop,
    Encoding,
    Features,
    Format,
    Header,
    Json,
    MaxGb,
    Seed,
    Sep,
    Target,
    Threads,
    read_rate,
)
from .schedule_text import is_name, read_schedule
from .screen.errors import InputError
from .screen.output import fail, plain_errors, print_json, print_results

DATA, LOOK, SEE = "Your own data", "Look things up", "See it work"

app = typer.Typer(
    help="Compiled optimizers and learning-rate schedules for scikit-learn.",
    epilog="Exit codes: 0 done, 1 failed, 2 input that cannot be used.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"fastlr {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Compiled optimizers and learning-rate schedules for scikit-learn."""


@app.command(rich_help_panel=SEE)
@plain_errors
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the picture goes (.png, .pdf or .svg).")
    ] = Path("fastlr-demo.png"),
    seed: Seed = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fit every model only once.")] = False,
    threads: Threads = 1,
    as_json: Json = False,
) -> None:
    """Train fastlr beside scikit-learn's linear models on two small data sets.

    Prints a table, and draws the training loss and the schedule.

    [bold]Examples[/bold]

        fastlr demo

        fastlr demo --quick --output /tmp/demo.svg

        fastlr demo --json > demo.json
    """
    from .commands.demo import run_demo
    from .screen.picture import check_picture

    check_picture(output, "--output")
    results, facts = run_demo(output, seed, quick, threads)
    if as_json:
        print_json({"command": "demo", "threads": threads, "picture": str(output)}, results)
        return
    print_results(results, facts, threads)
    print(f"Picture written to {output}")


@app.command(rich_help_panel=DATA)
@plain_errors
def fit(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, Parquet, NPZ or svmlight file.")
    ],
    target: Target = None,
    optimizer: Annotated[
        str, typer.Option("--optimizer", metavar="NAME", help="One that `fastlr info` lists.")
    ] = "adamw",
    lr: Annotated[str, typer.Option("--lr", metavar="RATE", help="A number, or 'auto'.")] = "auto",
    schedule: Annotated[
        str,
        typer.Option(
            "--schedule",
            metavar="NAME",
            help="'none', or one as `fastlr schedules` takes it.",
        ),
    ] = "onecycle",
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            metavar="N",
            min=1,
            help="Rows in a step; told from the data if not given.",
        ),
    ] = None,
    max_epochs: Annotated[
        int, typer.Option("--max-epochs", metavar="N", min=1, help="Passes over the data.")
    ] = 10,
    seed: Seed = 0,
    test_size: Annotated[
        float,
        typer.Option(
            "--test-size", metavar="PART", help="Fraction of the rows that models are tested on."
        ),
    ] = 0.25,
    drop: Drop = None,
    compare: Annotated[
        bool,
        typer.Option("--compare/--no-compare", help="Train SGDClassifier and LogisticRegression."),
    ] = True,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where the model goes (FILE's name with .skops)."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a model that is there.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw loss and schedule (.png, .pdf, .svg).")
    ] = None,
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
    from .commands.fit import run_fit

    settings: dict[str, Any] = {
        "optimizer": optimizer,
        "lr": read_rate(lr),
        "schedule": None if schedule == "none" else schedule,
        "max_epochs": max_epochs,
    }
    if not is_name(schedule):
        settings["schedule"] = read_schedule(schedule, "--schedule")
    if batch_size is not None:
        settings["batch_size"] = batch_size
    if not 0 < test_size < 1:
        raise InputError("--test-size", f"must be a number in (0, 1), got {test_size:g}")
    notes: list[str] = []

    def say(note: str) -> None:
        notes.append(note)
        print(f"Note: {note}", file=sys.stderr)

    done = run_fit(
        file,
        target,
        Options(kind, sep, header, encoding, features, max_gb),
        settings,
        say,
        drop or (),
        test_size,
        seed,
        compare,
        output,
        force,
        picture,
        threads,
    )
    if as_json:
        head = {"command": "fit", "threads": threads, "file": str(file), "notes": notes}
        if picture is not None:
            head["picture"] = str(picture)
        print_json(head | {"output": str(done.output), "trusted": done.trusted}, done.results)
        return
    print_results(done.results, [done.fact], threads)
    if picture is not None:
        print(f"Picture written to {picture}")
    print(f"Model written to {done.output}; load it with\n")
    print("    import skops.io")
    print(f"    model = skops.io.load({str(done.output)!r}, trusted={done.trusted!r})")
    print("    model.predict(rows)")


app.command("find-lr", rich_help_panel=DATA)(find_lr)
app.command(rich_help_panel=DATA)(sweep)
app.command(rich_help_panel=DATA)(report)
app.command(rich_help_panel=DATA)(diagnose)
app.command(rich_help_panel=LOOK)(schedules)
app.command(rich_help_panel=SEE)(bench)


@app.command(rich_help_panel=LOOK)
@plain_errors
def info(as_json: Json = False) -> None:
    """Show which compiled kernels serve on this machine, and what is missing.

    [bold]Examples[/bold]

        fastlr info

        FASTLR_ISA=avx2 fastlr info --json
    """
    from ..kernels.find.info import backend_info
    from .commands.info import info_lines

    try:
        found = backend_info()
    except ValueError as error:  # FASTLR_ISA, which the message names
        fail(str(error), 2)
    if as_json:
        print(json.dumps({"version": __version__, **found}, indent=2))
    else:
        print("\n".join(info_lines(found)))


@app.command(rich_help_panel=LOOK)
@plain_errors
def catalogue(
    as_json: Json = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as it stands in the README.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="FILE", help="Make that table anew inside of FILE."),
    ] = None,
) -> None:
    """List every optimizer and schedule: state, memory traffic, paper, presets.

    [bold]Examples[/bold]

        fastlr catalogue

        fastlr catalogue --json > catalogue.json

        fastlr catalogue --write README.md
    """
    from .commands.catalogue import run_catalogue

    run_catalogue(as_json, as_markdown, write)
