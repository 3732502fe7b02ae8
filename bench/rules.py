"""Every compiled rule: time per parameter, and its share of what the memory gives.

    python bench/rules.py [--sizes 1_000 100_000 10_000_000]

At the largest size each rule stands beside a plain loop that reads and writes as many arrays and
does one addition for each: what that reaches is what the memory gives.
"""

from __future__ import annotations

import argparse

import numpy as np
from interleave import interleave, report
from numba import njit

from fastlr.optimizers import OPTIMIZERS


def plain_loop(states: int):
    """Return a loop over p, g and `states` more arrays, each of which but g is written to."""
    names = [f"s{k}" for k in range(states)]
    lines = [f"def plain({', '.join(['p', 'g', *names])}):", "    for i in range(p.size):"]
    lines += ["        x = g[i]", *(f"        {a}[i] = {a}[i] + x" for a in ("p", *names))]
    scope: dict = {}
    exec("\n".join(lines), scope)
    return njit(error_model="numpy", nogil=True)(scope["plain"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000, 10_000_000])
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    largest = max(options.sizes)
    grads = rng.standard_normal(largest, dtype=np.float32)
    params = rng.standard_normal(largest, dtype=np.float32)
    spare = [np.zeros(largest, np.float32) for _ in range(6)]
    rows = []
    for name, cls in OPTIMIZERS.items():
        row = {"rule": cls.__name__}
        for size in options.sizes:
            updater = cls().bind(params[:size].copy())
            if updater.backend == "numpy":
                break  # array code: its time goes into matrices
            states = len(updater.state_dict()["state"])
            contenders = {"rule": lambda u=updater, g=grads[:size]: u.step(g)}
            if size == largest:
                loop = plain_loop(states)
                contenders["plain"] = lambda loop=loop, s=states: loop(params, grads, *spare[:s])
            repeats = max(1, 2_000_000 // size)
            found = interleave(contenders, rounds=7, repeats=repeats)
            row[f"ns at {size:,}"] = f"{found['rule']['median'] / size * 1e9:.2f}"
            if size == largest:
                share = found["plain"]["median"] / found["rule"]["median"]
                row["arrays"] = states
                row["of plain loop"] = f"{share:.0%}"
        else:
            rows.append(row)
        print(name, row, flush=True)
    report("A step of every compiled rule, float32, one thread, default settings", rows, "rules")


if __name__ == "__main__":
    main()
