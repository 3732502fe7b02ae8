"""Options that several commands share, and how the text of one is read."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from .screen.errors import InputError

Json = Annotated[
    bool, typer.Option("--json", help="Print the results as JSON on stdout, and no table.")
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed",
        metavar="N",
        min=0,
        max=2**32 - 1,
        help="Seeds whatever is drawn at random.",
    ),
]
Threads = Annotated[
    int,
    typer.Option("--threads", metavar="N", min=1, help="Threads for every model's linear algebra."),
]

Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        "-t",
        metavar="COLUMN",
        help="Column to predict: its name, or its position from 0 (-1: the last). For NPZ the "
        "array of labels ('y' if not given); svmlight needs none.",
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="COLUMN", help="Leave a column out; may be repeated."),
]

# How a file is read; each command that reads one takes them all.
_READING = "Reading"
Format = Annotated[
    Literal["csv", "parquet", "npz", "svmlight"] | None,
    typer.Option("--format", help="If the name does not tell.", rich_help_panel=_READING),
]
Sep = Annotated[
    str | None,
    typer.Option(
        "--sep",
        metavar="CHAR",
        help="CSV: separator; told from the first line.",
        rich_help_panel=_READING,
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="CSV: the first line names the columns; told from the line.",
        rich_help_panel=_READING,
    ),
]
Encoding = Annotated[
    str, typer.Option("--encoding", help="CSV: encoding.", rich_help_panel=_READING)
]
Features = Annotated[
    str, typer.Option("--features", help="NPZ: array of features.", rich_help_panel=_READING)
]
MaxGb = Annotated[
    float,
    typer.Option(
        "--max-gb", metavar="GB", help="Largest dense matrix, in GB.", rich_help_panel=_READING
    ),
]


def read_rate(text: str) -> float | str:
    """Return the value of ``--lr``: a number above 0, or ``"auto"``; else raise `InputError`."""
    if text == "auto":
        return text
    try:
        rate = float(text)
    except ValueError:
        raise InputError("--lr", f"must be a number above 0 or 'auto', got {text!r}") from None
    if not 0 < rate < float("inf"):
        raise InputError("--lr", f"must be a number above 0 or 'auto', got {text}")
    return rate
