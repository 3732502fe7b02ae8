"""How device arrays of other libraries are read: addresses, streams, devices. Needs no GPU."""

import ctypes
import functools
import sys
import types

import numpy as np
import pytest

from fastlr import SGD
from fastlr.kernels.cuda import device as numba_cuda
from fastlr.kernels.cuda.arrays import check_disjoint, describe
from fastlr.kernels.cuda.tables import chunks_of
from fastlr.updater.arrays import is_device_array


class Interface:
    """What CuPy, Numba and JAX offer."""

    def __init__(self, **changes):
        self.changes = changes

    @property
    def __cuda_array_interface__(self):
        usual = {"shape": (2, 3), "typestr": "<f4", "data": (4096, False), "version": 3}
        return usual | {"strides": None, "stream": 7} | self.changes


class Tensor:
    """What torch offers: an interface that hides while a gradient is wanted, and no stream."""

    def __init__(self, requires_grad=False, on_gpu=True):
        self.requires_grad, self.on_gpu, self.device = requires_grad, on_gpu, "cuda:1"

    def detach(self):
        return Tensor(False, self.on_gpu)

    def __dlpack_device__(self):
        return (2, 1) if self.on_gpu else (1, 0)

    @property
    def __cuda_array_interface__(self):
        if not self.on_gpu:
            raise AttributeError("not a CUDA tensor")
        if self.requires_grad:
            raise RuntimeError("use detach()")
        return {"shape": (5,), "typestr": "<f8", "data": (8192, False), "version": 2}


class DLTensor(ctypes.Structure):
    """dlpack.h, with the manager's part behind the tensor."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
        ("manager", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
    ]


class OnlyDLPack:
    """An array on a CUDA device that offers nothing but DLPack."""

    def __init__(self, *strides):
        self.shape, self.strides = (ctypes.c_int64 * 2)(2, 3), (ctypes.c_int64 * 2)(*strides)
        self.tensor = DLTensor(4096, 2, 1, 2, 2, 32, 1, self.shape, self.strides, 0, None, None)
        self.streams = []

    def __dlpack_device__(self):
        return 2, 1

    def __dlpack__(self, *, stream=None, **_):
        self.streams.append(stream)
        make = ctypes.pythonapi.PyCapsule_New
        make.restype = ctypes.py_object
        make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return make(ctypes.addressof(self.tensor), b"dltensor", None)


def test_interface_gives_address_shape_and_stream():
    array = describe(Interface(), "g")
    assert (array.address, array.shape, array.dtype) == (4096, (2, 3), np.float32)
    assert (array.size, array.end, array.stream, array.device) == (6, 4096 + 24, 7, None)


def test_older_interface_without_a_stream():
    array = describe(Interface(version=2, stream=None), "g")
    assert array.stream is None
    assert array.borrowed, "its producer may hand the memory on while work waits for it"
    assert not describe(Interface(), "g").borrowed


def test_strides_that_say_nothing_new_are_contiguous():
    assert describe(Interface(strides=(12, 4)), "g").size == 6
    assert describe(Interface(shape=(2, 1, 3), strides=(12, 999, 4)), "g").size == 6
    assert describe(Interface(shape=(0, 3), strides=(7, 7), data=(0, False)), "g").size == 0
    for strides in [(4, 8), (24, 4), (12, 8), (-12, 4)]:
        with pytest.raises(ValueError, match=r"g must be contiguous in C order"):
            describe(Interface(strides=strides), "g")


def test_masked_arrays_are_refused():
    with pytest.raises(TypeError, match="g must not have a mask"):
        describe(Interface(mask=Interface()), "g")


def test_other_byte_order_and_half_precision_are_refused():
    for typestr in (">f4", "<f2", "<i8"):
        with pytest.raises(TypeError, match="g must be float32 or float64"):
            describe(Interface(typestr=typestr), "g")


def test_torch_parameter_comes_in_on_torchs_current_stream(monkeypatch):
    stream = types.SimpleNamespace(cuda_stream=1234)
    current = {"cuda:1": stream}
    torch = types.SimpleNamespace(
        Tensor=Tensor, cuda=types.SimpleNamespace(current_stream=current.__getitem__)
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    array = describe(Tensor(requires_grad=True), "params", writable=True)
    assert (array.address, array.shape, array.dtype) == (8192, (5,), np.float64)
    assert (array.stream, array.device) == (1234, 1)
    stream.cuda_stream = 0  # torch's default stream is CUDA's legacy one
    assert describe(Tensor(), "params").stream == 1


def test_what_is_a_device_array():
    assert is_device_array(Interface())
    assert is_device_array(Tensor(requires_grad=True))
    assert is_device_array(OnlyDLPack(3, 1))
    assert not is_device_array(Tensor(on_gpu=False))
    assert not is_device_array(Tensor(requires_grad=True, on_gpu=False))
    assert not is_device_array(np.ones(3))
    assert not is_device_array([1.0])


def test_dlpack_alone_is_enough():
    pytest.importorskip("cuda.core")
    source = OnlyDLPack(3, 1)
    array = describe(source, "g")
    assert (array.address, array.shape, array.dtype) == (4096, (2, 3), np.float32)
    assert (array.device, array.stream, source.streams) == (1, 1, [1])
    assert array.borrowed
    with pytest.raises(ValueError, match=r"g must be contiguous in C order, got strides \(4, 8\)"):
        describe(OnlyDLPack(1, 2), "g")


def test_overlap_is_found_whatever_the_order():
    def at(address, n=4):
        return describe(Interface(data=(address, False), shape=(n,)), "x")

    params = [at(4096), at(1024), at(2048), at(1024, 0)]
    labels = ["a", "b", "c", "empty"]
    check_disjoint(params, labels, [(at(1040), "after b"), (at(1008), "before b"), (at(8), "low")])
    for address in (1012, 1024, 1036):
        with pytest.raises(ValueError, match="g overlaps b in memory"):
            check_disjoint(params, labels, [(at(address), "g")])
    with pytest.raises(ValueError, match="b and d overlap"):
        check_disjoint([*params, at(1036)], [*labels, "d"], [])


def test_numpy_arrays_are_refused_with_advice():
    with pytest.raises(TypeError, match=r"params must be a CUDA device array.*backend='cython'"):
        SGD().bind(np.ones(3), backend="cuda")


def test_stream_handles_become_the_streams_they_name_on_each_device(monkeypatch):
    fake = types.SimpleNamespace(
        legacy_default_stream=lambda: ["legacy"],
        per_thread_default_stream=lambda: ["per thread"],
        external_stream=lambda handle: ["external", handle],
    )
    device = [0]
    monkeypatch.setattr(numba_cuda, "cuda", fake)
    monkeypatch.setattr(numba_cuda, "current_device", lambda: device[0])
    monkeypatch.setattr(
        numba_cuda, "_stream_on", functools.cache(numba_cuda._stream_on.__wrapped__)
    )
    find = numba_cuda.stream_of
    assert [find(h) for h in (None, 1)] == [["legacy"]] * 2
    assert (find(2), find(99)) == (["per thread"], ["external", 99])
    first = find(1)
    assert find(1) is first
    device[0] = 1
    assert find(1) is not first


@pytest.mark.parametrize(
    "sizes", [[1], [0, 5, 0], [256, 257, 1], [10**6] * 40, [7, 2**31 + 300, 10**5], [3] * 5000]
)
def test_chunks_cover_each_element_once_evenly_and_are_few(sizes):
    blocks = [-(-n // numba_cuda.THREADS) for n in sizes]
    found = [chunks_of(n, b, sum(blocks)) for n, b in zip(sizes, blocks, strict=True)]
    for n, chunks in zip(sizes, found, strict=True):
        ends = [0, *(stop for _, stop in chunks)]
        assert [start for start, _ in chunks] == ends[:-1]
        assert ends[-1] == n
        assert all(start < stop for start, stop in chunks)
        assert all(start % numba_cuda.THREADS == 0 for start, _ in chunks)
        lengths = [-(-(stop - start) // numba_cuda.THREADS) for start, stop in chunks]
        assert not lengths or max(lengths) - min(lengths) <= 1
    assert sum(map(len, found)) <= len(sizes) + numba_cuda.PARTIALS


def test_a_step_is_not_captured_into_a_graph(monkeypatch):
    class Driver:
        """The part of `cuda.bindings.driver` that is asked."""

        CUstream = int
        CUresult = types.SimpleNamespace(CUDA_SUCCESS=0)
        CUstreamCaptureStatus = types.SimpleNamespace(CU_STREAM_CAPTURE_STATUS_ACTIVE=1)

        def __init__(self, *answer):
            self.answer, self.asked = answer, []

        def cuStreamIsCapturing(self, stream):
            self.asked.append(stream)
            return self.answer

    for answer in [(0, 0), (906, 1)]:  # not capturing; another stream is
        monkeypatch.setattr(numba_cuda, "_driver", lambda answer=answer: Driver(*answer))
        numba_cuda.refuse_capture(77)
    capturing = Driver(0, 1)
    monkeypatch.setattr(numba_cuda, "_driver", lambda: capturing)
    with pytest.raises(RuntimeError, match="step cannot be captured into a CUDA graph"):
        numba_cuda.refuse_capture(77)
    assert capturing.asked == [77]
