"""Steps device arrays: the CUDA twin of the compiled stepper.

A step is one launch, whatever the number of arrays; clipping by norm adds two, and nothing
waits for the device. Only ``nonfinite="skip"`` and ``"raise"`` do: the step count, and with it
the coefficients of what comes next, depends on what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from . import numba_cuda
from .cuda_arrays import DeviceArray, check_disjoint, describe
from .cuda_tables import ArrayTable
from .numba_cuda import address_of, configure

if TYPE_CHECKING:
    from ..arrays import Parameters

_TABLE_ROWS = 256  # coefficient rows computed and sent to the device at a time


class CudaStepper:
    """Steps bound device arrays. Made by `cuda_bind`, which has checked every argument.

    Parameters
    ----------
    bound : Parameters
        Parameters as the user gave and named them.
    params : list of DeviceArray
        The same, as kernels see them.
    states : list of list of device array
        State arrays of each parameter, in the kernel's order.
    group_ids : list of int
        Group of each parameter.
    kernel : object
        Numba's kernel.
    width : int
        How many coefficients it takes.
    refill : callable
        ``refill(t, n)`` returns coefficient rows for steps t + 1 ... t + n, an array
        (n, groups, width) in the parameters' dtype.
    clip_norm : float
        Bound of the global norm; not positive: none.
    check, raises : bool
        Look for non-finite gradients; raise on them, or skip the step.
    stream : stream
        Numba's, on which the state was prepared.

    Attributes
    ----------
    t : int
        Steps made.
    skipped : int
        Steps not made because a gradient was not finite.
    culprit : int
        The first array that was not finite when a step was skipped, -1 if none was.
    dtype : numpy.dtype
        Of the parameters.

    Notes
    -----
    A step runs on the stream that its gradients are on: what their
    ``__cuda_array_interface__`` says, torch's current stream for torch tensors, the legacy
    default stream otherwise. Who changes streams between steps has to order them.
    """

    def __init__(
        self,
        bound: Parameters,
        params: list[DeviceArray],
        states: list[list[Any]],
        group_ids: list[int],
        *,
        kernel: Any,
        width: int,
        refill: Callable[[int, int], np.ndarray],
        clip_norm: float,
        check: bool,
        raises: bool,
        stream: Any,
    ) -> None:
        self.t = 0
        self.skipped = 0
        self.culprit = -1
        self._measured = False
        self.dtype = params[0].dtype
        self._bound, self._params = bound, params
        self._kernel, self._refill = kernel, refill
        self._clip_norm, self._check, self._raises = clip_norm, check, raises
        self._stream, self._device = stream, numba_cuda.current_device()
        self._labels = [bound.label(i, "grads") for i in range(len(params))]
        offsets = [group * width * self.dtype.itemsize for group in group_ids]
        self._table = ArrayTable(params, states, offsets, stream)
        self._rows: Any = None
        self._grads: list[DeviceArray] = []
        self._length = self._cursor = 0

    def step(self, grads: Any) -> int:
        """Update the parameters with `grads`; return 1 if the step was skipped, else 0."""
        views = self._load(grads)
        table = self._table
        self._stream = stream = numba_cuda.stream_of(self._common_stream(views))
        if not table.points_to(views):
            names = [self._bound.label(i, "params") for i in range(len(views))]
            check_disjoint(self._params, names, list(zip(views, self._labels, strict=True)))
            table.send_gradients(views, stream)
        if self._cursor == self._length:
            self._fill()
        self._grads = views  # memory from DLPack must outlive the launch
        if table.n_blocks:
            if self._check or self._clip_norm > 0:
                table.measure(self._clip_norm, stream)
                self._measured = True
            if self._check and not table.is_finite(stream):
                return self._refuse()
            configure(self._kernel, table.n_blocks, stream)(
                *table.pointers,
                address_of(self._rows) + self._cursor * (self._rows.nbytes // self._length),
                address_of(table.scale),
                table.n_arrays,
            )
        self._cursor += 1
        self.t += 1
        return 0

    @property
    def norm(self) -> float:
        """Norm of the last gradients, below 0 if it was not computed; waits for the device."""
        return self._table.norm(self._stream) if self._measured else -1.0

    def forget_rows(self) -> None:
        """Drop rows computed ahead: the schedule has changed."""
        self._length = self._cursor = 0

    def restart(self, t: int, skipped: int) -> None:
        """Continue from another step, after state was loaded."""
        self.t, self.skipped = t, skipped
        self.culprit, self._measured = -1, False
        self.forget_rows()

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
        rows = self._refill(self.t, _TABLE_ROWS).reshape(-1)
        if self._rows is None:
            self._rows = numba_cuda.send(rows, self._stream)
        else:
            self._rows.copy_to_device(rows, stream=self._stream)
        self._length, self._cursor = _TABLE_ROWS, 0

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

    def _refuse(self) -> int:
        """Leave out a step with a gradient that is not finite."""
        bad = self._table.first_nonfinite(self._stream)
        if self._raises:
            raise ValueError(
                f"{self._labels[bad]} holds values that are not finite; no parameter was changed"
            )
        self.culprit = bad
        self.skipped += 1
        return 1
