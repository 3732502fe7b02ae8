"""``fastlr bench``: the benchmarks, on the machine at hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastlr.cli.options import Json
from fastlr.cli.screen.errors import InputError
from fastlr.cli.screen.output import plain_errors

if TYPE_CHECKING:
    from .record import Results

CHECKOUT = Path("bench/README.md")  # where a source checkout keeps its tables


@plain_errors
def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="Little of everything, for errors and not for times.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="SUITE", help="One suite; may be repeated."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Where JSON and HTML go (bench/results in a checkout, else fastlr-bench).",
        ),
    ] = None,
    readme: Annotated[
        Path | None,
        typer.Option(
            "--readme",
            metavar="FILE",
            help="Markdown file whose tables are made anew (bench/README.md in a checkout, "
            "unless --quick is given).",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--compare", metavar="FILE", help="Also show what changed since an older JSON file."
        ),
    ] = None,
    suites: Annotated[bool, typer.Option("--list", help="List the suites and end.")] = False,
    as_json: Json = False,
) -> None:
    """Time fastlr beside what you would take instead, on this machine.

    Peers that are installed take part; the others are named. In full it takes
    about ten minutes, and wants a machine that does nothing else.

    [bold]Examples[/bold]

        fastlr bench --quick

        fastlr bench --only fit --only online

        fastlr bench --compare old/results.json
    """
    from .harness import SUITES, run, write
    from .record import Results

    if suites:
        for name, what in SUITES.items():
            print(f"{name:9} {what}")
        return
    unknown = [name for name in only or () if name not in SUITES]
    if unknown:
        raise InputError("--only", f"expected {', '.join(SUITES)}, got {unknown[0]!r}")
    older = None
    if against is not None:
        older = _read(against, Results)
    checkout = CHECKOUT.exists()
    folder = output or (CHECKOUT.parent / "results" if checkout else Path("fastlr-bench"))
    if readme is None and checkout and not quick:
        readme = CHECKOUT
    if readme is not None and not os.access(readme, os.W_OK):
        raise InputError("--readme", f"'{readme}' cannot be written to")
    found = run(only or (), quick, keep=lambda part: write(part, folder))
    measured = Results(**vars(found))
    try:
        written = write(found, folder, readme)
    except ValueError as error:
        raise InputError("--output, --readme", str(error)) from error
    if as_json:
        print(written.json.read_text(encoding="utf-8"), end="")
    else:
        _show(measured)
    if older is not None:
        _changes(older, measured)
    for path in (written.json, written.page, written.readme):
        if path is not None:
            print(f"Written: {path}", file=sys.stderr)


def _read(path: Path, kind: type[Results]) -> Results:
    try:
        return kind.read(path)
    except OSError as error:
        raise InputError("--compare", f"'{path}': {error.strerror}") from error
    except ValueError as error:
        raise InputError("--compare", str(error)) from error


def _show(results: Results) -> None:
    """Print the tables of this run."""
    from .catalogue import TABLES
    from .tables import head, lost, markdown, rows_of

    print(head(results))
    for name, table in TABLES.items():
        records = results.of(name)
        if records:
            print(f"\n{table.title}\n\n{markdown(rows_of(name, records))}")
    rows = lost(results.records)
    if rows:
        print(f"\nWhere a peer is faster\n\n{markdown(rows)}")


def _changes(older: Results, results: Results) -> None:
    from .compare import changes, rows
    from .tables import markdown

    try:
        found = changes(older, results)
    except ValueError as error:
        raise InputError("--compare", str(error)) from error
    clear = rows(found)
    said = f"{len(clear)} of {len(found)} figures changed by more than 10 %, quartiles apart"
    print(f"\n{said}", *([markdown(clear)] if clear else []), sep="\n\n", file=sys.stderr)
