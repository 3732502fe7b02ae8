"""``python -m bench``: the benchmarks, on the machine at hand."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from .measure.record import Results

HOME = Path(__file__).parent
README, RESULTS = HOME / "README.md", HOME / "results"


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
            help="Where JSON and HTML go (bench/results if not given).",
        ),
    ] = None,
    readme: Annotated[
        Path | None,
        typer.Option(
            "--readme",
            metavar="FILE",
            help="Markdown file whose tables are made anew (bench/README.md, unless --quick or "
            "--output is given).",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--compare", metavar="FILE", help="Also show what changed since an older JSON file."
        ),
    ] = None,
    suites: Annotated[bool, typer.Option("--list", help="List the suites and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the results as JSON on stdout, and no table.")
    ] = False,
) -> None:
    """Time fastlr beside what you would take instead, on this machine.

    Peers that are installed take part; the others are named. In full it takes
    about ten minutes, and wants a machine that does nothing else.

    Examples
    --------
        python -m bench --quick

        python -m bench --only fit --only online

        python -m bench --compare old/results.json
    """
    from .harness import SUITES, run, write
    from .measure.record import Results

    if suites:
        if as_json:
            print(json.dumps(SUITES, indent=2))
            return
        for name, what in SUITES.items():
            print(f"{name:9} {what}")
        return
    unknown = [name for name in only or () if name not in SUITES]
    if unknown:
        _refuse("--only", f"expected {', '.join(SUITES)}, got {unknown[0]!r}")
    older = None if against is None else _read(against, Results)
    if readme is None and output is None and not quick:
        readme = README
    folder = output or RESULTS
    if readme is not None and not os.access(readme, os.W_OK):
        _refuse("--readme", f"'{readme}' cannot be written to")
    found = run(only or (), quick, keep=lambda part: write(part, folder))
    measured = Results(**vars(found))
    try:
        written = write(found, folder, readme)
    except ValueError as error:
        _refuse("--output, --readme", str(error))
    if as_json:
        print(written.json.read_text(encoding="utf-8"), end="")
    else:
        _show(measured)
    if older is not None:
        _changes(older, measured)
    for path in (written.json, written.page, written.readme):
        if path is not None:
            print(f"Written: {path}", file=sys.stderr)


def _refuse(argument: str, message: str) -> NoReturn:
    """End with one line on stderr, and the exit code for input that cannot be used."""
    print(f"Error: {argument}: {message}", file=sys.stderr)
    raise typer.Exit(2)


def _read(path: Path, kind: type[Results]) -> Results:
    try:
        return kind.read(path)
    except OSError as error:
        _refuse("--compare", f"'{path}': {error.strerror}")
    except ValueError as error:
        _refuse("--compare", str(error))


def _show(results: Results) -> None:
    """Print the tables of this run."""
    from .show.catalogue import TABLES
    from .show.tables import head, lost, markdown, rows_of

    print(head(results))
    for name, table in TABLES.items():
        records = results.of(name)
        if records:
            print(f"\n{table.title}\n\n{markdown(rows_of(name, records))}")
    rows = lost(results.records)
    if rows:
        print(f"\nWhere a peer is faster\n\n{markdown(rows)}")


def _changes(older: Results, results: Results) -> None:
    from .show.compare import changes, rows
    from .show.tables import markdown

    try:
        found = changes(older, results)
    except ValueError as error:
        _refuse("--compare", str(error))
    clear = rows(found)
    said = f"{len(clear)} of {len(found)} figures changed by more than 10 %, quartiles apart"
    print(f"\n{said}", *([markdown(clear)] if clear else []), sep="\n\n", file=sys.stderr)
