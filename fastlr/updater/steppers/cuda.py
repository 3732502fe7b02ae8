"""Steps device arrays: the CUDA twin of the compiled stepper.

A step is one launch, whatever the number of arrays. Sums over elements that must be known first
take two each: the norm of gradients (``clip_norm``, ``nonfinite``), the sums of a rule that has
some, the count of a cautious step. So a step is 7 launches at most, and nothing waits for the
device. Only ``nonfinite="skip"`` and ``"raise"`` do: the step count, and with it the coefficients
of what comes next, depends on what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...kernels.cuda import device as numba_cuda
from ...kernels.cuda.arrays import DeviceArray, check_disjoint, describe
from ...kernels.cuda.device import address_of, configure
from ...kernels.cuda.reduce import GradientNorm, OwnNumbers, Reduction
from ...kernels.cuda.tables import ArrayTable
from .sums import BoundSums
from .turns import Turns, in_turn

if TYPE_CHECKING:
    from ..arrays import Parameters

_TABLE_ROWS = 256  # coefficient rows computed and sent to the device at a time


class CudaStepper(Turns):
    """Steps bound device arrays. Made by `cuda_bind`, which has checked every argument.

    `culprit` is the first array that was not finite when a step was skipped, -1 if none was.

    A step runs on the stream of its gradients: the one in their ``__cuda_array_interface__``,
    torch's current stream for torch tensors, the legacy default stream otherwise. A caller who
    changes streams between steps must order them. A CUDA graph cannot hold a step: it would
    repeat the coefficients of the step that was captured.
    """

    def __init__(
        self,
        bound: Parameters,
        params: list[DeviceArray],
        table: ArrayTable,
        own: OwnNumbers,
        *,
        kernel: Any,
        norm: GradientNorm | None,
        sums: Reduction | None,
        moves: Reduction | None,
        summing: BoundSums | None,
        refill: Callable[[int, int, int], Any],
        check: bool,
        raises: bool,
        stream: Any,
    ) -> None:
        self.t = 0
        self.skipped = 0
        self.culprit = -1
        self.param_norm = self.update_norm = -1.0  # not measured here
        self._measured = False
        self.dtype = params[0].dtype
        self._bound, self._params = bound, params
        self._table, self._own, self._kernel = table, own, kernel
        self._norm, self._sums, self._moves = norm, sums, moves
        self._summing, self._refill = summing, refill
        self._check, self._raises = check, raises
        self._stream, self._device = stream, numba_cuda.current_device()
        self._labels = [bound.label(i, "grads") for i in range(len(params))]
        self._rows: Any = None
        self._exact: Any = None
        self._borrowed: list[DeviceArray] = []
        self._length = self._cursor = 0

    @in_turn
    def step(self, grads: Any) -> int:
        """Update the parameters with `grads`; return 1 if the step was skipped, else 0."""
        views = self._load(grads)
        table = self._table
        stream = numba_cuda.stream_of(self._common_stream(views))
        numba_cuda.refuse_capture(stream)
        self._stream = stream
        if not table.points_to(views):
            names = [self._bound.label(i, "params") for i in range(len(views))]
            check_disjoint(self._params, names, list(zip(views, self._labels, strict=True)))
            table.send_gradients(views, stream)
        if self._cursor == self._length:
            self._fill()
        self._borrowed = [view for view in views if view.borrowed]
        if table.n_blocks:
            if self._norm is not None:
                self._norm.measure(self._own.address, stream)
                self._measured = True
                bad = self._norm.first_nonfinite(self._own.address, stream) if self._check else -1
                if bad >= 0:
                    return self._refuse(bad)
            self._launch(stream)
        self._cursor += 1
        self.t += 1
        return 0

    def _launch(self, stream: Any) -> None:
        """Start what comes after the norm: the other sums, then the update."""
        table, own = self._table, self._own.address
        rows = self._rows_address + self._cursor * self._row_bytes
        if self._sums is not None:
            exact = self._exact_address + self._cursor * self._exact_bytes
            self._sums.launch(stream, rows, own, self._own.scalars_address, exact)
        if self._moves is not None:
            self._moves.launch(stream, rows, own, 0, 0)
        configure(self._kernel, table.n_blocks, stream)(
            table.blocks, table.arrays, table.grads, rows, own, table.n_arrays
        )

    @property
    def norm(self) -> float:
        """Norm of the last gradients, below 0 if it was not computed; waits for the device."""
        return self._norm.norm(self._stream) if self._norm and self._measured else -1.0

    def fetch_scalars(self) -> None:
        """Bring the scalars on the host up to date; waits for the device."""
        if self._summing is not None:
            self._own.fetch(self._summing.scalars, self._stream)

    def forget_rows(self) -> None:
        """Drop rows computed ahead: the schedule has changed."""
        self._length = self._cursor = 0

    def restart(self, t: int, skipped: int, culprit: int = -1) -> None:
        """Continue from another step, after state was loaded."""
        self.t, self.skipped = t, skipped
        self.culprit, self._measured = culprit, False
        self.forget_rows()
        self._own.restart(self._summing.scalars if self._summing else None, self._stream)

    def to_host(self, array: Any) -> np.ndarray:
        """Return a copy of a state array on the host, as the steps made so far leave it."""
        return numba_cuda.fetch(array, self._stream)

    def from_host(self, array: Any, values: np.ndarray) -> None:
        """Replace the elements of a state array."""
        array.copy_to_device(values, stream=self._stream)
        numba_cuda.synchronize(self._stream)

    def to_device(self, arrays: list[np.ndarray]) -> list[Any]:
        """Return new arrays on the device with the elements of arrays on the host."""
        sent = [numba_cuda.send(a, self._stream) for a in arrays]
        numba_cuda.synchronize(self._stream)
        return sent

    def parameters(self) -> list[np.ndarray]:
        """Return copies of the parameters on the host, elements as they lie in memory."""
        copies = [
            numba_cuda.duplicate(p.address, p.shape, p.dtype, self._stream) for p in self._params
        ]
        return [numba_cuda.fetch(c, self._stream) for c in copies]

    def averaged(self, arrays: list[Any]) -> list[Any]:
        """Return copies of the averaged parameters on the device, before a step the parameters."""
        sources = [address_of(a) for a in arrays] if self.t else [p.address for p in self._params]
        copies = [
            numba_cuda.duplicate(source, p.shape, p.dtype, self._stream)
            for source, p in zip(sources, self._params, strict=True)
        ]
        numba_cuda.synchronize(self._stream)
        return copies

    def _fill(self) -> None:
        """Compute coefficients of steps to come and send them on their way."""
        made = self._refill(self.t, 1, _TABLE_ROWS)
        rows, exact = made if self._summing is not None else (made, None)
        self._length, self._cursor = len(rows), 0
        self._rows, self._rows_address = self._sent(self._rows, rows)
        self._row_bytes = rows[0].nbytes
        if exact is not None:
            self._exact, self._exact_address = self._sent(self._exact, exact)
            self._exact_bytes = exact[0].nbytes

    def _sent(self, target: Any, rows: np.ndarray) -> tuple[Any, int]:
        """Put rows where those before them were, after what still reads these on the stream."""
        if len(rows) < _TABLE_ROWS:  # the table keeps its size
            rows = np.resize(rows, (_TABLE_ROWS, *rows.shape[1:]))
        if target is None:
            target = numba_cuda.send(rows.reshape(-1), self._stream)
        else:
            target.copy_to_device(rows.reshape(-1), stream=self._stream)
        return target, address_of(target)

    def _load(self, grads: Any) -> list[DeviceArray]:
        """Check the gradients and return where they lie, in the order of the parameters."""
        from ..arrays import check_container

        bound = self._bound
        if bound.kind == "array":
            found = [grads]
        elif bound.kind == "dict":
            if not isinstance(grads, Mapping) or set(grads) != set(bound.names):
                check_container(bound, grads)
            found = [grads[name] for name in bound.names]
        else:
            if not isinstance(grads, (list, tuple)) or len(grads) != len(bound.arrays):
                check_container(bound, grads)
            found = grads
        views = [describe(g, label) for g, label in zip(found, self._labels, strict=True)]
        for view, label, param in zip(views, self._labels, self._params, strict=True):
            if view.dtype != param.dtype:
                raise TypeError(f"{label} must be {param.dtype} as its parameter, got {view.dtype}")
            if view.shape != param.shape:
                raise ValueError(f"{label} must have shape {param.shape}, got {view.shape}")
            if view.device not in (None, self._device):
                raise ValueError(f"{label} must be on device {self._device}, got {view.device}")
        if numba_cuda.current_device() != self._device:
            raise ValueError(f"params are on device {self._device}; make it the current device")
        return views

    def _common_stream(self, views: list[DeviceArray]) -> int | None:
        """Return the stream that the gradients are on; None leaves it open."""
        found: int | None = None
        for view, label in zip(views, self._labels, strict=True):
            if found is not None and view.stream not in (None, found):
                raise ValueError(f"{label} must be on the stream of the gradients before it")
            found = view.stream if found is None else found
        return found

    def _refuse(self, bad: int) -> int:
        """Leave out a step with a gradient that is not finite."""
        if self._raises:
            raise ValueError(
                f"{self._labels[bad]} holds values that are not finite; no parameter was changed"
            )
        self.culprit = bad
        self.skipped += 1
        return 1
