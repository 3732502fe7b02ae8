"""``fastlr catalogue``: every optimizer and schedule, and the README's table of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from ..options.shared import Json
from ..screen.output import plain_errors, print_json, show

if TYPE_CHECKING:
    from rich.table import Table

LEGEND = (
    "tier 1: one pass over memory; tier 2: sums over elements before it;\n"
    "     3: array code, on the CPU\n"
    "state:  arrays shaped like the parameter; after the dash, with every switch on;\n"
    "        + and factors of them, one number for each row and column\n"
    "bytes:  read and written in a step for each element in float32; clip_norm\n"
    "        reads the gradient once more (4), average= keeps one array more (8)"
)


@plain_errors
def catalogue(
    as_json: Json = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as in the README.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option("--write", metavar="PATH", help="Update that table in a file."),
    ] = None,
) -> None:
    """List every optimizer and schedule: state, memory traffic, paper, presets.

    [bold]Examples[/bold]

        fastlr catalogue

        fastlr catalogue --json > catalogue.json

        fastlr catalogue --write README.md
    """
    from ...reporting.catalogue import markdown, records

    if as_json + as_markdown + (write is not None) > 1:
        raise InputError("--json, --markdown, --write", "expected one of them, got several")
    if write is not None:
        print(f"{write} {'updated' if write_table(write) else 'was up to date'}")
    elif as_json:
        print_json(records())
    elif as_markdown:
        print(markdown())
    else:
        show(optimizer_table(), f"{LEGEND}\n", schedule_table())


def optimizer_table() -> Table:
    """Return the table of optimizers, 80 columns wide."""
    from ...reporting.catalogue import optimizer_rows

    out = _table("optimizer", "tier", "state", "bytes", "paper", "presets")
    for row in optimizer_rows():
        paper = str(row.paper or "-")
        out.add_row(
            row.name, str(row.tier), row.state, row.moved, paper, " ".join(row.presets) or "-"
        )
    return out


def schedule_table() -> Table:
    """Return the table of schedules, 80 columns wide."""
    from ...reporting.catalogue import schedule_rows

    out = _table("schedule", "names", "what it does")
    for row in schedule_rows():
        presets = f" Presets: {' '.join(row.presets)}." if row.presets else ""
        out.add_row(row.name, " ".join(row.names) or "-", row.summary + presets)
    return out


def write_table(path: Path) -> bool:
    """Update the table in a UTF-8 file with markers; return whether it was out of date."""
    from ...core.files import write_atomic
    from ...reporting.catalogue import replace_table

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
    from rich import box
    from rich.table import Table

    out = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)
    for k, title in enumerate(titles):
        right = title in {"tier", "state", "bytes"}
        out.add_column(title, justify="right" if right else "left", no_wrap=k == 0)
    return out
