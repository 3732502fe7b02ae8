"""Everything that touches `numba.cuda`: memory by address, launches, streams.

Emitted kernels get addresses, not arrays, so that one launch can reach any number of arrays
through a table. `load_`, `store_`, `index_`, `entry_` and `mul_` are what they use instead of
indexing and ``*``. Numba's simulator (``NUMBA_ENABLE_CUDASIM=1``) runs the same text: its device
memory is host memory, so there what reads and writes goes through ctypes.
"""
# Kernel bodies are Numba's language, which its stubs describe as seen from the host.
# mypy: disable-error-code="operator, call-arg, arg-type, assignment, var-annotated, attr-defined"

from __future__ import annotations

import ctypes
import functools
import importlib
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda
from numba.core import config

from ..language import cube_root

SIMULATOR = bool(config.ENABLE_CUDASIM)

# The simulator starts a Python thread for each thread of a block.
THREADS = 4 if SIMULATOR else 256
# Chunks that a sum over elements is cut into. Fixed, for the same sum on every device; as many
# blocks run at once on the largest.
PARTIALS = 3 if SIMULATOR else 1024

if SIMULATOR:
    from numpy import cos, exp, floor, log, sqrt
    from numpy import power as pow

    mul_ = operator.mul
    _ROOTS = {
        np.float32: cube_root.plain_function("f32"),
        np.float64: cube_root.plain_function("f64"),
    }

    def cbrt(x: Any) -> Any:
        """Return the cube root, as `cube_root` has it."""
        return _ROOTS[type(x)](x)

    _CTYPES = {np.float32: ctypes.c_float, np.float64: ctypes.c_double, float: ctypes.c_double}

    def load_(address: int, index: int, like: Any) -> Any:
        """Return element `index` of the array of `like`'s type at `address`."""
        kind = _CTYPES[type(like)]
        return type(like)(kind.from_address(address + index * ctypes.sizeof(kind)).value)

    def store_(address: int, index: int, value: Any) -> None:
        """Set element `index` of the array of `value`'s type at `address`."""
        kind = _CTYPES[type(value)]
        kind.from_address(address + index * ctypes.sizeof(kind)).value = value

    def index_(address: int, index: int) -> int:
        """Return element `index` of the int64 array at `address`."""
        return ctypes.c_int64.from_address(address + 8 * index).value

    def entry_(address: int, place: float) -> Any:
        """Return the element of a float64 array whose index is a float64 without a fraction."""
        return load_(address, int(place), np.float64(0))

else:
    from math import cos, exp, floor, log, pow, sqrt  # noqa: F401  (for emitted kernels)

    from llvmlite import ir
    from numba.core import types
    from numba.cuda.extending import intrinsic

    from . import arithmetic as cuda_arithmetic

    def _pointer(context: Any, builder: Any, kind: Any, address: Any, index: Any) -> Any:
        """Return a pointer to an element; address space 1 is global memory."""
        element = context.get_value_type(kind)
        base = builder.inttoptr(address, ir.PointerType(element, 1))
        return builder.gep(base, [index])

    @intrinsic
    def load_(typingctx: Any, address: Any, index: Any, like: Any) -> Any:
        """Return element `index` of the array of `like`'s type at `address`."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load(_pointer(context, builder, like, args[0], args[1]))

        return like(types.int64, types.int64, like), generate

    @intrinsic
    def store_(typingctx: Any, address: Any, index: Any, value: Any) -> Any:
        """Set element `index` of the array of `value`'s type at `address`."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store(args[2], _pointer(context, builder, value, args[0], args[1]))
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, value), generate

    @intrinsic
    def index_(typingctx: Any, address: Any, index: Any) -> Any:
        """Return element `index` of the int64 array at `address`."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load(_pointer(context, builder, types.int64, args[0], args[1]))

        return types.int64(types.int64, types.int64), generate

    @intrinsic
    def entry_(typingctx: Any, address: Any, place: Any) -> Any:
        """Return the element of a float64 array whose index is a float64 without a fraction.

        Kernels do not narrow it with ``int``: some releases of Numba have that as a function of
        its own, which they compile for the device they find, and so for none where there is none.
        """

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            index = builder.fptosi(args[1], ir.IntType(64))
            return builder.load(_pointer(context, builder, types.float64, args[0], index))

        return types.float64(types.int64, types.float64), generate

    @intrinsic
    def mul_(typingctx: Any, a: Any, b: Any) -> Any:
        """Return a product that is rounded by itself, never fused with a sum."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return cuda_arithmetic.product(builder, *args)

        return a(a, a), generate

    @intrinsic
    def cbrt(typingctx: Any, x: Any) -> Any:
        """Return the cube root, as `cube_root` has it; each product is rounded by itself."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return cuda_arithmetic.cube_root_of(builder, args[0])

        return x(x), generate


@cuda.jit
def fill(address, value, n):
    """Set n elements at an address."""
    i = cuda.grid(1)
    if i < n:
        store_(address, i, value)


@cuda.jit
def copy(target, source, n, like):
    """Set n elements at an address to those at another."""
    i = cuda.grid(1)
    if i < n:
        store_(target, i, load_(source, i, like))


def full(shape: tuple[int, ...], dtype: np.dtype, value: float, stream: Any) -> Any:
    """Return a new device array whose elements all have one value."""
    array = cuda.device_array(shape, dtype)
    if array.size:
        launch = configure(fill, -(-array.size // THREADS), stream)
        launch(address_of(array), dtype.type(value), array.size)
    return array


def duplicate(address: int, shape: tuple[int, ...], dtype: np.dtype, stream: Any) -> Any:
    """Return a new device array with the elements that lie at an address."""
    array = cuda.device_array(shape, dtype)
    if array.size:
        launch = configure(copy, -(-array.size // THREADS), stream)
        launch(address_of(array), address, array.size, dtype.type(0))
    return array


def send(array: np.ndarray, stream: Any) -> Any:
    """Return a new device array with the elements of an array on the host."""
    return cuda.to_device(array, stream=stream)


def fetch(array: Any, stream: Any) -> np.ndarray:
    """Wait for a stream and return a copy of a device array on the host."""
    host: np.ndarray = array.copy_to_host(stream=stream)
    synchronize(stream)
    return host


def synchronize(stream: Any) -> None:
    """Wait until all work of a stream is done."""
    if not SIMULATOR:
        stream.synchronize()


def address_of(array: Any) -> int:
    """Return where an array of Numba lies in device memory."""
    if SIMULATOR:
        return int(array.ctypes.data)
    return int(array.__cuda_array_interface__["data"][0])


def stream_of(handle: int | None) -> Any:
    """Return Numba's object for a stream that another library made, on the current device."""
    return _stream_on(current_device(), handle)


@functools.cache
def _stream_on(device: int, handle: int | None) -> Any:
    """Return the same; default streams of different devices have the same handle."""
    if SIMULATOR:
        return 0
    if handle is None or handle == 1:
        return cuda.legacy_default_stream()
    if handle == 2:
        return cuda.per_thread_default_stream()
    return cuda.external_stream(handle)


def refuse_capture(stream: Any) -> None:
    """Raise if a stream is being captured into a CUDA graph."""
    driver = _driver()
    if driver is None:
        return
    error, status = driver.cuStreamIsCapturing(driver.CUstream(int(stream)))
    capturing = driver.CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_ACTIVE
    if error == driver.CUresult.CUDA_SUCCESS and status == capturing:
        raise RuntimeError(
            "step cannot be captured into a CUDA graph, which would repeat the coefficients of "
            "this one step; capture forward and backward pass, and call step outside"
        )


@functools.cache
def _driver() -> Any:
    """Return CUDA's driver functions, None in the simulator and where Numba brings its own."""
    if SIMULATOR:
        return None
    try:
        return importlib.import_module("cuda.bindings.driver")
    except ImportError:
        return None


@functools.lru_cache(maxsize=1024)
def configure(kernel: Any, blocks: int, stream: Any) -> Callable[..., None]:
    """Return a kernel ready to be called: `blocks` blocks of `THREADS` threads on a stream."""
    if SIMULATOR:  # its kernels keep the last configuration, so it must come with the call
        return lambda *arguments: kernel[blocks, THREADS](*arguments)
    with warnings.catch_warnings():
        # Numba warns of grids that are small for the device; small models are legitimate.
        warnings.filterwarnings("ignore", message="Grid size")
        configured: Callable[..., None] = kernel[blocks, THREADS, stream]
    return configured


def device_name() -> str | None:
    """Return the name of the current GPU, None where there is none."""
    if SIMULATOR:
        return "simulator"
    if not cuda.is_available():
        return None
    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def current_device() -> int:
    """Return the number of the device on which kernels are launched now."""
    return 0 if SIMULATOR else int(cuda.get_current_device().id)
