"""What `bench.gpu` checks before it times anything: values, bits, streams, memory."""

from __future__ import annotations

import inspect
import math
import types

import numpy as np

from fastlr.kernels.cuda import device as numba_cuda
from fastlr.kernels.loops import update as emit
from fastlr.optimizers import OPTIMIZERS

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


def check_torch(n=1 << 20, steps=50):
    """Return what is wrong with tensors of torch, stepped on a stream of their own."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    if not torch.cuda.is_available():
        return "torch has no CUDA"
    p, host = torch.zeros(n, device="cuda"), np.zeros(n, np.float32)
    optimizer = OPTIMIZERS["adamw"](lr=0.01, clip_norm=1.0)
    gpu, cpu = optimizer.bind(p), optimizer.bind(host)
    before = torch.cuda.memory_allocated()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for t in range(steps):
            # Freed as soon as the step is on its way, then written over by what comes next.
            gpu.step(torch.full_like(p, 0.1 * (t + 1)))
            torch.full_like(p, float("nan"))
            cpu.step(np.full(n, 0.1 * (t + 1), np.float32))
    side.synchronize()
    error = np.abs(p.cpu().numpy() - host).max()
    held = torch.cuda.memory_allocated() - before
    refused = False
    try:
        with torch.cuda.graph(torch.cuda.CUDAGraph()):
            gpu.step(torch.ones_like(p))
    except RuntimeError as error_of_capture:
        refused = "cannot be captured" in str(error_of_capture)
    wrong = [
        *([f"error {error:.1e} to the CPU"] if not error <= 1e-5 else []),
        *([f"{held} bytes of gradients are held"] if held > 0 else []),
        *([] if refused else ["a step can be captured into a graph"]),
    ]
    return "WRONG: " + "; ".join(wrong) if wrong else "right"


def check_torch_optimizers(steps=10):
    """Return what is wrong with `fastlr.torch` on a device, beside torch's own classes there."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    if not torch.cuda.is_available():
        return "torch has no CUDA"
    import fastlr.torch

    wrong = []
    for name in (
        "SGD",
        "Adam",
        "AdamW",
        "NAdam",
        "RAdam",
        "Adamax",
        "Adadelta",
        "Adagrad",
        "RMSprop",
    ):
        finals = []
        for module in (fastlr.torch, torch.optim):
            generator = torch.Generator("cuda").manual_seed(1)
            p = torch.randn(64, 33, device="cuda", generator=generator).requires_grad_()
            optimizer = getattr(module, name)([p], lr=1e-2)
            with torch.cuda.stream(torch.cuda.Stream()):
                torch.cuda.current_stream().wait_stream(torch.cuda.default_stream())
                for _ in range(steps):
                    p.grad = torch.randn(64, 33, device="cuda", generator=generator)
                    optimizer.step()
                state = optimizer.state_dict()
                other = getattr(torch.optim, name)([p], lr=1e-2)
                other.load_state_dict(state)
                p.grad = torch.ones_like(p)
                other.step()
            torch.cuda.synchronize()
            finals.append(p.detach().cpu())
        if not torch.allclose(*finals, rtol=1e-5, atol=1e-6):
            wrong.append(f"{name} is off by {float((finals[0] - finals[1]).abs().max()):.1e}")
    return "WRONG: " + "; ".join(wrong) if wrong else "right"
