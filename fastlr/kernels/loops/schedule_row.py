"""Lays out the coefficients of a schedule, tables among them, as its kernel takes them."""

from __future__ import annotations

import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def packed(
    owner: str, names: Sequence[str], tables: Iterable[str], coefficients: Mapping[str, Any]
) -> array.array[float]:
    """Return coefficients as a kernel takes them."""
    missing = [name for name in names if name not in coefficients]
    if missing:
        said = ", ".join(map(repr, missing))
        raise ValueError(
            f"{owner}.coefficients must return {said}, which its rule takes; "
            f"it returned {', '.join(coefficients) or 'nothing'}"
        )
    row, behind = array.array("d"), array.array("d")
    for name in names:
        value, is_table = coefficients[name], name in tables
        if is_table != hasattr(value, "__len__"):
            wanted = "a sequence of numbers" if is_table else "a number"
            raise TypeError(f"{owner}.coefficients: {name} must be {wanted}, got {value!r}")
        if not is_table:
            row.append(float(value))
            continue
        if not len(value):
            raise ValueError(f"{owner}.coefficients: {name} must have an entry, got {value!r}")
        row.append(len(names) + len(behind))
        behind.append(len(value) - 1)
        behind.extend(float(v) for v in value)
    return row + behind
