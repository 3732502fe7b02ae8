"""Which rows the short runs of a race are judged on.

Where all rows are in every step, a weight of 2 is the same as the row given twice, and one of 0
the same as its absence. The folds keep that up: they are drawn by what is in a row, not by where
it stands, so that copies of a row go into one fold together.
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from ...rates.race_plan import HELD_OUT
from ..data.rows import Matrix, Rows, is_sparse

_PARTS = 5
GROUPS = 8  # groups of held-out rows; how they differ shows what is chance


class Folds:
    """Folds of rows.

    `n_units` counts rows; with `by_content`, different rows whose weight is above zero. Each fold
    holds out a fifth of the rows, `most` at most where there are many.
    """

    def __init__(self, rows: Rows, by_content: bool, seed: int, most: int = HELD_OUT) -> None:
        numbers = rows.numbers
        self._rows, self._known = rows, dict[int, tuple[Rows, np.ndarray, Rows, np.ndarray]]()
        self._size = 0
        if by_content:
            if rows.weights is not None:
                numbers = numbers[rows.weights[numbers] > 0]
            keys = np.array([_key(rows.X, i, seed) for i in numbers], dtype=np.int64)
            self._numbers, units = numbers, np.unique(keys)
            ranks = np.searchsorted(units, keys)
            self._parts, self._groups = ranks % _PARTS, ranks // _PARTS % GROUPS
            self.n_units = len(units)
        else:
            mixed = np.random.RandomState(seed).permutation(numbers).astype(np.int64, copy=False)
            self._numbers, self.n_units = mixed, len(mixed)
            self._size = min(max(len(mixed) // _PARTS, 1), most)

    def split(self, fold: int) -> tuple[Rows, np.ndarray, Rows, np.ndarray]:
        """Return the rows, the numbers of those to train on, and a copy of those held out."""
        if fold not in self._known:
            train, own, groups = self._parted(fold)
            order = np.lexsort((own, groups))
            test = self._rows.taken(own[order])
            _, starts = np.unique(groups[order], return_index=True)
            rows = self._rows
            if rows.weights is not None:
                rows = replace(rows, weights=rows.weights / (rows.weights[train].mean() or 1.0))
            self._known[fold] = rows, train, test, starts
        return self._known[fold]

    def _parted(self, fold: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return numbers of the rows to train on and of those held out, and groups of these."""
        numbers = self._numbers
        if self._size:  # many rows, of which few are held out: no mark is made for each
            start, stop = fold * self._size, (fold + 1) * self._size
            own = numbers[start:stop]
            train = np.concatenate([numbers[:start], numbers[stop:]])
            return train, own, np.arange(start, start + len(own)) % GROUPS
        own = self._parts == fold
        return numbers[~own], numbers[own], self._groups[own]


def _key(X: Matrix, i: int, seed: int) -> int:
    """Return a number that tells the content of a row, the same in every process."""
    if is_sparse(X):
        part = slice(X.indptr[i], X.indptr[i + 1])
        columns = X.indices[part].astype(np.int32)  # whichever width they come in
        return zlib.crc32(X.data[part].tobytes(), zlib.crc32(columns.tobytes(), seed))
    return zlib.crc32(X[i].tobytes(), seed)
