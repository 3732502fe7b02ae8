"""A data set in two parts, and what several of its makers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Data:
    """Rows to train on, and rows to test with.

    Attributes
    ----------
    name : str
        What it is called in tables.
    X, X_test : ndarray or csr_array of shape (rows, features)
        Features.
    y, y_test : ndarray of shape (rows,)
        Targets; class codes 0, 1, ... for classifiers.
    """

    name: str
    X: Any
    y: np.ndarray
    X_test: Any
    y_test: np.ndarray

    @property
    def classes(self) -> int:
        """Number of classes, of class codes."""
        return int(self.y.max()) + 1

    def first(self, rows: int) -> Data:
        """Return the same with fewer rows to train on."""
        return Data(self.name, self.X[:rows], self.y[:rows], self.X_test, self.y_test)

    def held_out(self, rows: int, tested: int) -> Data:
        """Return training rows alone, some of which stand in for the test set, for tuning."""
        cut = slice(rows, rows + tested)
        return Data(self.name, self.X[:rows], self.y[:rows], self.X[cut], self.y[cut])


def parts(name: str, X: Any, y: np.ndarray, test_share: float = 0.2) -> Data:
    """Split rows that are in no order; the last of them are the test set."""
    cut = round(X.shape[0] * (1 - test_share))
    return Data(name, X[:cut], y[:cut], X[cut:], y[cut:])
