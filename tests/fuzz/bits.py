"""What an object holds, down to the bit: equal before and after a call that was refused."""

import types
import warnings

import numpy as np
from scipy import sparse

DOCUMENTED = (ValueError, TypeError)  # NotFittedError and invalid parameters are ValueErrors


def bits_of(value, seen=None):
    """Return a value of plain tuples and bytes that is equal for objects that hold the same."""
    seen = set() if seen is None else seen
    if value is None or isinstance(value, (bool, int, str, bytes, type, types.FunctionType)):
        return value
    if isinstance(value, (float, complex, np.generic)):
        return type(value).__name__, repr(value)
    if id(value) in seen:
        return "again", type(value).__name__
    seen = seen | {id(value)}
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            return "objects", value.shape, tuple(repr(v) for v in value.ravel())
        return "array", value.dtype.str, value.shape, value.tobytes()
    if sparse.issparse(value):
        parts = ("data", "indices", "indptr", "row", "col")
        return value.format, tuple(bits_of(getattr(value, p, None), seen) for p in parts)
    if isinstance(value, dict):
        # `_clock` counts that others began to change the model, whether they did or not.
        items = [(repr(k), bits_of(v, seen)) for k, v in value.items() if k != "_clock"]
        return "dict", tuple(sorted(items, key=lambda item: item[0]))  # in any order
    if isinstance(value, (list, tuple)):
        return type(value).__name__, tuple(bits_of(v, seen) for v in value)
    if isinstance(value, np.random.RandomState):
        return bits_of(value.get_state(), seen)
    if hasattr(value, "__getstate__"):
        return type(value).__name__, bits_of(value.__getstate__(), seen)
    return repr(value)


def refused(call):
    """Make a call; return whether it was refused, which only documented errors may do."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            call()
        except DOCUMENTED:
            return True
    return False
