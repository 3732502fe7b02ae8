"""Checks of bound arrays and of the gradients passed, before anything is written."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.on_device import is_device_array

DTYPES = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}


class Parameters:
    """Bound parameters: a list, and how the user named them."""

    def __init__(
        self, arrays: list[Any], names: list[str], given: Any, kind: str, on_device: bool
    ) -> None:
        self.arrays, self.names, self.on_device = arrays, names, on_device
        self.given = given  # as the user gave them
        self.kind = kind  # "array", "sequence" or "dict"

    @functools.cached_property
    def extents(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each array begins and ends in memory; empty ones lie nowhere."""
        begins = np.array([a.ctypes.data if a.size else 0 for a in self.arrays], np.uintp)
        return begins, begins + np.array([a.nbytes for a in self.arrays], np.uintp)

    def label(self, i: int, what: str) -> str:
        """Return how to call array i in a message: ``params['w']``, ``grads[2]``, ``params``."""
        if self.kind == "array":
            return what
        return f"{what}[{self.names[i]!r}]" if self.kind == "dict" else f"{what}[{i}]"

    def like_given(self, arrays: Sequence[Any]) -> Any:
        """Return arrays in the form in which the user gave the parameters."""
        if self.kind == "array":
            return arrays[0]
        if self.kind == "dict":
            return dict(zip(self.names, arrays, strict=True))
        return list(arrays)


def check_parameters(given: Any) -> Parameters:
    """Check what `bind` was given and bring it into one form."""
    if isinstance(given, np.ndarray) or (type(given) is not dict and is_device_array(given)):
        kind, names, arrays = "array", ["0"], [given]
    elif isinstance(given, Mapping):
        kind, names, arrays = "dict", list(given.keys()), list(given.values())
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"params: names must be strings, got {name!r}")
    elif isinstance(given, (list, tuple)):
        kind, names, arrays = "sequence", [str(i) for i in range(len(given))], list(given)
    else:
        raise TypeError(
            "params must be a NumPy array, a sequence of arrays or a dict of arrays, "
            f"got {type(given).__name__}"
        )
    if not arrays:
        raise ValueError("params must hold at least one array, got none")
    on_device = any(not isinstance(a, np.ndarray) and is_device_array(a) for a in arrays)
    params = Parameters(arrays, names, given, kind, on_device)
    if not on_device:  # device arrays are checked by the CUDA backend
        _check_host_arrays(params)
    return params


def _check_host_arrays(params: Parameters) -> None:
    arrays = params.arrays
    for i, array in enumerate(arrays):
        label = params.label(i, "params")
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{label} must be a NumPy array, got {type(array).__name__}")
        if not array.dtype.isnative:
            raise TypeError(f"{label} must have native byte order, got {array.dtype}")
        if array.dtype not in DTYPES:
            raise TypeError(f"{label} must be float32 or float64, got {array.dtype}")
        if array.dtype != arrays[0].dtype:
            raise TypeError(
                f"{label} is {array.dtype} and {params.label(0, 'params')} is {arrays[0].dtype}; "
                "arrays bound together must have one dtype"
            )
        if not (array.flags.c_contiguous or array.flags.f_contiguous):
            raise ValueError(f"{label} must be contiguous, got strides {array.strides}")
        if not array.flags.aligned:
            raise ValueError(f"{label} must be aligned to its element size")
        if not array.flags.writeable:
            raise ValueError(f"{label} is read-only, and parameters are updated in place")
    extents = sorted((a.ctypes.data, a.nbytes, i) for i, a in enumerate(arrays) if a.size)
    for (start, size, i), (after, _, j) in itertools.pairwise(extents):
        if start + size > after:
            raise ValueError(
                f"{params.label(i, 'params')} and {params.label(j, 'params')} overlap in memory"
            )


def joined(bound: Parameters, added: Any) -> tuple[Any, list[str]]:
    """Return bound parameters and more of them in one form, and the names of the latter."""
    new = check_parameters(added)
    if bound.kind == "array" or new.kind != bound.kind:
        raise TypeError(
            f"params must be a {bound.kind} as the bound parameters, got a {new.kind}"
            if bound.kind != "array"
            else "params were bound as a single array, to which none can be added: bind a dict"
        )
    if bound.kind == "sequence":
        count = len(bound.names)
        return [*bound.arrays, *new.arrays], [str(count + i) for i in range(len(new.names))]
    twice = set(new.names) & set(bound.names)
    if twice:
        raise ValueError(f"params: {min(twice)!r} is bound already")
    return {**bound.given, **new.given}, new.names


def as_arrays(grads: Any) -> Any:
    """Return gradients with NumPy's numbers, which 0-d arrays turn into, as arrays again."""
    if isinstance(grads, np.generic):
        return np.asarray(grads)
    if isinstance(grads, Mapping):
        return {name: as_arrays(g) if isinstance(g, np.generic) else g for name, g in grads.items()}
    if isinstance(grads, (list, tuple)):
        return [as_arrays(g) if isinstance(g, np.generic) else g for g in grads]
    return grads


def check_gradient(params: Parameters, i: int, grad: Any) -> None:
    """Raise unless `grad` can be the gradient of parameter `i`."""
    param = params.arrays[i]
    label = params.label(i, "grads")
    if not isinstance(grad, np.ndarray):
        raise TypeError(f"{label} must be a NumPy array, got {type(grad).__name__}")
    if grad.dtype != param.dtype:
        raise TypeError(f"{label} must be {param.dtype} as its parameter, got {grad.dtype}")
    if grad.shape != param.shape:
        raise ValueError(f"{label} must have shape {param.shape}, got {grad.shape}")
    same_order = (param.flags.c_contiguous and grad.flags.c_contiguous) or (
        param.flags.f_contiguous and grad.flags.f_contiguous
    )
    if not same_order:
        order = "C" if param.flags.c_contiguous else "F"
        raise ValueError(
            f"{label} must be {order}-contiguous as its parameter, got strides {grad.strides}"
        )
    if not grad.flags.aligned:
        raise ValueError(f"{label} must be aligned to its element size")
    if not grad.size:
        return
    start = grad.ctypes.data
    begins, ends = params.extents
    touched = np.flatnonzero((begins < start + grad.nbytes) & (ends > start))
    if touched.size:
        raise ValueError(f"{label} overlaps {params.label(int(touched[0]), 'params')} in memory")


def check_container(params: Parameters, grads: Any) -> None:
    """Raise the error about a sequence or dict of gradients that does not fit."""
    if params.kind == "dict":
        if not isinstance(grads, Mapping):
            raise TypeError(f"grads must be a dict like params, got {type(grads).__name__}")
        missing = [n for n in params.names if n not in grads]
        extra = [n for n in grads if n not in params.names]
        raise ValueError(f"grads must have the keys of params; missing {missing}, unknown {extra}")
    if not isinstance(grads, (list, tuple)):
        raise TypeError(f"grads must be a list or tuple like params, got {type(grads).__name__}")
    raise ValueError(
        f"grads must hold {len(params.arrays)} arrays as params does, got {len(grads)}"
    )


def refuse_nonfinite(params: Parameters, grads: Any, squares: bool) -> None:
    """Raise for the first gradient with a value that is not finite, or has no finite square."""
    found: Any = [grads] if params.kind == "array" else grads
    for i, name in enumerate(params.names):
        grad = found[name] if params.kind == "dict" else found[i]
        with np.errstate(over="ignore"):
            bad = ~np.isfinite(grad * grad if squares else grad)
        if bad.any():
            unfit = "not finite" + ", or too large to be squared" * squares
            at = tuple(int(k) for k in np.argwhere(bad)[0])
            raise ValueError(
                f"{params.label(i, 'grads')} holds {int(bad.sum())} values that are {unfit}, "
                f"the first {grad[at]!r} at index {at}; no parameter was changed"
            )
