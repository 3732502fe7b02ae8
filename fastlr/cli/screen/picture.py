"""Write pictures to files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib  # noqa: F401  (drawing comes last, but a missing matplotlib is reported first)

from ...core.files import write_atomic
from ..errors import InputError
from ..files.save import check_target

FORMATS = (".png", ".pdf", ".svg")


def check_picture(path: Path, option: str = "--picture") -> None:
    """Raise `InputError` if a picture cannot be written; an existing one is replaced."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            option, f"'{path}' must end in {', '.join(FORMATS)}, which sets the picture's format"
        )
    check_target(path, force=True, option=option)


def write_axes(path: Path, draw: Callable[[Any], Any]) -> None:
    """Write a picture of one pair of axes, on which `draw` draws."""
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", dpi=150)
    draw(figure.subplots())
    write_figure(path, figure)


def write_figure(path: Path, figure: Any) -> None:
    """Write a figure, whole or not at all."""
    out = io.BytesIO()
    figure.savefig(out, format=path.suffix[1:].lower())
    write_atomic(path, out.getvalue())
