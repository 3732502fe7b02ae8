"""What kernels on the device read before anything else: where arrays lie, and how they are cut."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import device as numba_cuda
from .arrays import DeviceArray
from .device import PARTIALS, THREADS, address_of


@dataclass(frozen=True)
class Sets:
    """Arrays that are summed together, as kernels see them."""

    count: int
    table: int  # address of the first and last rank of each set, and of its first coefficient


class ArrayTable:
    """Tables of arrays in device memory.

    A chunk is as long as it must be for all arrays together to have some `PARTIALS` of them, and
    no array is cut into chunks of very different length. Chunks come group after group, so those
    of a set are neighbours whichever way arrays are summed together.
    """

    def __init__(
        self,
        params: Sequence[DeviceArray],
        states: Sequence[Sequence[Any]],
        group_ids: Sequence[int],
        row_width: int,
        stream: Any,
    ) -> None:
        self.n_arrays = len(params)
        self._groups = np.array(group_ids)
        self._row_width, self._stream = row_width, stream
        sizes = [p.size for p in params]
        counts = [-(-size // THREADS) for size in sizes]
        self.n_blocks = sum(counts)
        first_blocks = np.cumsum([0, *counts[:-1]])
        addresses = [[p.address, *map(address_of, s)] for p, s in zip(params, states, strict=True)]
        table = [sizes, first_blocks, self._groups * row_width, *zip(*addresses, strict=True)]
        self._kept: list[Any] = []  # what the addresses point to
        self.blocks = self._send(np.repeat(np.arange(self.n_arrays), counts))
        self.arrays = self._send(np.array(table).reshape(-1))
        self.grads = self._send(np.zeros(self.n_arrays))
        self._grads = self._kept[-1]
        self._addresses: list[int] = []
        order = np.argsort(self._groups, kind="stable")
        self._ranks = np.argsort(order)
        chunks = [chunks_of(sizes[i], counts[i], self.n_blocks) for i in order]
        self.array_of_chunk = np.repeat(order, [len(c) for c in chunks])
        self.n_chunks = self.array_of_chunk.size
        cuts = np.array([cut for each in chunks for cut in each]).reshape(-1, 2)
        self.chunks = self._send(np.concatenate([self.array_of_chunk, *cuts.T]))
        self.members = self._send(order)
        self.firsts = self._send(np.cumsum([0, *(len(c) for c in chunks)]))

    def sets(self, scope: str) -> Sets:
        """Return the sets of arrays that are summed together."""
        first = np.zeros(1, np.int64)
        if scope == "all":  # it has the coefficients of the group that all others fall into
            rows, last = first, np.array([self.n_arrays])
        elif scope == "group":
            each = np.arange(self._groups.max() + 1)
            ordered = np.sort(self._groups)
            first, last = (np.searchsorted(ordered, each, side) for side in ("left", "right"))
            rows = each * self._row_width
        else:
            first, last = self._ranks, self._ranks + 1
            rows = self._groups * self._row_width
        return Sets(first.size, self._send(np.concatenate([first, last, rows])))

    def points_to(self, grads: Sequence[DeviceArray]) -> bool:
        """Return whether the table already has these gradients."""
        return [g.address for g in grads] == self._addresses

    def send_gradients(self, grads: Sequence[DeviceArray], stream: Any) -> None:
        """Put the addresses of new gradients into the table."""
        self._addresses = [g.address for g in grads]
        # From pageable memory the driver takes its own copy before this returns.
        self._grads.copy_to_device(np.array(self._addresses, dtype=np.int64), stream=stream)

    def _send(self, numbers: np.ndarray) -> int:
        """Send a table and return where it lies."""
        self._kept.append(numba_cuda.send(np.array(numbers, dtype=np.int64), self._stream))
        return address_of(self._kept[-1])


def chunks_of(size: int, blocks: int, all_blocks: int) -> list[tuple[int, int]]:
    """Cut an array into chunks, even ones of whole blocks but for its last elements."""
    longest = max(1, -(-all_blocks // PARTIALS))
    count = -(-blocks // longest)
    ends = [min(size, THREADS * (blocks * k // count)) for k in range(count + 1)] if count else []
    return list(itertools.pairwise(ends))
