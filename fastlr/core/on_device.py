"""Tells device arrays of other libraries from arrays of the host.

Nothing here imports CUDA or Numba, so that `bind` can ask at no cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

CUDA_KINDS = (2, 13)  # DLPack's numbers for device memory and managed memory


def is_device_array(value: Any) -> bool:
    """Return whether an object offers memory on a CUDA device."""
    if isinstance(value, np.ndarray):
        return False
    value = without_autograd(value)
    return hasattr(value, "__cuda_array_interface__") or dlpack_device(value)[0] in CUDA_KINDS


def without_autograd(value: Any) -> Any:
    """Return the same memory without torch's gradient, which hides the interface."""
    return value.detach() if getattr(value, "requires_grad", False) is True else value


def dlpack_device(value: Any) -> tuple[int | None, int | None]:
    """Return kind and number of the device by DLPack, None where the object does not say."""
    ask = getattr(value, "__dlpack_device__", None)
    if ask is None:
        return None, None
    kind, number = ask()
    return int(kind), int(number)
