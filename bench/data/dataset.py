"""What every loader returns, and how sets are divided."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split


class DataSet(NamedTuple):
    """A named set, loaded when it is asked for.

    Attributes
    ----------
    name : str
        Source and item.
    task : {"classes", "numbers"}
        What its targets are.
    load : callable
        Returns rows (ndarray or CSR) and targets.
    """

    name: str
    task: str
    load: Callable[[], tuple[Any, np.ndarray]]

    @property
    def half(self) -> str:
        """Which half it belongs to: `choosing` for looking at, `untouched` for the end."""
        return "choosing" if zlib.crc32(self.name.encode()) % 2 == 0 else "untouched"

    def parts(self) -> tuple[Any, Any, np.ndarray, np.ndarray]:
        """Return rows and targets to train on, and a quarter of them to test with."""
        X, y = self.load()
        by_class = y if self.task == "classes" else None
        X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=by_class)
        return X, X_test, y, y_test
