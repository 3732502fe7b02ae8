"""The table of epochs that every estimator keeps.

A plain array that doubles when it is full, up to `MOST` rows of online calls: `partial_fit` may be
called millions of times. Then all but the last half of them are merged into `MERGED` rows or so,
which stand for as many calls each.
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
_HEAD = 5  # epochs shown of the beginning, and of the end
UNKNOWN = (np.nan, np.nan)
MOST, MERGED = 1024, 256  # rows of online calls, and those that stand for older ones


def with_room(table: np.ndarray, n: int) -> np.ndarray:
    """Return a table of `n` rows that has room for one more, itself while there is some."""
    if n == len(table):
        table = np.concatenate([table, np.empty((max(n, 8), len(COLUMNS)))])
    return table


def thinned(table: np.ndarray, n: int, first: int) -> int:
    """Merge rows from `first` on, but for the last ones; return how many are left.

    A merged row has the mean loss of its calls, the sum of their seconds, and else what the last
    of them has. All stand for as many calls, a power of two.
    """
    last = n - MOST // 2
    old = table[first:last].copy()
    before = table[first - 1, 0] if first else 0.0
    numbers = old[:, 0] - before
    length = 2.0 ** np.ceil(np.log2(numbers[-1] / MERGED))
    group = np.floor((numbers - 1.0) / length)
    starts = np.flatnonzero(np.diff(group, prepend=-1.0))
    ends = np.append(starts[1:], len(old)) - 1
    calls = np.diff(numbers, prepend=0.0)
    merged = old[ends]
    for name, weights in (("loss", calls), ("seconds", np.ones_like(calls))):
        merged[:, COLUMNS.index(name)] = np.add.reduceat(
            weights * old[:, COLUMNS.index(name)], starts
        )
    merged[:, COLUMNS.index("loss")] /= np.add.reduceat(calls, starts)
    stop = first + len(merged)
    table[first:stop] = merged
    table[stop : stop + n - last] = table[last:n].copy()
    return stop + n - last


class History(dict[str, np.ndarray]):
    """Columns of a history by name; a notebook shows the epochs as a table."""

    def _repr_html_(self) -> str:
        from ...core.markup import table as html_table  # in notebooks alone

        shown = [name for name, column in self.items() if name in COLUMNS and self._tells(column)]
        n = len(self["epoch"])
        last = [k for k in range(n) if k < _HEAD or k >= n - _HEAD]
        rows = [[f"{self[name][k]:.4g}" for name in shown] for k in last]
        if len(last) < n:
            rows.insert(_HEAD, ["…"] * len(shown))
        return html_table(f"{n:,} epochs", [name.replace("_", " ") for name in shown], rows)

    @staticmethod
    def _tells(column: np.ndarray) -> bool:
        return not np.isnan(column).all()


def columns(table: np.ndarray, n: int, facts: Mapping[str, float]) -> History:
    """Return the first `n` rows as one array for each column, then one for each fact."""
    found = {name: table[:n, k].copy() for k, name in enumerate(COLUMNS)}
    found["epoch"] = found["epoch"].astype(np.int64)
    return History(found | {name: np.full(n, facts.get(name, np.nan)) for name in FACTS})
