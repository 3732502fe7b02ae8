"""One step of AdamW beside everybody who has it, by size, number type and threads."""

from __future__ import annotations

import os

import numpy as np

from ..contenders.plain import plain_step
from ..contenders.steps import steppers
from ..measure import peers
from ..measure.plan import Plan
from ..measure.record import Record

SIZES = [(1_000, 1), (1_000, 50), (100_000, 1), (1_000_000, 1), (10_000_000, 1), (30_000_000, 1)]
STREAMS = 7  # reads p, g, m, v; writes p, m, v


def arrays(size: int, count: int, dtype: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return parameters and gradients."""
    rng = np.random.default_rng(0)
    params = [rng.standard_normal(size, dtype="f4").astype(dtype) for _ in range(count)]
    grads = [rng.standard_normal(size, dtype="f4").astype(dtype) for _ in range(count)]
    return params, grads


def run(plan: Plan) -> list[Record]:
    """Time AdamW; from 10,000,000 elements on also a plain loop over the same streams."""
    from fastlr.optimizers import AdamW

    found = []
    cases = [("float32", 1, s) for s in plan.pick(SIZES, SIZES[:2])]
    cases += [("float64", 1, s) for s in plan.pick([SIZES[2], SIZES[4]], SIZES[:1])]
    cores = min(2, os.cpu_count() or 1)
    if cores > 1:
        cases += [("float32", cores, s) for s in plan.pick(SIZES, SIZES[:1])]
    for dtype, threads, (size, count) in cases:
        total = size * count
        params, grads = arrays(size, count, dtype)
        with peers.threads(threads):
            contenders = steppers("AdamW", params, grads, threads)
            if (total >= 10_000_000 and threads == 1) or plan.quick:
                contenders["plain loop"] = plain_step(AdamW, params[0], grads[0])[0]
            title = f"{dtype}, {count} x {size:,}"
            records = plan.time("step", title, contenders, 7, 0.03, 2.0, threads)
        moved = STREAMS * total * params[0].itemsize
        for record in records:
            record.more["GB/s"] = moved / record.value.median / 1e9
        found += records
        plan.say(f"step: {title}, {threads} threads")
    return found
