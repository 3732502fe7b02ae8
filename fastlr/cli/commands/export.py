"""``fastlr export``: a saved model as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError, one_line
from ..options.shared import Force, Json, ModelFile
from ..screen.output import fail, plain_errors, print_json


@plain_errors
def export(
    model: ModelFile,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Where the graph goes, .onnx (default: MODEL's name, in this folder).",
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write a saved model, its preparation included, as an ONNX graph.

    onnxruntime serves the graph without Python. Where the model was trained on
    a table, the graph has one input for each column, named like it; else one
    input, X. Probabilities come as one row of numbers for each row of input.

    [bold]Examples[/bold]

        fastlr export data.skops

        fastlr export data.skops --output served/data.onnx --json
    """
    from ...core.files import write_atomic
    from ..files.model_file import read_model
    from ..files.save import check_target

    if not model.is_file():
        raise InputError("MODEL", f"there is no file '{model}'")
    path = output or Path(model.name).with_suffix(".onnx")
    if path.suffix.lower() != ".onnx":
        raise InputError("--output", f"'{path}' must end in .onnx")
    check_target(path, force)
    fitted = read_model(model)
    try:
        from ...onnx import register

        register()
    except ImportError as error:
        fail(one_line(error), 1)
    inputs = graph_inputs(fitted)
    graph = _graph(fitted, inputs, model)
    write_atomic(path, graph.SerializeToString())
    shown = {  # names that are no identifiers become others in the graph
        named.name: type(kind).__name__.removesuffix("TensorType").lower()
        for named, (_, kind) in zip(graph.graph.input, inputs, strict=True)
    }
    if as_json:
        record = {"command": "export", "model": str(model), "output": str(path), "inputs": shown}
        print_json(record)
        return
    print(f"Graph written to {path}")
    print("inputs:", ", ".join(f"{name} ({kind})" for name, kind in shown.items()))


def graph_inputs(model: Any) -> list[tuple[str, Any]]:
    """Return names and types of the inputs of a model's graph."""
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    prepare = model[0] if hasattr(model, "steps") else model
    if not hasattr(prepare, "transformers_"):
        return [("X", FloatTensorType([None, prepare.n_features_in_]))]
    kinds: dict[str, Any] = {}
    for part, _, columns in prepare.transformers_:
        if part == "dates" and len(columns):
            raise InputError("MODEL", f"ONNX cannot take dates apart: {', '.join(columns)}")
        for column in columns if part != "remainder" else ():
            kind = StringTensorType if part == "categories" else FloatTensorType
            kinds[column] = kind([None, 1])
    return list(kinds.items())


def _graph(model: Any, inputs: list[tuple[str, Any]], path: Path) -> Any:
    from skl2onnx import to_onnx

    options = {"zipmap": False} if hasattr(model, "classes_") else None
    try:
        return to_onnx(model, initial_types=inputs, options=options)
    except Exception as error:  # converters fail in arbitrary ways
        raise InputError("MODEL", f"'{path}' has no ONNX form: {one_line(error)}") from error
