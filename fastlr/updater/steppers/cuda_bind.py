"""Makes what an updater needs for arrays on a CUDA device: kernel, state and stepper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...kernels.cuda import device as numba_cuda
from ...kernels.cuda.arrays import DeviceArray, check_disjoint, describe
from ...kernels.cuda.reduce import GradientNorm, OwnNumbers, Reduction
from ...kernels.cuda.sums import adapt_source, agreeing_source, mask_source, measure_source
from ...kernels.cuda.tables import ArrayTable
from ...kernels.cuda.update import own_width, update_source
from ...kernels.find.update import SummingKernels
from ...kernels.jit.source_cache import load_source
from ...kernels.language.terms import Finish
from ...kernels.loops import update as emit
from ..rule import modifier_options
from .cuda import CudaStepper
from .sums import BoundSums

if TYPE_CHECKING:
    from ..arrays import Parameters
    from ..rule import UpdateRule

# What the scopes of clipping are called where arrays are summed together.
_SCOPES = {"global": "all", "group": "group", "parameter": "array"}


@dataclass(frozen=True)
class CudaKernel:
    """An update kernel, its arguments, and the parameters that it was made for."""

    name: str
    dtype: str
    variant: emit.Variant
    finish: Finish | None
    entry: Any  # Numba's kernel
    params: list[DeviceArray]

    @property
    def state(self) -> tuple[str, ...]:
        """Arrays that the rule keeps."""
        return self.variant.state

    @property
    def coefficients(self) -> tuple[str, ...]:
        """What the host has to compute for it."""
        return self.variant.coefficients

    @property
    def summing(self) -> SummingKernels | None:
        """What the rule sums first, without addresses; None if nothing."""
        summing = self.variant.rule.summing
        if summing is None:
            return None
        return SummingKernels(0, 0, len(summing.sums), summing.scalars, len(summing.derived))


class DeviceSums(BoundSums):
    """Scalars that the device keeps; the host's are a copy, renewed by `fetch` when asked for."""

    def __init__(
        self,
        kernels: SummingKernels,
        shared: bool,
        scalars: np.ndarray,
        fetch: Callable[[], None],
    ) -> None:
        super().__init__(kernels, shared, scalars)
        self.fetch = fetch

    def save(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the scalars by name, as `BoundSums` does."""
        self.fetch()
        return super().save(names)


def dtype_of(bound: Parameters) -> np.dtype:
    """Return the dtype of device arrays, which are not NumPy's."""
    return describe(bound.arrays[0], bound.label(0, "params")).dtype


def cuda_kernel(
    optimizer: UpdateRule, bound: Parameters, finish: Finish | None = None
) -> CudaKernel:
    """Check the parameters and return the kernel of an optimizer with its switches as they are."""
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
        dtype=dtype,
        variant=variant,
        finish=finish,
        entry=load_source(*update_source(variant, average, dtype, finish)).entry,
        params=params,
    )


def make_stepper(
    kernel: CudaKernel,
    bound: Parameters,
    group_ids: list[int],
    optimizer: UpdateRule,
    starts: Mapping[str, float | str],
    refill: Callable[[int, int, int], Any],
    summing: BoundSums | None,
) -> tuple[CudaStepper, dict[str, list[Any]], BoundSums | None]:
    """Allocate the state and return it with the stepper that updates it."""
    params = kernel.params
    stream = numba_cuda.stream_of(next((p.stream for p in params if p.stream), None))
    state = {n: [_start(p, value, stream) for p in params] for n, value in starts.items()}
    states = [list(arrays) for arrays in zip(*state.values(), strict=True)] or [[] for _ in params]
    row_width = len(emit.COMMON) + len(kernel.coefficients) + (summing.tail if summing else 0)
    table = ArrayTable(params, states, group_ids, row_width, stream)
    own = OwnNumbers(
        len(params),
        own_width(kernel.variant),
        params[0].dtype,
        summing.scalars if summing else None,
        stream,
    )
    check = optimizer.nonfinite != "ignore"
    stepper = CudaStepper(
        bound,
        params,
        table,
        own,
        kernel=kernel.entry,
        **_sums(kernel, optimizer, table, own, check, summing, stream),
        summing=summing,
        refill=refill,
        check=check,
        raises=optimizer.nonfinite == "raise",
        stream=stream,
    )
    numba_cuda.synchronize(stream)  # the first step may come on another stream
    if summing is None:
        return stepper, state, None
    kept = DeviceSums(summing.kernels, summing.shared, summing.scalars, stepper.fetch_scalars)
    return stepper, state, kept


def _sums(
    kernel: CudaKernel,
    optimizer: UpdateRule,
    table: ArrayTable,
    own: OwnNumbers,
    check: bool,
    summing: BoundSums | None,
    stream: Any,
) -> dict[str, Any]:
    """Return what must be summed before the update, by the names that the stepper has for it."""
    variant, dtype = kernel.variant, kernel.dtype
    norm = sums = moves = None
    if check or optimizer.clip_norm is not None:
        scope = _SCOPES[optimizer.clip_scope]
        bound = optimizer.clip_norm or 0.0
        squares = modifier_options(optimizer)["squares"]
        norm = GradientNorm(table, dtype, scope, bound, own.width, stream, squares)
    if summing is not None:
        first, then = measure_source(variant, dtype), adapt_source(variant, dtype)
        scope = "all" if summing.shared else "array"
        sums = Reduction(table, first, then, scope, summing.kernels.n_sums, stream)
    if kernel.finish is not None and kernel.finish.cautious:
        first, then = agreeing_source(variant, dtype), mask_source(dtype, own.width)
        moves = Reduction(table, first, then, "array", 1, stream)
    return {"norm": norm, "sums": sums, "moves": moves}


def _start(p: DeviceArray, value: float | str, stream: Any) -> Any:
    if isinstance(value, str):
        return numba_cuda.duplicate(p.address, p.shape, p.dtype, stream)
    return numba_cuda.full(p.shape, p.dtype, value, stream)
