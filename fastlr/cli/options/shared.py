"""Arguments and options that several commands share, and checks of their values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import InputError

# What the commands train, and how.
DataFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV, Parquet, NPZ or svmlight file.")
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        metavar="COLUMN",
        help="Column to predict: its name, or its position from 0 (-1: the last). In an NPZ file "
        "the array of labels (default: y); an svmlight file needs none.",
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="COLUMN", help="Leave a column out; may be repeated."),
]
Optimizer = Annotated[
    str, typer.Option("--optimizer", metavar="NAME", help="One of those in `fastlr info`.")
]
ScheduleText = Annotated[
    str,
    typer.Option("--schedule", metavar="NAME", help="As in `fastlr schedules NAME`, or 'none'."),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        metavar="N",
        min=1,
        help="Rows in a mini-batch; by default it depends on the number of rows.",
    ),
]
MaxEpochs = Annotated[
    int, typer.Option("--max-epochs", metavar="N", min=1, help="Passes over the data.")
]
Seed = Annotated[
    int,
    typer.Option("--seed", metavar="N", min=0, max=2**32 - 1, help="Seed of all random numbers."),
]
Threads = Annotated[
    int, typer.Option("--threads", metavar="N", min=1, help="Threads that each model may use.")
]

# What they write.
Json = Annotated[
    bool, typer.Option("--json", help="Print the results as JSON on stdout, and no table.")
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="PATH", help="Draw the result to a .png, .pdf or .svg file."),
]

Force = Annotated[bool, typer.Option("--force", help="Replace a file that already exists.")]

# What they read.
ModelFile = Annotated[
    Path, typer.Argument(metavar="MODEL", help="Model that `fastlr fit` wrote (.skops).")
]

# How a file is read.
_READING = "Reading FILE"
Format = Annotated[
    Literal["csv", "parquet", "npz", "svmlight"] | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="csv, parquet, npz or svmlight. Default: by the ending of FILE.",
        rich_help_panel=_READING,
    ),
]
Sep = Annotated[
    str | None,
    typer.Option(
        "--sep",
        metavar="CHAR",
        help="CSV: separator, 'tab' or 'space' too. Default: found in the first line.",
        rich_help_panel=_READING,
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="CSV: whether the first line names the columns. Default: found from that line.",
        rich_help_panel=_READING,
    ),
]
Encoding = Annotated[
    str,
    typer.Option(
        "--encoding", metavar="NAME", help="CSV: encoding of the text.", rich_help_panel=_READING
    ),
]
Features = Annotated[
    str,
    typer.Option(
        "--features", metavar="NAME", help="NPZ: array of features.", rich_help_panel=_READING
    ),
]
MaxGb = Annotated[
    float,
    typer.Option(
        "--max-gb",
        metavar="GB",
        help="Memory limit of the dense matrix of features.",
        rich_help_panel=_READING,
    ),
]


def read_rate(text: str) -> float | str:
    """Return the value of ``--lr``, a number above 0 or ``"auto"``."""
    if text == "auto":
        return text
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise InputError("--lr", f"must be a number above 0 or 'auto', got '{text}'")
    return rate


def check_ends(low: float, high: float) -> None:
    """Raise `InputError` unless ``--low`` and ``--high`` span a range of rates."""
    if not 0 < low < high < float("inf"):
        raise InputError("--low", f"must be above 0 and below --high, got {low:g} and {high:g}")
