"""``fastlr predict``: what a saved model says of new rows."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, one_line
from ..options.shared import (
    Encoding,
    Features,
    Force,
    Format,
    Header,
    Json,
    MaxGb,
    ModelFile,
    Sep,
)
from ..screen.output import plain_errors, print_json, print_notes

if TYPE_CHECKING:
    import pandas as pd

    from ..files.raw import Reading

ENDINGS = (".csv", ".parquet", ".pq")


@plain_errors
def predict(
    model: ModelFile,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="New rows: CSV, Parquet, NPZ or svmlight; - is stdin."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Where predictions go, .csv or .parquet. Default: CSV on stdout.",
        ),
    ] = None,
    force: Force = False,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of every class.")
    ] = False,
    as_json: Json = False,
    kind: Format = None,
    sep: Sep = None,
    header: Header = None,
    encoding: Encoding = "utf-8",
    features: Features = "X",
    max_gb: MaxGb = 4.0,
) -> None:
    """Predict the target of new rows with a saved model.

    FILE has the columns that the model was trained on, in any order; others,
    the target among them, are not looked at. There is a line for every row:
    the prediction and, with --proba, a column for each class.

    [bold]Examples[/bold]

        fastlr predict data.skops new.csv

        fastlr predict data.skops new.parquet --proba -o answers.parquet

        cat new.csv | fastlr predict data.skops - --json
    """
    from ...core.files import write_atomic
    from ..files.model_file import read_model
    from ..files.raw import Reading
    from ..files.save import check_target

    if output is not None:
        if output.suffix.lower() not in ENDINGS:
            raise InputError("--output", f"'{output}' must end in .csv or .parquet")
        check_target(output, force)
    if not model.is_file():
        raise InputError("MODEL", f"there is no file '{model}'")
    fitted = read_model(model)
    if proba and not hasattr(fitted, "predict_proba"):
        raise InputError("--proba", "the model has no probabilities")
    rows, notes = read_rows(file, Reading(kind, sep, header, encoding, features, max_gb))
    print_notes(notes)
    answers = _answers(fitted, _known_columns(fitted, rows, file), file, proba)
    if output is not None:
        write_atomic(output, _bytes(answers, output))
        if not as_json:
            print(f"{len(answers):,} predictions written to {output}")
    if as_json:
        record: dict[str, Any] = {"command": "predict", "model": str(model), "file": str(file)}
        record |= {"output": None if output is None else str(output), "notes": notes}
        print_json(record | {"predictions": answers.to_dict(orient="list")})
    elif output is None:
        answers.to_csv(sys.stdout, index=False)


def read_rows(file: Path, reading: Reading) -> tuple[Any, list[str]]:
    """Return the rows of a file, a frame or a matrix, and notes; labels may be missing."""
    from ..files.read import read

    raw = read(file, None, reading, needs_target=False)
    return (raw.X if raw.frame is None else raw.frame), raw.notes


def _known_columns(model: Any, rows: Any, file: Path) -> Any:
    """Return the rows with the columns that the model takes; raise where one is missing."""
    prepare = model[0] if hasattr(model, "steps") else model
    names = getattr(prepare, "feature_names_in_", None)
    if names is not None and hasattr(rows, "columns"):
        used = [c for _, _, part in getattr(prepare, "transformers_", ()) for c in part] or list(
            names
        )
        missing = [str(name) for name in used if name not in rows.columns]
        if missing:
            shown = ", ".join(missing[:8]) + (", ..." if len(missing) > 8 else "")
            raise InputError("FILE", f"'{file}' lacks columns that the model takes: {shown}")
        return rows.reindex(columns=list(names))
    if names is not None:
        raise InputError("FILE", f"'{file}' has no named columns, and the model takes them by name")
    width = rows.shape[1]
    expected = getattr(prepare, "n_features_in_", width)
    if width != expected:
        said = f"'{file}' has {width:,} columns, and the model takes {expected:,}"
        raise InputError("FILE", said)
    return rows


def _answers(model: Any, rows: Any, file: Path, proba: bool) -> pd.DataFrame:
    import pandas as pd

    try:
        answers = pd.DataFrame({"prediction": model.predict(rows)})
        if proba:
            found = model.predict_proba(rows)
            for name, column in zip(model.classes_, found.T, strict=True):
                answers[f"probability_{name}"] = column
    except (TypeError, ValueError) as error:
        raise InputError("FILE", f"'{file}': {one_line(error)}") from error
    return answers


def _bytes(answers: pd.DataFrame, path: Path) -> bytes:
    out = io.BytesIO()
    if path.suffix.lower() == ".csv":
        answers.to_csv(out, index=False)
    else:
        answers.to_parquet(out, index=False)
    return out.getvalue()
