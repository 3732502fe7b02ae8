"""Sums over elements on the device: what `cuda_sums` wrote, with memory for it, and launched."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jit.source_cache import load_source
from . import device as numba_cuda
from .device import address_of, configure
from .sums import norm_source, squares_source, zeros_source
from .tables import ArrayTable
from .update import OWN_TAIL


class Reduction:
    """One or more sums over elements, and what follows from them: two launches."""

    def __init__(
        self,
        table: ArrayTable,
        partial: tuple[str, str],
        total: tuple[str, str],
        scope: str,
        n_sums: int,
        stream: Any,
    ) -> None:
        self.table = table
        self.sets = table.sets(scope)
        self._partial, self._total = load_source(*partial).entry, load_source(*total).entry
        self._sums = numba_cuda.send(np.zeros(n_sums * table.n_chunks), stream)
        # Looking up an address takes about as long as a launch.
        sums = address_of(self._sums)
        self._first = sums, table.chunks, table.n_chunks, table.arrays, table.grads
        self._then = sums, table.n_chunks, table.members, table.firsts, self.sets.table

    def launch(self, stream: Any, rows: int, own: int, kept: int, given: int) -> None:
        """Launch the sum without waiting; kernels launched later find the result."""
        self._start(self._partial, stream, rows, own)
        configure(self._total, self.sets.count, stream)(
            *self._then, self.table.arrays, self.table.n_arrays, own, kept, given
        )

    def _start(self, kernel: Any, stream: Any, rows: int, own: int) -> None:
        configure(kernel, self.table.n_chunks, stream)(*self._first, rows, own, self.table.n_arrays)


class GradientNorm(Reduction):
    """Norm of gradients, the clipping scale it gives, and the first array that is not finite."""

    def __init__(
        self,
        table: ArrayTable,
        dtype: str,
        scope: str,
        clip_norm: float,
        width: int,
        stream: Any,
        squares: bool,
    ) -> None:
        total = norm_source(dtype, width, clips=clip_norm > 0)
        super().__init__(table, squares_source(dtype), total, scope, 1, stream)
        self._zeros = load_source(*zeros_source(dtype, squares)).entry
        self._most = np.finfo({"f32": "f4", "f64": "f8"}[dtype]).max if squares else np.inf
        self._totals = numba_cuda.send(np.zeros(self.sets.count), stream)
        self._bound = numba_cuda.send(np.full(1, float(clip_norm)), stream)
        self._addresses = address_of(self._totals), address_of(self._bound)

    def measure(self, own: int, stream: Any) -> None:
        """Start the sums of squares."""
        self.launch(stream, 0, own, *self._addresses)

    def norm(self, stream: Any) -> float:
        """Wait for the sums that were started last and return the norm of all gradients."""
        with np.errstate(invalid="ignore", over="ignore"):
            return float(np.sqrt(numba_cuda.fetch(self._totals, stream).sum()))

    def first_nonfinite(self, own: int, stream: Any) -> int:
        """Wait for the sums of squares; return the first gradient that is not finite, or -1."""
        with np.errstate(invalid="ignore", over="ignore"):
            if numba_cuda.fetch(self._totals, stream).sum() < self._most:
                return -1
        # Squares of finite numbers may be too large to add; products with zero are not.
        self._start(self._zeros, stream, 0, own)
        bad = np.flatnonzero(numba_cuda.fetch(self._sums, stream))
        return int(self.table.array_of_chunk[bad].min()) if bad.size else -1


class OwnNumbers:
    """Device memory for each array and for the scalars of each set; an address is 0 if unused."""

    def __init__(
        self, n_arrays: int, width: int, dtype: np.dtype, scalars: np.ndarray | None, stream: Any
    ) -> None:
        self.width = width
        self._shape, self._dtype = (n_arrays, width), dtype
        self._own = numba_cuda.send(self._start(scalars), stream)
        self.address, self.scalars_address = address_of(self._own), 0
        self._scalars = None
        if scalars is not None and scalars.size:
            self._scalars = numba_cuda.send(scalars, stream)
            self.scalars_address = address_of(self._scalars)

    def fetch(self, scalars: np.ndarray, stream: Any) -> None:
        """Wait for the device and set the scalars on the host to those that it has."""
        if self._scalars is not None:
            scalars[...] = numba_cuda.fetch(self._scalars, stream)

    def restart(self, scalars: np.ndarray | None, stream: Any) -> None:
        """Discard earlier sums, and go on with other scalars."""
        self._own.copy_to_device(self._start(scalars), stream=stream)
        if scalars is not None and self._scalars is not None:
            self._scalars.copy_to_device(scalars, stream=stream)
        numba_cuda.synchronize(stream)

    def _start(self, scalars: np.ndarray | None) -> np.ndarray:
        own = np.zeros(self._shape, self._dtype)
        own[:, :OWN_TAIL] = 1
        if scalars is not None:
            with np.errstate(over="ignore"):
                own[:, OWN_TAIL : OWN_TAIL + scalars.shape[1]] = scalars
        return own.reshape(-1)
