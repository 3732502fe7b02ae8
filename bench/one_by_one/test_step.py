"""A step of every optimizer, by backend, number type and size, and AdamW by everybody."""

from __future__ import annotations

import numpy as np
import pytest

from bench.contenders.steps import (
    deepspeed_step,
    fastlr_step,
    numpy_step,
    optax_step,
    torch_step,
)
from bench.measure import peers
from bench.suites.step import arrays
from fastlr.optimizers import OPTIMIZERS

slow = pytest.mark.slow
SIZES = [1_000, *(pytest.param(size, marks=slow) for size in (100_000, 10_000_000))]
# Numba compiles each rule anew: a quick run has no time for that.
BACKENDS = ["cython", pytest.param("numba", marks=slow)]
PEERS = {
    "torch fused": lambda p, g: torch_step("AdamW", "fused", p, g),
    "torch foreach": lambda p, g: torch_step("AdamW", "foreach", p, g),
    "DeepSpeed CPUAdam": lambda p, g: deepspeed_step("AdamW", p, g),
    "optax under jit": lambda p, g: optax_step("AdamW", p, g),
    "NumPy": lambda p, g: numpy_step("AdamW", p, g),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_step(benchmark, name, backend, dtype, size):
    params, grads = arrays(size, 1, dtype)
    updater = OPTIMIZERS[name]().bind(params[0], backend=backend)
    benchmark.extra_info["elements"] = size
    benchmark(updater.step, grads[0])
    assert np.isfinite(params[0]).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("peer", list(PEERS))
def test_peers(benchmark, one_thread, peer, dtype, size):
    step = PEERS[peer](*arrays(size, 1, dtype))
    if step is None:
        pytest.skip(f"{peer} is not installed, or has no {dtype}")
    benchmark(step)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_adamw_modifiers(benchmark, clip_norm, n_threads):
    params = np.ones(1_000_000, np.float32)
    updater = OPTIMIZERS["adamw"](clip_norm=clip_norm).bind(params, n_threads=n_threads)
    benchmark(updater.step, np.ones_like(params))


@slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("who", ["fastlr", "torch fused"])
def test_threads(benchmark, who, threads):
    params, grads = arrays(4_000_000, 1, "float32")
    with peers.threads(threads):
        if who == "fastlr":
            benchmark(fastlr_step("AdamW", params, grads, threads))
            return
        step = torch_step("AdamW", "fused", params, grads)
        if step is None:
            pytest.skip("torch is not installed")
        benchmark(step)
