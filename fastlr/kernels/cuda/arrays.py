"""Device arrays of other libraries, taken as they are: where they lie, on which stream."""

from __future__ import annotations

import itertools
import math
import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.on_device import CUDA_KINDS, dlpack_device, without_autograd

_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
_LEGACY_STREAM = 1


@dataclass(frozen=True, slots=True)
class DeviceArray:
    """What a kernel has to know of an array."""

    address: int
    shape: tuple[int, ...]
    dtype: np.dtype
    stream: int | None  # handle of the stream it is on, None if that does not matter
    device: int | None  # number of its device, None if it does not say
    owner: Any  # keeps the memory alive
    # Whether the memory may go to somebody else with `owner`, work under way on it or not. Who
    # tells the stream hands memory on behind the work there.
    borrowed: bool

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def end(self) -> int:
        """First address after it."""
        return self.address + self.size * self.dtype.itemsize


def describe(value: Any, label: str, writable: bool = False) -> DeviceArray:
    """Return address, shape and stream of a device array; nothing is copied."""
    value = without_autograd(value)
    interface = getattr(value, "__cuda_array_interface__", None)
    if interface is not None:
        array, strides, read_only = _from_interface(value, interface, label)
    elif dlpack_device(value)[0] in CUDA_KINDS:
        array, strides, read_only = _from_dlpack(value, label)
    elif isinstance(value, np.ndarray):
        raise TypeError(
            f"{label} must be a CUDA device array, got a NumPy array; move it to the device "
            "first, or leave all arrays on the CPU and use backend='cython'"
        )
    else:
        raise TypeError(f"{label} must be a CUDA device array, got {type(value).__name__}")
    if array.dtype not in _DTYPES:
        raise TypeError(f"{label} must be float32 or float64, got {array.dtype}")
    if not _is_contiguous(array, strides):
        raise ValueError(f"{label} must be contiguous in C order, got strides {strides} in bytes")
    if array.address % array.dtype.itemsize:
        raise ValueError(f"{label} must be aligned to its element size")
    if writable and read_only:
        raise ValueError(f"{label} is read-only, and parameters are updated in place")
    return array


def check_disjoint(
    params: Sequence[DeviceArray], labels: Sequence[str], others: Sequence[tuple[DeviceArray, str]]
) -> None:
    """Raise unless parameters share no memory, neither with each other nor with other arrays."""
    order = sorted((i for i, p in enumerate(params) if p.size), key=lambda i: params[i].address)
    for i, j in itertools.pairwise(order):
        if params[i].end > params[j].address:
            raise ValueError(f"{labels[i]} and {labels[j]} overlap in memory")
    starts = [params[i].address for i in order]
    for other, label in others:
        # The last parameter that begins before this array ends must end before it begins.
        before = bisect_left(starts, other.end) - 1
        if other.size and before >= 0 and params[order[before]].end > other.address:
            raise ValueError(f"{label} overlaps {labels[order[before]]} in memory")


def _from_interface(
    value: Any, interface: dict[str, Any], label: str
) -> tuple[DeviceArray, Any, bool]:
    """Read version 3 of the interface, or an older one, which has no stream."""
    if interface.get("mask") is not None:
        raise TypeError(f"{label} must not have a mask")
    address, read_only = interface["data"]
    stream = _torch_stream(value) or interface.get("stream")
    array = DeviceArray(
        address=int(address or 0),
        shape=tuple(interface["shape"]),
        dtype=np.dtype(interface["typestr"]),
        stream=stream,
        device=dlpack_device(value)[1],
        owner=value,
        borrowed=stream is None,
    )
    return array, interface.get("strides"), bool(read_only)


def _from_dlpack(value: Any, label: str) -> tuple[DeviceArray, Any, bool]:
    """Take the memory for the legacy default stream; its producer makes that stream wait."""
    try:
        from cuda.core.utils import StridedMemoryView
    except ImportError as error:
        raise TypeError(
            f"{label}: {type(value).__name__} offers DLPack only, which needs the package "
            "cuda-core; install it, or pass an array with __cuda_array_interface__"
        ) from error
    view = StridedMemoryView.from_dlpack(value, stream_ptr=_LEGACY_STREAM)
    strides = view.strides and tuple(s * view.dtype.itemsize for s in view.strides)
    array = DeviceArray(
        address=int(view.ptr),
        shape=tuple(view.shape),
        dtype=np.dtype(view.dtype),
        stream=_LEGACY_STREAM,
        device=int(view.device_id),
        owner=view,
        borrowed=True,
    )
    return array, strides, bool(view.readonly)


def _is_contiguous(array: DeviceArray, strides: Sequence[int] | None) -> bool:
    if strides is None or array.size == 0:
        return True
    expected = array.dtype.itemsize
    for length, stride in zip(reversed(array.shape), reversed(strides), strict=True):
        if length > 1 and stride != expected:
            return False
        expected *= length
    return True


def _torch_stream(value: Any) -> int | None:
    """Return the handle of torch's current stream for a torch tensor, which does not tell it."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor):
        return None
    return int(torch.cuda.current_stream(value.device).cuda_stream) or _LEGACY_STREAM
