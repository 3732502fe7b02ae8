"""Makes what an updater needs for arrays on a CUDA device: kernel, state and stepper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import emit, numba_cuda
from .cuda_arrays import DeviceArray, check_disjoint, describe
from .cuda_source import update_source
from .cuda_stepper import CudaStepper
from .emit_finish import LOOKAHEAD_STATE, Finish
from .source_cache import load_source

if TYPE_CHECKING:
    from ..arrays import Parameters
    from ..optimizers.base import Optimizer

AVERAGE = "average"  # how the averaged parameters are called among the state


@dataclass(frozen=True)
class CudaKernel:
    """An update kernel, what it expects, and the parameters that it was made for."""

    name: str
    state: tuple[str, ...]
    coefficients: tuple[str, ...]
    entry: Any  # Numba's kernel
    params: list[DeviceArray]


def cuda_kernel(
    optimizer: Optimizer, bound: Parameters, finish: Finish | None = None
) -> CudaKernel:
    """Check the parameters and return the kernel of an optimizer with its switches as they are.

    Parameters
    ----------
    optimizer : Optimizer
        Hyper-parameters and rule.
    bound : Parameters
        Parameters as the user gave and named them.
    finish : Finish, optional
        Modifiers that follow the rule.

    Returns
    -------
    CudaKernel
        Kernel and description.

    Raises
    ------
    TypeError, ValueError
        If a parameter is unfit; the message names it.
    RuleError
        If the rule of a user's class cannot be compiled.
    """
    if optimizer.clip_norm is not None and optimizer.clip_scope != "global":
        raise ValueError(
            f"clip_scope={optimizer.clip_scope!r}: the CUDA backend has the global norm only; bind "
            "NumPy arrays or leave clip_scope='global'"
        )
    if optimizer.sums:
        raise ValueError(
            f"{type(optimizer).__name__} sums over elements before each step, and the CUDA backend "
            "has no such kernels; bind NumPy arrays"
        )
    if optimizer.cautious:
        raise ValueError("cautious=True counts elements, for which CUDA has no kernels here")
    labels = [bound.label(i, "params") for i in range(len(bound.arrays))]
    params = [describe(a, n, writable=True) for a, n in zip(bound.arrays, labels, strict=True)]
    for array, label in zip(params, labels, strict=True):
        if array.dtype != params[0].dtype:
            raise TypeError(
                f"{label} is {array.dtype} and {labels[0]} is {params[0].dtype}; "
                "arrays bound together must have one dtype"
            )
        current = numba_cuda.current_device()
        if array.device not in (None, current):
            raise ValueError(
                f"{label} is on device {array.device} and the current device is {current}; "
                f"make device {array.device} the current one"
            )
    check_disjoint(params, labels, [])
    variant = emit.specialise(emit.rule_of_class(type(optimizer)), optimizer.switches())
    average = optimizer.average is not None
    dtype = "f32" if params[0].dtype == np.float32 else "f64"
    return CudaKernel(
        name=emit.kernel_name(variant, average, dtype),
        state=variant.state,
        coefficients=variant.coefficients,
        entry=load_source(*update_source(variant, average, dtype, finish)).entry,
        params=params,
    )


def make_stepper(
    kernel: CudaKernel,
    bound: Parameters,
    group_ids: list[int],
    optimizer: Optimizer,
    refill: Callable[[int, int], np.ndarray],
) -> tuple[CudaStepper, dict[str, list[Any]]]:
    """Allocate the state and return it with the stepper that updates it.

    Parameters
    ----------
    kernel : CudaKernel
        From `cuda_kernel`.
    bound : Parameters
        Parameters as the user gave and named them.
    group_ids : list of int
        Group of each parameter.
    optimizer : Optimizer
        Hyper-parameters.
    refill : callable
        ``refill(t, n)`` returns coefficient rows for steps t + 1 ... t + n, an array
        (n, groups, width) in the parameters' dtype.

    Returns
    -------
    stepper : CudaStepper
        Steps the arrays.
    state : dict of str to list
        Numba's device arrays, one for each parameter; slow and averaged parameters last.
    """
    params = kernel.params
    stream = numba_cuda.stream_of(next((p.stream for p in params if p.stream), None))
    initial = {**optimizer.initial_state(), LOOKAHEAD_STATE: "p"}
    last = [LOOKAHEAD_STATE] if optimizer.lookahead else []
    last += [AVERAGE] if optimizer.average else []
    state = {
        name: [_start(p, initial.get(name, 0.0), stream) for p in params]
        for name in (*kernel.state, *last)
    }
    numba_cuda.synchronize(stream)  # the first step may come on another stream
    stepper = CudaStepper(
        bound,
        params,
        [list(arrays) for arrays in zip(*state.values(), strict=True)] or [[] for _ in params],
        group_ids,
        kernel=kernel.entry,
        width=len(emit.COMMON) + len(kernel.coefficients),
        refill=refill,
        clip_norm=optimizer.clip_norm or 0.0,
        check=optimizer.nonfinite != "ignore",
        raises=optimizer.nonfinite == "raise",
        stream=stream,
    )
    return stepper, state


def _start(p: DeviceArray, value: float | str, stream: Any) -> Any:
    """Return a state array for a parameter, as `Optimizer.initial_state` says."""
    if isinstance(value, str):
        return numba_cuda.duplicate(p.address, p.shape, p.dtype, stream)
    return numba_cuda.full(p.shape, p.dtype, value, stream)
