"""The table of epochs that every estimator keeps.

A plain array that doubles when it is full: `partial_fit` may be called millions of times, and a
list of tuples would then cost hundreds of bytes a call, or copying the table at each.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

FACTS = (
    "start_loss",
    "end_loss",
    "constant_loss",
    "smallest_feature",
    "largest_feature",
    "dead_units",
    "diverged",
    "straightness",
)
COLUMNS = (
    "epoch",
    "loss",
    "validation_loss",
    "validation_score",
    "lr",
    "momentum",
    "gradient_norm",
    "seconds",
    "movement",
    "alignment",
)
UNKNOWN = (np.nan, np.nan)


def columns(table: np.ndarray, n: int, facts: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return the first `n` rows as one array for each column, then one for each fact."""
    found = {name: table[:n, k].copy() for k, name in enumerate(COLUMNS)}
    found["epoch"] = found["epoch"].astype(np.int64)
    return found | {name: np.full(n, facts.get(name, np.nan)) for name in FACTS}
