"""Several models trained over the same mini-batches, each as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .result import EpochResult


def run_side_by_side(
    engines: Sequence[Any],
    X: Any,
    y: np.ndarray,
    sample_weight: np.ndarray | None = None,
    order: np.ndarray | None = None,
    batch_size: int = 128,
) -> list[EpochResult]:
    """Train each of several models for an epoch over the same rows in the same order.

    Parameters
    ----------
    engines : sequence of engines
        `LinearEpoch`, `SparseEpoch` or `MLPEpoch`, of one kind.
    X, y, sample_weight, order, batch_size
        As `run` of these engines takes them.

    Returns
    -------
    list of EpochResult
        What `run` of each engine would have returned, to the bit. One that diverges is left
        where it was, and the others go on.

    Raises
    ------
    TypeError, ValueError
        If an argument is unfit; nothing has been written.
    """
    data = X, y, sample_weight, order, batch_size
    if len(engines) > 1 and type(batch_size) is int:
        results: list[EpochResult] | None = type(engines[0]).run_together(engines, *data)
        if results is not None:
            return results
    return [engine.run(*data) for engine in engines]
