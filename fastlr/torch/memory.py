"""Where tensors lie in memory, as arrays of NumPy that share it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch

DTYPES = (torch.float32, torch.float64)


def is_dense(tensor: torch.Tensor) -> bool:
    """Return whether a tensor fills its memory without gaps or repetitions, in any order."""
    if tensor.is_contiguous():
        return True
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size == 1:
            continue
        if stride != expected:
            return False
        expected *= size
    return True


def flat(tensor: torch.Tensor) -> np.ndarray:
    """Return the memory of a dense tensor as one axis."""
    return tensor.detach().as_strided((tensor.numel(),), (1,)).numpy()


def apart(tensors: Sequence[torch.Tensor]) -> list[list[torch.Tensor]]:
    """Return which tensors may step together: those that share memory step one by one."""
    extents = sorted(
        (t.data_ptr(), t.data_ptr() + t.numel() * t.element_size(), i)
        for i, t in enumerate(tensors)
        if t.numel()
    )
    shared = set()
    for (_, stop, i), (start, _, j) in itertools.pairwise(extents):
        if start < stop:
            shared |= {i, j}
    own = [t for i, t in enumerate(tensors) if i not in shared]
    return [*([own] if own else []), *([tensors[i]] for i in sorted(shared))]


def is_on_device(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is stepped by CUDA kernels."""
    return bool(tensor.is_cuda)


def overlap(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Return whether two dense tensors share memory."""
    first, second = sorted((one, other), key=lambda tensor: tensor.data_ptr())
    end = first.data_ptr() + first.numel() * first.element_size()
    return bool(first.numel() and second.numel()) and end > second.data_ptr()


def unfit(tensor: torch.Tensor) -> str | None:
    """Return why kernels cannot take a tensor, None if they can."""
    if tensor.layout is not torch.strided:
        return f"has the sparse layout {tensor.layout}; kernels take dense tensors"
    if tensor.dtype not in DTYPES:
        return f"is {tensor.dtype}; kernels take float32 and float64"
    if tensor.device.type not in ("cpu", "cuda"):
        return f"is on {tensor.device}; kernels take tensors on the CPU and on CUDA devices"
    return None
