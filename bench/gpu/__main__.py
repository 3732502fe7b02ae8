"""Checks and times every CUDA kernel on a real GPU. Run it wherever one is at hand.

    python -m bench.gpu [--elements N] [--json FILE] [--huge]

Each compiled optimizer, with each setting of its switches, in float32 and float64, is first
compared with the same rule run by Python itself, element by element in double precision, and
with the bits of the CPU backend; then, with all that can be done around a rule, with the CPU
backend, twice, for a second run must give the same bits. Then its step is timed against a
device-to-device copy that moves as many bytes, and against `torch.optim` with ``fused=True``
where torch is installed with CUDA. Ends with 0 if all is well, 1 if a kernel is wrong, 2 if there
is no GPU.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import statistics
import sys

import numpy as np

from fastlr.kernels.cuda import device as numba_cuda
from fastlr.kernels.loops import update as emit
from fastlr.optimizers import OPTIMIZERS
from fastlr.optimizers._array import ArrayOptimizer
from fastlr.reporting.catalogue import optimizer_rows

from .checks import (
    DTYPES,
    MODIFIERS,
    check,
    check_huge,
    check_modifiers,
    check_torch,
    check_torch_optimizers,
    to_device,
)

STEPS_TIMED, REPEATS = 20, 7


def settings():
    """Yield name and optimizer for each setting of the switches of each optimizer."""
    for name, cls in OPTIMIZERS.items():
        if issubclass(cls, ArrayOptimizer):
            continue
        for choice in itertools.product((False, True), repeat=len(cls.flags)):
            flags = {
                flag: on if isinstance(cls.parameter_defaults[flag], bool) else 0.7 * on
                for flag, on in zip(cls.flags, choice, strict=True)
            }
            try:
                optimizer = cls(lr=0.01, weight_decay=0.05, decay="decoupled", **flags)
            except ValueError:  # switches that exclude each other
                continue
            yield "-".join([name, *(flag for flag in flags if flags[flag])]), optimizer


def seconds(work):
    """Return the median time on the device of one call of `work`."""
    cuda, stream = numba_cuda.cuda, numba_cuda.stream_of(None)
    for _ in range(3):
        work()
    times = []
    for _ in range(REPEATS):
        start, end = cuda.event(), cuda.event()
        start.record(stream)
        for _ in range(STEPS_TIMED):
            work()
        end.record(stream)
        end.synchronize()
        times.append(cuda.event_elapsed_time(start, end) / 1e3 / STEPS_TIMED)
    return statistics.median(times)


@functools.cache
def copy_seconds(moved):
    """Return the time of a device-to-device copy that reads and writes `moved` bytes in all."""
    source = to_device(np.zeros(moved // 2, np.uint8))
    target = to_device(np.zeros(moved // 2, np.uint8))
    stream = numba_cuda.stream_of(None)
    return seconds(lambda: target.copy_to_device(source, stream=stream))


def bytes_moved(optimizer):
    """Return how many bytes a step in float32 has to move for each element."""
    variant = emit.specialise(emit.rule_of_class(type(optimizer)), optimizer.switches())
    row = next(r for r in optimizer_rows() if r.name == type(optimizer).__name__)
    return next(v.moved for v in row.variants if v.on == variant.on)


def torch_fused(name, optimizer, arrays):
    """Return a step of torch's fused optimizer over arrays of given sizes, None without one."""
    try:
        import torch
    except ImportError:
        return None
    makers = {
        "adam": lambda p: torch.optim.Adam(p, fused=True),
        "adamw": lambda p: torch.optim.AdamW(p, fused=True),
        "sgd-momentum": lambda p: torch.optim.SGD(p, momentum=0.9, fused=True),
    }
    if name not in makers or not torch.cuda.is_available():
        return None
    dtype = getattr(torch, str(arrays[0].dtype))
    params = [torch.zeros(a.size, dtype=dtype, device="cuda") for a in arrays]
    for p in params:
        p.grad = torch.ones_like(p)
    return makers[name](params).step


def time_step(name, optimizer, arrays):
    """Time one step over arrays; return a row of the table."""
    grads = [numba_cuda.full(a.shape, a.dtype, 1e-3, numba_cuda.stream_of(None)) for a in arrays]
    updater = optimizer.bind(arrays)
    moved = bytes_moved(optimizer) * sum(a.nbytes for a in arrays) // 4
    took, copied = seconds(lambda: updater.step(grads)), copy_seconds(moved)
    fused = torch_fused(name, optimizer, arrays)
    row = {
        "optimizer": name,
        "dtype": str(arrays[0].dtype),
        "arrays": len(arrays),
        "elements": sum(a.size for a in arrays),
        "microseconds": took * 1e6,
        "gigabytes_per_second": moved / took / 1e9,
        "of_copy": copied / took,
    }
    if fused is not None:
        row["torch_fused_microseconds"] = seconds(fused) * 1e6
    return row


def show(row):
    torch = row.get("torch_fused_microseconds")
    times = f"{torch / row['microseconds']:6.2f}x torch" if torch else ""
    print(
        f"{row['optimizer']:34} {row['dtype']:8} {row['arrays']:4} x "
        f"{row['elements'] // row['arrays']:<11,} {row['microseconds']:10.1f} us "
        f"{row['gigabytes_per_second']:8.0f} GB/s {100 * row['of_copy']:5.0f} % of copy {times}",
        flush=True,
    )


def zeros(sizes, dtype):
    stream = numba_cuda.stream_of(None)
    return [numba_cuda.full((n,), np.dtype(dtype), 0.0, stream) for n in sizes]


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--elements", type=int, default=2**25, help="length of the timed array")
    parser.add_argument("--json", default="gpu.json", help="where to write the figures")
    parser.add_argument("--huge", action="store_true", help="check an array of over 2**31 elements")
    arguments = parser.parse_args()
    device = numba_cuda.device_name()
    if device is None or numba_cuda.SIMULATOR:
        print(
            "No CUDA GPU was found, so there is nothing to measure. This needs an NVIDIA GPU with "
            "its driver, and `pip install 'fastlr-optim[cuda]'`; the simulator does not count.",
            file=sys.stderr,
        )
        return 2
    print(f"GPU: {device}\n\nAgainst the rule in Python:")
    wrong = 0
    for name, optimizer in settings():
        for dtype in DTYPES:
            verdict = check(optimizer, dtype)
            wrong += verdict.startswith("WRONG")
            print(f"{name:34} {np.dtype(dtype).name:8} {verdict}", flush=True)
    print("\nWith modifiers, against the CPU, on arrays in groups:")
    for name, cls in OPTIMIZERS.items():
        if not issubclass(cls, ArrayOptimizer):
            for (label, more), dtype in itertools.product(MODIFIERS.items(), DTYPES):
                verdict = check_modifiers(cls(lr=0.01, weight_decay=0.05), more, dtype)
                wrong += verdict.startswith("WRONG")
                print(f"{name:20} {label:24} {np.dtype(dtype).name:8} {verdict}", flush=True)
    for what, verdict in (
        ("Tensors of torch on a stream of their own", check_torch()),
        ("fastlr.torch beside torch.optim", check_torch_optimizers()),
    ):
        wrong += verdict.startswith("WRONG")
        print(f"{what}: {verdict}")
    if arguments.huge:
        passed = check_huge()
        wrong += not passed
        print(f"2**31 + 300 elements: {'right' if passed else 'WRONG'}")
    print(f"\nOne step, against a copy of as many bytes ({REPEATS} medians of {STEPS_TIMED}):")
    rows = []
    for name, optimizer in settings():
        shapes = [[arguments.elements]] + [[1000] * 50] * (name == "adamw")
        for dtype, sizes in itertools.product(DTYPES, shapes):
            rows.append(time_step(name, optimizer, zeros(sizes, dtype)))
            show(rows[-1])
    with open(arguments.json, "w", encoding="utf-8") as file:
        json.dump({"gpu": device, "wrong_kernels": wrong, "steps": rows}, file, indent=1)
    print(f"\nFigures written to {arguments.json}; {wrong} kernels wrong.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
