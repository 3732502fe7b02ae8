"""Read models for the commands, with errors that name the argument."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...exceptions import SavedFileError
from ..errors import InputError, one_line


def read_model(path: Path, argument: str = "MODEL") -> Any:
    """Read a model from a skops file; `argument` is for errors."""
    from ...estimators import load_model

    try:
        return load_model(path)
    except OSError as error:
        raise InputError(argument, f"cannot read '{path}': {error.strerror}") from error
    except SavedFileError as error:
        raise InputError(argument, one_line(error)) from error
