"""Options for reading a file, and the contents that a reader returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Reading:
    """Options for reading a file; ``None`` where the file itself decides."""

    format: str | None = None
    sep: str | None = None
    header: bool | None = None
    encoding: str = "utf-8"
    features: str = "X"
    max_gb: float = 4.0


@dataclass
class Raw:
    """Contents of a file: a `frame`, or a matrix `X`, dense or sparse, with a target `y`."""

    frame: pd.DataFrame | None = None
    X: Any = None
    y: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.frame) if self.frame is not None else int(self.X.shape[0])
