"""What a command prints, and how it ends when something is wrong."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import typer
from rich.console import Console

from ..._version import __version__
from ..race.race import OURS, DivergedError, Result
from .comparison import footnotes, records, table
from .errors import InputError, one_line


def plain_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end in one line on stderr: exit code 2 for bad input, 1 for what failed."""

    @functools.wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except InputError as error:
            fail(str(error), 2)
        except DivergedError as error:
            fail(f"--lr: {error}", 1)
        except MemoryError:
            fail("out of memory; use fewer rows or columns", 1)
        except OSError as error:
            fail(one_line(error), 1)

    return guarded


def fail(message: str, code: int) -> NoReturn:
    """Print one line on stderr and end with an exit code."""
    print(f"Error: {message}", file=sys.stderr)
    raise typer.Exit(code)


def print_json(head: Mapping[str, Any], results: Mapping[str, Sequence[Result]]) -> None:
    """Print results as JSON on stdout, after what `head` holds."""
    print(json.dumps({"version": __version__, **head, "results": records(results)}, indent=2))


def print_results(
    results: Mapping[str, Sequence[Result]], facts: Sequence[str], threads: int
) -> None:
    """Print facts about the data, the table, and what it needs to be understood."""
    console = Console(highlight=False)
    for fact in facts:
        print(fact)
    console.print(table(results))
    if any(len(rows) > 1 for rows in results.values()):
        on = "1 thread" if threads == 1 else f"{threads} threads"
        print(f"rate: learning rate at its peak\nratio: fit time over {OURS}'s, which is fastlr's")
        print(f"every model ran on {on}")
    for note in footnotes(results):
        print(note)
