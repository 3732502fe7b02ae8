"""One AdamW step: fastlr beside torch's fused AdamW, and beside the memory's own speed.

    python bench/step.py [--threads 1 2] [--largest 50_000_000]

torch is optional; without it only the bandwidth is shown. The plain kernel reads and writes the
same seven streams (reads p, g, m, v; writes p, m, v) and does next to no arithmetic: what it
reaches is what the memory gives.
"""

from __future__ import annotations

import argparse

import numpy as np
from interleave import interleave, report
from numba import njit

from fastlr import AdamW

SIZES = [(1_000, 1), (1_000, 50), (100_000, 1), (1_000_000, 1), (10_000_000, 1), (50_000_000, 1)]
BYTES = 7 * 4


@njit(error_model="numpy", nogil=True)
def plain(p, g, m, v, a):
    """Touch the streams of AdamW with one addition each."""
    for i in range(p.size):
        x = g[i]
        p[i] = p[i] + x
        m[i] = m[i] + x
        v[i] = v[i] + x


def contenders(size: int, arrays: int, threads: int) -> dict:
    """Return what is timed for one size."""
    rng = np.random.default_rng(0)
    grads = [rng.standard_normal(size, dtype=np.float32) for _ in range(arrays)]
    params = [rng.standard_normal(size, dtype=np.float32) for _ in range(arrays)]
    settings = {"lr": 1e-3, "weight_decay": 1e-2}
    if arrays == 1:
        updater = AdamW(**settings).bind(params[0], n_threads=threads)
        found = {"fastlr": lambda: updater.step(grads[0])}
    else:
        updater = AdamW(**settings).bind(params, n_threads=threads)
        found = {"fastlr": lambda: updater.step(grads)}
    if size >= 10_000_000 and threads == 1:
        spare = [np.zeros(size, np.float32) for _ in range(3)]
        small = np.float32(1e-3)
        found["plain"] = lambda: plain(spare[0], grads[0], spare[1], spare[2], small)
    try:
        import torch
    except ImportError:
        return found
    torch.set_num_threads(threads)
    tensors = [torch.from_numpy(p.copy()).requires_grad_() for p in params]
    for tensor, grad in zip(tensors, grads, strict=True):
        tensor.grad = torch.from_numpy(grad.copy())
    optimizer = torch.optim.AdamW(tensors, fused=True, **settings)
    found["torch"] = optimizer.step
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--largest", type=int, default=50_000_000)
    options = parser.parse_args()
    rows = []
    for threads in options.threads:
        for size, arrays in SIZES:
            if size > options.largest:
                continue
            total = size * arrays
            repeats = max(1, min(2000, 10_000_000 // total))
            rounds = 21 if total <= 1_000_000 else 9
            found = interleave(contenders(size, arrays, threads), rounds, repeats)
            mine = found["fastlr"]["median"]
            row = {
                "threads": threads,
                "arrays x elements": f"{arrays} x {size:,}",
                "fastlr us": f"{mine * 1e6:,.1f}",
                "torch fused us": "-",
                "torch / fastlr": "-",
                "fastlr GB/s": f"{total * BYTES / mine / 1e9:.1f}",
                "of plain kernel": "-",
            }
            if "torch" in found:
                torch_time = found["torch"]["median"]
                row["torch fused us"] = f"{torch_time * 1e6:,.1f}"
                row["torch / fastlr"] = f"{torch_time / mine:.2f}"
            if "plain" in found:
                row["of plain kernel"] = f"{found['plain']['median'] / mine:.0%}"
            rows.append(row)
    report("AdamW step, float32", rows, "step")


if __name__ == "__main__":
    main()
