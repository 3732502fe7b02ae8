"""Checks and times every CUDA kernel on a real GPU. Run it wherever one is at hand.

    python bench/gpu.py [--elements N] [--json FILE] [--huge]

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
import inspect
import itertools
import json
import math
import statistics
import sys
import types

import numpy as np

from fastlr.catalogue import optimizer_rows
from fastlr.kernels import emit, numba_cuda
from fastlr.optimizers import OPTIMIZERS
from fastlr.optimizers._array import ArrayOptimizer

FUNCTIONS = {
    "sqrt": math.sqrt,
    "cbrt": np.cbrt,
    "exp": math.exp,
    "log": lambda x: math.log(x) if x > 0 else -math.inf,  # as compiled code has it
    "abs": abs,
    "min": min,
    "max": max,
    "sign": lambda x: (x > 0) - (x < 0),
}
DTYPES = (np.float32, np.float64)
MODIFIERS = {
    "clip_norm": {"clip_norm": 0.5, "nonfinite": "skip"},
    "clip_norm by group": {"clip_norm": 0.5, "clip_scope": "group"},
    "clip_norm by parameter": {"clip_norm": 0.5, "clip_scope": "parameter", "clip_value": 0.1},
    "all that follows": {"l1": 1e-3, "cautious": True, "lookahead": 2, "average": "ema"},
}
STEPS_TIMED, REPEATS = 20, 7


def settings():
    """Yield name and optimizer for each setting of the switches of each optimizer."""
    for name, cls in OPTIMIZERS.items():
        if issubclass(cls, ArrayOptimizer):
            continue
        for choice in itertools.product((False, True), repeat=len(cls.flags)):
            flags = {
                flag: on if isinstance(cls._fields[flag], bool) else 0.7 * on
                for flag, on in zip(cls.flags, choice, strict=True)
            }
            try:
                optimizer = cls(lr=0.01, weight_decay=0.05, decay="decoupled", **flags)
            except ValueError:  # switches that exclude each other
                continue
            yield "-".join([name, *(flag for flag in flags if flags[flag])]), optimizer


def to_device(array):
    return numba_cuda.send(array, numba_cuda.stream_of(None))


def to_host(array):
    return numba_cuda.fetch(array, numba_cuda.stream_of(None))


def run_in_python(optimizer, start, grads):
    """Run the rule itself, one element at a time, in double precision, on one array."""
    cls = type(optimizer)
    rule = {
        part: types.FunctionType(getattr(cls, part).__code__, FUNCTIONS)
        for part in ("measure", "adapt", "update")
        if hasattr(cls, part)
    }
    takes = {part: list(inspect.signature(f).parameters) for part, f in rule.items()}
    elements = 2 + len(cls.state)  # p, g and the state come first
    initial = [optimizer.initial_state().get(n, 0.0) for n in cls.state]
    p = [(float(x), [float(x) if s == "p" else s for s in initial]) for x in start]
    scalars = {n: optimizer.initial_scalars().get(n, 0.0) for n in cls.scalars}
    own = optimizer.decay == optimizer.own_decay
    shrink = 0.0 if own else optimizer.lr * optimizer.weight_decay
    for t, grad in enumerate(grads, 1):
        step, rate = np.array([float(t)]), np.array([optimizer.lr])
        values = {**optimizer.switches(), **optimizer.coefficients(step, rate)}
        known = {n: float(np.broadcast_to(v, (1,))[0]) for n, v in values.items()}
        known |= {"weight_decay": optimizer.weight_decay * own, emit.DECAY_SHARE: shrink}
        taken = 0.0 if emit.DECAY_SHARE in takes["update"] else shrink
        p = [(x - taken * x, state) for x, state in p]
        if cls.sums:
            given = [{**known, **scalars}[n] for n in takes["measure"][elements:]]
            shares = [
                rule["measure"](x, float(g), *state, *given)
                for (x, state), g in zip(p, grad, strict=True)
            ]
            known |= dict(zip(cls.sums, map(math.fsum, zip(*shares, strict=True)), strict=True))
            found = rule["adapt"](*[{**known, **scalars}[n] for n in takes["adapt"]])
            found = found if isinstance(found, tuple) else (found,)
            found = dict(zip((*cls.derived, *cls.scalars), found, strict=True))
            scalars = {n: found[n] for n in cls.scalars}
            known |= found
        given = [known[n] for n in takes["update"][elements:]]
        for i, (x, state) in enumerate(p):
            x, *state = rule["update"](x, float(grad[i]), *state, *given)
            p[i] = x, state
    return np.array([x for x, _ in p])


def check(optimizer, dtype, n=257, steps=4):
    """Return what is wrong with a kernel, or how it agrees."""
    random = np.random.default_rng(0)
    start = random.normal(size=n).astype(dtype)
    grads = [random.normal(size=n).astype(dtype) for _ in range(steps)]
    host, device = start.copy(), to_device(start)
    cpu, gpu = optimizer.bind(host), optimizer.bind(device)
    for grad in grads:
        cpu.step(grad)
        gpu.step(to_device(grad))
    found = to_host(device)
    expected = run_in_python(optimizer, start, grads)
    tolerance = 1e-4 if dtype is np.float32 else 1e-11
    error = float(np.max(np.abs(found - expected) / (np.abs(expected) + 0.01)))
    if not error <= tolerance:
        return f"WRONG: error {error:.1e} against the rule in Python"
    return "same bits as the CPU" if found.tobytes() == host.tobytes() else f"error {error:.0e}"


def check_modifiers(optimizer, more, dtype, steps=4):
    """Return how a rule with modifiers around it agrees with the CPU, on arrays in two groups."""
    random = np.random.default_rng(1)
    sizes = {"a": 5, "b": 70_001, "c": 257, "d": 1}
    host = {n: random.normal(size=k).astype(dtype) for n, k in sizes.items()}
    try:
        optimizer = optimizer.replace(**more)
        cpu = optimizer.bind(host, groups=[{"match": ["a", "c"], "lr": 0.5}])
    except ValueError:  # not every modifier goes with every rule
        return "-"
    runs = [{n: to_device(a) for n, a in host.items()} for _ in range(2)]
    updaters = [optimizer.bind(run, groups=[{"match": ["a", "c"], "lr": 0.5}]) for run in runs]
    for _ in range(steps):
        grads = {n: random.normal(size=k).astype(dtype) for n, k in sizes.items()}
        on_device = {n: to_device(g) for n, g in grads.items()}
        cpu.step(grads)
        for updater in updaters:
            updater.step(on_device)
    found, again = ({n: to_host(a) for n, a in run.items()} for run in runs)
    if any(found[n].tobytes() != again[n].tobytes() for n in found):
        return "WRONG: two runs differ"
    tolerance = 1e-4 if dtype is np.float32 else 1e-11
    error = max(float(np.max(np.abs(found[n] - a) / (np.abs(a) + 0.01))) for n, a in host.items())
    return f"error {error:.0e}" if error <= tolerance else f"WRONG: error {error:.1e} to the CPU"


def check_huge():
    """Step one array whose last elements lie beyond 2**31; needs 9 GB of device memory."""
    n = 2**31 + 300
    stream = numba_cuda.stream_of(None)
    p = numba_cuda.full((n,), np.dtype(np.float32), 1.0, stream)
    OPTIMIZERS["sgd"](lr=0.25).bind(p).step(numba_cuda.full((n,), p.dtype, 0.5, stream))
    ends = [to_host(p[:400]), to_host(p[n - 400 :]), to_host(p[2**31 - 200 : 2**31 + 200])]
    return all((end == 0.875).all() for end in ends)


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
            "its driver, and `pip install 'fastlr[cuda]'`; the simulator does not count.",
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
