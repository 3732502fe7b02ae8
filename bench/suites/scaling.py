"""How the cost grows with rows, features, classes, parameters, threads and batch size.

One thing is changed at a time. Each record keeps the least time that the machine's own limits
allow for it: bytes that have to be moved at the speed of a copy, or the products of a network at
the speed of a large one.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..contenders.steps import fastlr_step, torch_step
from ..contenders.torch_loops import loop
from ..measure import peers
from ..measure.peers import load
from ..measure.plan import Plan
from ..measure.record import Record
from ..workloads.data import Data
from ..workloads.images import blobs

EPOCHS = 2


def run(plan: Plan, limits: dict[str, float] | None = None) -> list[Record]:
    """Time everything.

    Parameters
    ----------
    plan : Plan
        What to do.
    limits : dict of str to float, optional
        What `machine.limits` found in the same run; without it no limit is kept.
    """
    limits = limits or {}
    return [*_steps(plan, limits), *_linear(plan, limits), *_networks(plan, limits)]


def _curve(
    plan: Plan,
    case: str,
    xs: Iterable[float],
    contenders: Callable[[float], dict[str, Callable[[], Any]]],
    limit: Callable[[float], float] | None,
    threads: Callable[[float], int] = lambda x: 1,
    rewarm: bool = True,
) -> list[Record]:
    found = []
    for x in xs:
        with peers.threads(threads(x)):
            timed = plan.time(
                "scaling", case, contenders(x), 5, 0.02, 0.7, threads(x), rewarm=rewarm
            )
        more: dict[str, float | str] = {} if limit is None else {"limit, s": limit(x)}
        found += [
            Record(r.table, case, r.contender, r.value, threads=r.threads, more=more, x=float(x))
            for r in timed
        ]
    plan.say(f"scaling: {case}")
    return found


def _steps(plan: Plan, limits: dict[str, float]) -> list[Record]:
    """Step AdamW over more parameters, and in more threads."""

    def contenders(x: float, threads: int = 1) -> dict[str, Callable[[], Any]]:
        params = [np.ones(int(x), np.float32)]
        grads = [np.full(int(x), 1e-3, np.float32)]
        torch = torch_step("AdamW", "fused", params, grads)
        ours = {"fastlr": fastlr_step("AdamW", params, grads, threads)}
        return ours | ({"torch fused": torch} if torch is not None else {})

    rate = limits.get("bytes per second")
    bound = (lambda x: 7 * 4 * x / rate) if rate else None
    sizes = plan.pick(np.geomspace(1e3, 3e7, 10).round().tolist(), [1e3, 1e4])
    found = _curve(plan, "AdamW step: parameters", sizes, contenders, bound)
    cores = range(1, plan.pick(min(8, os.cpu_count() or 1), 1) + 1)
    size = plan.pick(4_000_000, 10_000)
    return found + _curve(
        plan,
        f"AdamW step of {size:,} parameters: threads",
        cores,
        lambda x: contenders(size, int(x)),
        None,
        threads=int,
    )


def _linear(plan: Plan, limits: dict[str, float]) -> list[Record]:
    """Fit a linear model to more rows, features, classes, and in larger batches."""
    from sklearn.linear_model import SGDClassifier

    from fastlr import LinearClassifier

    def contenders(data: Data, batch: int = 128) -> dict[str, Callable[[], Any]]:
        found: dict[str, Callable[[], Any]] = {
            "fastlr LinearClassifier": lambda: LinearClassifier(
                lr=0.01, batch_size=batch, max_epochs=EPOCHS, random_state=0
            ).fit(data.X, data.y)
        }
        if batch == 128:
            found["SGDClassifier"] = lambda: SGDClassifier(
                loss="log_loss", max_iter=EPOCHS, tol=None, random_state=0
            ).fit(data.X, data.y)
        if load("torch") is not None:
            found["torch loop, AdamW(fused)"] = lambda: loop(data, EPOCHS, 0.01, [], batch, True, 0)
        return found

    rate = limits.get("bytes per second")

    def bound(rows: float, features: float) -> float:
        # Each epoch reads every value at least once.
        return EPOCHS * rows * features * 4 / rate if rate else 0.0

    rows, features, classes = plan.pick((16_000, 100, 10), (400, 10, 3))
    few = plan.pick(16, 2)
    base = blobs(rows * 5 // 4, features, classes)

    def of(n: float, f: float, k: float) -> Data:
        return blobs(int(n) * 5 // 4, int(f), int(k))

    counts = [rows // few * 2**k for k in range(plan.pick(6, 2))]
    widths = [features // few * 2**k for k in range(plan.pick(7, 2))]
    kinds = plan.pick([2, 4, 8, 16, 32], [2, 3])
    sizes = plan.pick([16, 32, 64, 128, 256, 512, 1024], [64, 128])
    of_rows = bool(rate)
    found = _curve(
        plan,
        f"linear fit of {features} features, {classes} classes: rows",
        counts,
        lambda x: contenders(of(x, features, classes)),
        (lambda x: bound(x, features)) if of_rows else None,
        rewarm=False,
    )
    found += _curve(
        plan,
        f"linear fit of {rows:,} rows, {classes} classes: features",
        widths,
        lambda x: contenders(of(rows, x, classes)),
        (lambda x: bound(rows, x)) if of_rows else None,
        rewarm=False,
    )
    found += _curve(
        plan,
        f"linear fit of {rows:,} x {features}: classes",
        kinds,
        lambda x: contenders(of(rows, features, x)),
        (lambda x: bound(rows, features)) if of_rows else None,
        rewarm=False,
    )
    return found + _curve(
        plan,
        f"linear fit of {rows:,} x {features}: rows in a batch",
        sizes,
        lambda x: contenders(base, int(x)),
        (lambda x: bound(rows, features)) if of_rows else None,
        rewarm=False,
    )


def _networks(plan: Plan, limits: dict[str, float]) -> list[Record]:
    """Fit networks of more hidden units, and in larger batches."""
    from ..contenders.mlp import fit_fastlr, fit_sklearn, fit_torch

    rows, features = plan.pick((8000, 256), (200, 10))
    data = blobs(rows * 5 // 4, features, 10)
    rate = limits.get("float32 operations per second")

    def contenders(hidden: int, batch: int) -> dict[str, Callable[[], Any]]:
        fits = {"fastlr MLPClassifier": fit_fastlr, "scikit-learn MLPClassifier": fit_sklearn}
        if load("torch") is not None:
            fits["torch loop, Adam(fused)"] = fit_torch
        return {
            name: functools.partial(fit, data, 1, 1e-3, 1, hidden, batch)
            for name, fit in fits.items()
        }

    def bound(hidden: float) -> float:
        # A product forward, one for the weights' gradient; the second layer's inputs' one more.
        work = 2 * rows * hidden * (2 * features + 3 * 10)
        return work / rate if rate else 0.0

    units = plan.pick([8, 16, 32, 64, 128, 256, 512], [4, 8])
    sizes = plan.pick([8, 16, 32, 64, 128, 256], [32, 64])
    found = _curve(
        plan,
        f"network on {rows:,} x {features}, batches of 128: hidden units",
        units,
        lambda x: contenders(int(x), 128),
        bound if rate else None,
        rewarm=False,
    )
    middle = plan.pick(128, 8)
    return found + _curve(
        plan,
        f"network of {middle} hidden units on {rows:,} x {features}: rows in a batch",
        sizes,
        lambda x: contenders(middle, int(x)),
        (lambda x: bound(middle)) if rate else None,
        rewarm=False,
    )
