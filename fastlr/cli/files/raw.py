"""What reading a file takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Options:
    """How to read: what the user said, ``None`` where the file is to tell."""

    format: str | None = None
    sep: str | None = None
    header: bool | None = None
    encoding: str = "utf-8"
    features: str = "X"
    max_gb: float = 4.0


@dataclass
class Raw:
    """What a file holds: a `frame`, or a matrix `X` with labels `y`."""

    frame: pd.DataFrame | None = None
    X: np.ndarray | None = None
    y: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of rows."""
        if self.frame is not None:
            return len(self.frame)
        assert self.y is not None
        return len(self.y)
