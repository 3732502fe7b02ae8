"""``fastlr report``: write a model's training run as an HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, one_line
from ..options.shared import (
    Drop,
    Encoding,
    Features,
    Format,
    Header,
    Json,
    MaxGb,
    ModelFile,
    Seed,
    Sep,
    Target,
)
from ..screen.output import noted_warnings, plain_errors, print_json, print_notes

if TYPE_CHECKING:
    from ..files.raw import Reading


@plain_errors
def report(
    model: ModelFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Where the page goes (default: MODEL's name with .html); replaces an older page.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="FILE", help="Data to try rates on: CSV, Parquet, NPZ or svmlight."
        ),
    ] = None,
    target: Target = None,
    sweep: Annotated[
        bool,
        typer.Option("--sweep/--no-sweep", help="Cross-validate many rates on the data too."),
    ] = True,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="Heading of the page.")
    ] = None,
    seed: Seed = 0,
    drop: Drop = None,
    as_json: Json = False,
    kind: Format = None,
    sep: Sep = None,
    header: Header = None,
    encoding: Encoding = "utf-8",
    features: Features = "X",
    max_gb: MaxGb = 4.0,
) -> None:
    """Write a training run as one HTML page, with pictures and a diagnosis.

    The page shows losses, scores and learning rates, says what is wrong with
    the run and what to do about it, and lists the settings. It is one file
    that needs no network. With --data it also tries rates on these data, by
    a range test and a sweep.

    [bold]Examples[/bold]

        fastlr report data.skops

        fastlr report data.skops --output run.html --data data.csv -t label

        fastlr report data.skops --json
    """
    from ..files.model_file import read_model
    from ..files.save import check_target

    if data is None and (target is not None or drop):
        raise InputError("--data", "name the file that --target and --drop refer to")
    path = output or Path(f"{model.stem}.html")
    if path.resolve() in (model.resolve(), data and data.resolve()):
        raise InputError("--output", f"'{path}' is a file that this command reads")
    check_target(path, force=True)
    estimator = read_model(model)
    found = _diagnosed(estimator, model)
    X, y = None, None
    results: dict[str, Any] = {}
    notes: list[str] = []
    if data is not None:
        from ..files.raw import Reading

        reading = Reading(kind, sep, header, encoding, features, max_gb)
        X, y, results, notes = _tried(estimator, data, target, drop or [], reading, sweep, seed)
    print_notes(notes)
    from ...core.files import write_atomic
    from ...reporting.page import page

    html = page(estimator, found, X=X, y=y, title=title, notes=tuple(notes), **results)
    write_atomic(path, html.encode("utf-8"))
    if as_json:
        print_json(_record(model, path, found, results, notes))
        return
    print(found)
    print(f"Page written to {path}")


def _diagnosed(estimator: Any, path: Path) -> Any:
    from ...diagnosis import diagnose

    try:
        return diagnose(estimator)
    except (TypeError, ValueError) as error:
        raise InputError("MODEL", f"'{path}': {one_line(error)}") from error


def _tried(
    estimator: Any,
    file: Path,
    target: str | None,
    drop: list[str],
    reading: Reading,
    sweeping: bool,
    seed: int,
) -> tuple[Any, Any, dict[str, Any], list[str]]:
    """Return the data, results by their names in `page`, and notes."""
    from ...tuning import find_lr, sweep
    from ..files.task import read_task
    from ..screen.progress import Progress

    data = read_task(file, target, drop, reading)
    notes = data.notes
    _check_columns(estimator, data.X, file)
    tried: dict[str, Any] = {}
    with Progress() as progress, noted_warnings(notes):
        try:
            progress.start("range test")
            progress.update("range test", None, "running")
            test = tried["range_test"] = find_lr(estimator, data.X, data.y, random_state=seed)
            rate = test.suggestion
            progress.finish(
                "range test", f"suggests {rate:.3g}" if rate == rate else "no rate found"
            )
            if sweeping:
                progress.start("sweep")

                def step(done: int, pieces: int, left: int) -> None:
                    progress.update("sweep", done / pieces, f"{left} candidates left")

                tried["sweep"] = sweep(estimator, data.X, data.y, random_state=seed, progress=step)
                progress.finish("sweep", f"best rate {tried['sweep'].best_lr:.3g}")
        except ValueError as error:
            raise InputError("--data", f"'{file}': {one_line(error)}") from error
    return data.X, data.y, tried, notes


def _check_columns(estimator: Any, X: Any, file: Path) -> None:
    """Raise unless the data have the columns that the model was trained on."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None or not hasattr(X, "columns"):
        return
    missing = [str(name) for name in names if name not in set(X.columns)]
    if missing:
        shown = ", ".join(f"'{name}'" for name in missing[:3]) + (", ..." * (len(missing) > 3))
        raise InputError("--data", f"'{file}' lacks columns that the model was trained on: {shown}")


def _record(
    model: Path, path: Path, found: Any, results: dict[str, Any], notes: list[str]
) -> dict[str, Any]:
    test = results.get("range_test")
    record = {
        "command": "report",
        "model": str(model),
        "output": str(path),
        "verdict": found.verdict,
        "summary": found.summary,
        "next_step": found.next_step,
        "change": found.change,
        "notes": notes,
    }
    if test is not None:
        record["suggestion"] = test.suggestion
    if "sweep" in results:
        record["best_lr"] = results["sweep"].best_lr
        record["best_score"] = results["sweep"].best_score
    return record
