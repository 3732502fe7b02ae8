"""What kernels on the device read before anything else: where arrays lie, and their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import numba_cuda
from .cuda_arrays import DeviceArray
from .numba_cuda import THREADS, address_of, configure


class ArrayTable:
    """Tables of arrays in device memory, and the norm of the gradients they point to.

    Parameters
    ----------
    params : sequence of DeviceArray
        Parameters, all of one dtype.
    states : sequence of sequence of device array
        State arrays of each parameter.
    row_offsets : sequence of int
        Where each parameter's coefficients begin within a step's, in bytes.
    stream : stream
        Numba's, on which the tables are sent.

    Attributes
    ----------
    n_arrays, n_blocks : int
        Number of arrays, and of blocks that a kernel takes for all of them.
    scale : device array of shape (1,)
        What clipping multiplies the gradients by.
    """

    def __init__(
        self,
        params: Sequence[DeviceArray],
        states: Sequence[Sequence[Any]],
        row_offsets: Sequence[int],
        stream: Any,
    ) -> None:
        self.n_arrays = len(params)
        self._dtype = params[0].dtype
        self._reductions = numba_cuda.reductions("f32" if self._dtype == np.float32 else "f64")
        counts = [-(-p.size // THREADS) for p in params]
        self.n_blocks = sum(counts)
        first_blocks = np.cumsum([0, *counts[:-1]])
        addresses = [[p.address, *map(address_of, s)] for p, s in zip(params, states, strict=True)]
        table = [[p.size for p in params], first_blocks, row_offsets, *zip(*addresses, strict=True)]
        self._array_of_block = np.repeat(np.arange(self.n_arrays), counts)
        self._blocks = numba_cuda.send(self._array_of_block, stream)
        self._table = numba_cuda.send(np.array(table, dtype=np.int64).reshape(-1), stream)
        self._grads = numba_cuda.send(np.zeros(self.n_arrays, np.int64), stream)
        self._addresses: list[int] = []
        self.scale = numba_cuda.send(np.ones(1, self._dtype), stream)
        self._total = numba_cuda.send(np.zeros(1), stream)
        self._partial = numba_cuda.send(np.zeros(min(self.n_blocks, numba_cuda.PARTIALS)), stream)

    @property
    def pointers(self) -> tuple[int, int, int]:
        """Addresses of the tables of blocks, of arrays and of gradients."""
        return address_of(self._blocks), address_of(self._table), address_of(self._grads)

    def points_to(self, grads: Sequence[DeviceArray]) -> bool:
        """Tell whether these gradients are those that the table has."""
        return [g.address for g in grads] == self._addresses

    def send_gradients(self, grads: Sequence[DeviceArray], stream: Any) -> None:
        """Put the addresses of new gradients into the table."""
        self._addresses = [g.address for g in grads]
        # From pageable memory the driver takes its own copy before this returns.
        self._grads.copy_to_device(np.array(self._addresses, dtype=np.int64), stream=stream)

    def measure(self, clip_norm: float, stream: Any, squares: bool = True) -> None:
        """Start the sum of squares, or of products with zero, and the scale that follows from it.

        Nothing waits for it here: kernels that are launched after it find the result.
        """
        _, finish = self._reductions
        self._sum(self._partial, squares, stream)
        configure(finish, 1, stream)(
            address_of(self._total),
            address_of(self.scale),
            address_of(self._partial),
            self._partial.size,
            float(clip_norm),
        )

    def norm(self, stream: Any) -> float:
        """Wait for the sum that was started last and return its root."""
        with np.errstate(invalid="ignore"):
            return float(np.sqrt(numba_cuda.fetch(self._total, stream)[0]))

    def is_finite(self, stream: Any) -> bool:
        """Wait for the sum of squares and tell whether all gradients are finite."""
        if np.isfinite(numba_cuda.fetch(self._total, stream)[0]):
            return True
        # Squares of finite numbers may be too large to add; products with zero are not.
        self.measure(0.0, stream, squares=False)
        return bool(numba_cuda.fetch(self._total, stream)[0] == 0)

    def first_nonfinite(self, stream: Any) -> int:
        """Return the number of the first gradient with an element that is not finite."""
        partial = numba_cuda.send(np.zeros(self.n_blocks), stream)
        self._sum(partial, False, stream)
        bad = np.flatnonzero(numba_cuda.fetch(partial, stream))
        return int(self._array_of_block[bad[0]])

    def _sum(self, partial: Any, squares: bool, stream: Any) -> None:
        partial_sums, _ = self._reductions
        configure(partial_sums, partial.size, stream)(
            address_of(partial),
            *self.pointers,
            self.n_arrays,
            self.n_blocks,
            int(squares),
            self._dtype.type(0),
        )
