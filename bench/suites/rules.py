"""Every compiled rule: time for each parameter, its share of what memory gives, and its peers."""

from __future__ import annotations

import numpy as np

from ..contenders.plain import plain_step
from ..contenders.steps import fastlr_step, optax_step, torch_step
from ..measure import peers
from ..measure.plan import Plan
from ..measure.record import Record


def run(plan: Plan) -> list[Record]:
    """Time every rule at three sizes, the largest of them beside a plain loop."""
    from fastlr.optimizers import OPTIMIZERS
    from fastlr.optimizers._array import ArrayOptimizer

    sizes = plan.pick([1_000, 100_000, 10_000_000], [1_000])
    rng = np.random.default_rng(0)
    params = rng.standard_normal(sizes[-1], dtype=np.float32)
    grads = rng.standard_normal(sizes[-1], dtype=np.float32)
    found = []
    with peers.threads(1):
        for cls in OPTIMIZERS.values():
            if issubclass(cls, ArrayOptimizer):
                continue  # the time of array code goes into matrices
            found += _rule(plan, cls, sizes, params, grads)
            plan.say(f"rules: {cls.__name__}")
    return found


def _rule(
    plan: Plan, cls: type, sizes: list[int], params: np.ndarray, grads: np.ndarray
) -> list[Record]:
    found = []
    for size in sizes:
        p, g = [params[:size]], [grads[:size]]
        torch = torch_step(cls.__name__, "fused", p, g)
        torch = torch or torch_step(cls.__name__, "foreach", p, g)
        contenders = {
            "fastlr": fastlr_step(cls.__name__, p, g),
            "torch": torch,
            "optax under jit": None if plan.quick or plan.late else optax_step(cls.__name__, p, g),
        }
        moved = 0
        if size == sizes[-1] and not plan.quick:
            contenders["plain loop"], moved = plain_step(cls, params, grads)
        able = {name: call for name, call in contenders.items() if call is not None}
        records = plan.time("rules", cls.__name__, able, 5, 0.01, threads=1)
        plain = {r.contender: r.value.median for r in records}.get("plain loop")
        for record in records:
            more: dict[str, float | str] = {"size": float(size)}
            if plain is not None:
                more |= {"bytes": float(moved), "of plain loop": plain / record.value.median}
            found.append(
                Record(record.table, record.case, record.contender, record.value, more=more, x=size)
            )
    return found
