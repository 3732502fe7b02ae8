"""One contiguous block for all parameters of a model, and one for their gradients.

A step on one block is one kernel call however many layers a model has, and a snapshot of
the model is one copy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

_LINE = 64  # bytes; both blocks start on a cache line, so that vector loads do not straddle two


class Arena:
    """Parameters and gradients, by name, as views into two flat arrays.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Shape of each parameter, in the order in which they lie.
    dtype : numpy.dtype
        float32 or float64.

    Attributes
    ----------
    params, grads : ndarray of shape (total,)
        The flat blocks, zero at first.
    param, grad : dict of str to ndarray
        Views into them, C-contiguous, shaped as asked. `param` is what to bind an optimizer to.

    Raises
    ------
    TypeError
        If `dtype` is neither float32 nor float64.

    Examples
    --------
    >>> from fastlr.training import Arena
    >>> arena = Arena({"coef": (3, 4), "intercept": (3,)}, "float32")
    >>> arena.param["intercept"][:] = 1
    >>> arena.params.shape, arena.params.sum().item()
    ((15,), 3.0)
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: np.typing.DTypeLike):
        kind = np.dtype(dtype)
        if kind not in (np.float32, np.float64):
            raise TypeError(f"Arena: dtype must be float32 or float64, got {kind}")
        sizes = {name: math.prod(shape) for name, shape in shapes.items()}
        self.params = _aligned_zeros(sum(sizes.values()), kind)
        self.grads = _aligned_zeros(sum(sizes.values()), kind)
        self.param: dict[str, np.ndarray] = {}
        self.grad: dict[str, np.ndarray] = {}
        start = 0
        for name, size in sizes.items():
            for flat, views in ((self.params, self.param), (self.grads, self.grad)):
                views[name] = flat[start : start + size].reshape(shapes[name])
            start += size


def _aligned_zeros(size: int, dtype: np.dtype) -> np.ndarray:
    raw = np.zeros(size * dtype.itemsize + _LINE, dtype=np.uint8)
    start = -raw.ctypes.data % _LINE
    return raw[start : start + size * dtype.itemsize].view(dtype)
