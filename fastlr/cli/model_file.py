"""A fitted model as a skops file, which is safe to load: it holds no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import skops.io

from .save import write_atomic


def save_model(model: Any, path: Path) -> list[str]:
    """Write a fitted model with skops.

    Parameters
    ----------
    model : estimator
        The fitted model.
    path : Path
        Where to; a file that is there is replaced.

    Returns
    -------
    list of str
        Types in the file that whoever loads it has to trust by name.
    """
    data = skops.io.dumps(model)
    write_atomic(path, data)
    return skops.io.get_untrusted_types(data=data)
