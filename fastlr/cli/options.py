"""Options that several commands share, and how the text of one is read."""

from __future__ import annotations

from typing import Annotated

import typer

from .errors import InputError

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
        help="Draws the test rows and seeds every model.",
    ),
]
Threads = Annotated[
    int,
    typer.Option("--threads", metavar="N", min=1, help="Threads for every model's linear algebra."),
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
