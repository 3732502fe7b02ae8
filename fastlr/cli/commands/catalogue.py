"""The catalogue as tables for a terminal, and the README's copy of it."""

from __future__ import annotations

import json
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ..._version import __version__
from ...reporting.catalogue import markdown, optimizer_rows, records, replace_table, schedule_rows
from ..files.save import write_atomic
from ..screen.errors import InputError

LEGEND = (
    "tier 1: one pass over memory; tier 2: sums over elements before it;\n"
    "     3: array code, on the CPU\n"
    "state:  arrays shaped like the parameter; after the dash, with every switch on;\n"
    "        + and factors of them, one number for each row and column\n"
    "bytes:  read and written in a step for each element in float32; clip_norm\n"
    "        reads the gradient once more (4), average= keeps one array more (8)"
)


def run_catalogue(as_json: bool, as_markdown: bool, write: Path | None) -> None:
    """Print the catalogue in one of its forms, or write it into a file.

    Parameters
    ----------
    as_json, as_markdown : bool
        Print that form; by default the tables.
    write : Path or None
        A file whose table is made anew.

    Raises
    ------
    InputError
        If more than one is asked for, or the file cannot take the table.
    """
    if as_json + as_markdown + (write is not None) > 1:
        raise InputError("--json, --markdown, --write", "expected one of them, got several")
    if write is not None:
        print(f"{write} {'updated' if write_table(write) else 'was up to date'}")
    elif as_json:
        print(json.dumps({"version": __version__, **records()}, indent=2))
    elif as_markdown:
        print(markdown())
    else:
        console = Console(highlight=False)
        console.print(optimizer_table())
        print(f"{LEGEND}\n")
        console.print(schedule_table())


def optimizer_table() -> Table:
    """Return the table of optimizers; it fits into 80 columns."""
    out = _table("optimizer", "tier", "state", "bytes", "paper", "presets")
    for row in optimizer_rows():
        paper = str(row.paper or "-")
        out.add_row(
            row.name, str(row.tier), row.state, row.moved, paper, " ".join(row.presets) or "-"
        )
    return out


def schedule_table() -> Table:
    """Return the table of schedules; it fits into 80 columns."""
    out = _table("schedule", "names", "what it does")
    for row in schedule_rows():
        presets = f" Presets: {' '.join(row.presets)}." if row.presets else ""
        out.add_row(row.name, " ".join(row.names) or "-", row.summary + presets)
    return out


def write_table(path: Path) -> bool:
    """Make the table in a file anew; return whether it was out of date.

    Parameters
    ----------
    path : Path
        A UTF-8 text file with the markers.

    Returns
    -------
    bool
        False if nothing had to be written.

    Raises
    ------
    InputError
        If it cannot be read or has no markers.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        new = replace_table(text)
    except UnicodeDecodeError:
        raise InputError("--write", f"'{path}' is no UTF-8 text") from None
    except OSError as error:
        raise InputError("--write", f"'{path}': {error.strerror}") from error
    except ValueError as error:
        raise InputError("--write", f"'{path}': {error}") from error
    if new != text:
        write_atomic(path, new.encode("utf-8"))
    return new != text


def _table(*titles: str) -> Table:
    out = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for k, title in enumerate(titles):
        right = title in {"tier", "state", "bytes"}
        out.add_column(title, justify="right" if right else "left", no_wrap=k == 0)
    return out
