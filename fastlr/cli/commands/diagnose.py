"""``fastlr diagnose``: name what is wrong with a training run, from its model or history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError, one_line
from ..options.shared import Json
from ..screen.output import plain_errors, print_json


@plain_errors
def diagnose(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Model that `fastlr fit` wrote, or a history in JSON (.json; - is stdin).",
        ),
    ],
    as_json: Json = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="End with code 0 whatever the verdict.")
    ] = False,
) -> None:
    """Say what is wrong with a training run, why, and what to change.

    A history is a JSON object with "loss", a list with a number for each
    epoch; "validation_loss", "lr" and the other columns of history_ make the
    verdict surer. The verdict is one of: diverging, oscillating, too slow, stuck,
    no signal, overfitting, unfinished, healthy, too short. "no signal" means
    that targets do not depend on the features as far as the model can find,
    "too short" that more epochs, or chunks of rows, are needed to tell.

    The exit code is 0 if the run is healthy, 3 if it is not, and 2 if FILE
    cannot be read.

    [bold]Examples[/bold]

        fastlr diagnose data.skops

        fastlr diagnose history.json --json

        echo '{"loss": [0.7, 0.9, 1.4, 3.1]}' | fastlr diagnose -
    """
    given, model = _read(file)
    from ...diagnosis import diagnose as diagnose_run

    try:
        found = diagnose_run(given)
    except (TypeError, ValueError) as error:
        raise InputError("FILE", f"'{file}': {one_line(error)}") from error
    if as_json:
        print_json(_record(file, model, found))
    else:
        print(found)
    if found.verdict != "healthy" and not exit_zero:
        raise typer.Exit(3)


def _record(file: Path, model: str | None, found: Any) -> dict[str, Any]:
    return {
        "command": "diagnose",
        "file": str(file),
        "model": model,
        "verdict": found.verdict,
        "summary": found.summary,
        "evidence": [{"name": e.name, "value": e.value, "text": e.text} for e in found.evidence],
        "causes": list(found.causes),
        "next_step": found.next_step,
        "change": found.change,
    }


def _read(file: Path) -> tuple[Any, str | None]:
    """Return the history or the model in a file, and the model in words."""
    if str(file) == "-":
        return _history(typer.get_text_stream("stdin").read(), file), None
    if not file.is_file():
        raise InputError("FILE", f"there is no file '{file}'")
    if file.suffix.lower() == ".json":
        return _history(file.read_text(encoding="utf-8"), file), None
    from ..files.model_file import read_model

    model = read_model(file, "FILE")
    return model, _words(model)


def _words(model: Any) -> str:
    """Return an estimator in one line, without the steps that prepare its data."""
    inner = model[-1] if hasattr(model, "steps") else model
    return " ".join(repr(inner).split())


def _history(text: str, file: Path) -> dict[str, Any]:
    """Return the history in a JSON text."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError("FILE", f"'{file}' is not JSON: {one_line(error)}") from error
    if not isinstance(found, dict):
        raise InputError(
            "FILE", f"'{file}' must hold an object with 'loss', got a {type(found).__name__}"
        )
    return found
