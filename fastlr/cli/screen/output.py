"""Print results and notes, and end with one line when something is wrong."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import shlex
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from ..._version import __version__
from ..errors import DivergedError, InputError, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType


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
        except BrokenPipeError:  # `fastlr ... | head`: typer ends quietly
            raise
        except OSError as error:
            fail(one_line(error), 1)

    return guarded


def fail(message: str, code: int) -> NoReturn:
    """Print one line on stderr and end with an exit code."""
    print(f"Error: {message}", file=sys.stderr)
    raise typer.Exit(code)


def print_json(record: Mapping[str, Any]) -> None:
    """Print a record as JSON on stdout, after the version; numbers that are not finite are null."""
    print(json.dumps({"version": __version__, **_plain(record)}, indent=2, default=repr))


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(*parts: RenderableType) -> None:
    """Print tables and styled text on stdout."""
    from rich.console import Console

    console = Console(highlight=False)
    for part in parts:
        console.print(part)


def print_next(file: Path, target: str | None, optimizer: str, rate: float) -> None:
    """Print the command that trains with a rate that was found."""
    if not math.isfinite(rate):
        print("no rate was found")
        return
    words = ["fastlr", "fit", str(file), "--optimizer", optimizer, "--lr", f"{rate:.3g}"]
    print("train with it:", shlex.join(words if target is None else [*words, "--target", target]))


def print_notes(notes: Iterable[str]) -> None:
    """Print notes on stderr, which leaves stdout to results."""
    for note in notes:
        print(f"Note: {note}", file=sys.stderr)


@contextlib.contextmanager
def noted_warnings(notes: list[str]) -> Iterator[None]:
    """Add the warnings of the body to `notes`, each text once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    said = [one_line(w.message) for w in caught if issubclass(w.category, UserWarning)]
    notes += dict.fromkeys(said)
