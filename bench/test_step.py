"""Every optimizer's step, for ``pytest bench`` and ``--benchmark-compare`` between commits."""

from __future__ import annotations

import numpy as np
import pytest

from fastlr.optimizers import OPTIMIZERS


@pytest.mark.parametrize("size", [1_000, 100_000, 10_000_000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ["cython", "numba"])
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_step(benchmark, name, backend, dtype, size):
    rng = np.random.default_rng(0)
    params = rng.standard_normal(size).astype(dtype)
    grads = rng.standard_normal(size).astype(dtype)
    updater = OPTIMIZERS[name]().bind(params, backend=backend)
    benchmark.extra_info["elements"] = size
    benchmark(updater.step, grads)
    assert updater.t > 0


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_adamw_modifiers(benchmark, clip_norm, n_threads):
    params = np.ones(1_000_000, np.float32)
    updater = OPTIMIZERS["adamw"](clip_norm=clip_norm).bind(params, n_threads=n_threads)
    benchmark(updater.step, np.ones_like(params))
