"""Check where files are to be written."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError


def check_target(path: Path, force: bool, option: str = "--output") -> None:
    """Raise `InputError` if a file cannot be written; `force` allows replacing one."""
    folder = path.parent
    if path.is_dir():
        raise InputError(option, f"'{path}' is a folder, expected a file name")
    if not folder.is_dir():
        raise InputError(option, f"there is no folder '{folder}'")
    if not os.access(folder, os.W_OK):
        raise InputError(option, f"folder '{folder}' cannot be written to")
    if path.exists() and not force:
        raise InputError(
            option, f"'{path}' already exists; --force replaces it, or choose another name"
        )
