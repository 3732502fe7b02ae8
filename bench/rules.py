"""Every compiled rule: time per parameter, its share of what the memory gives, and its peers.

    python bench/rules.py [--sizes 1_000 100_000 10_000_000] [--only adam lion] [--write]

At the largest size each rule stands beside a plain loop that reads and writes the same number of
arrays, with an addition for each: what that reaches is what the memory gives. Rules that sum over
elements first stand beside two loops, the first of which only reads. torch and optax are timed
where they are installed. ``--write`` puts the table into README.md here, between its markers.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from interleave import interleave, machine, markdown, report
from numba import njit
from peers import optax_step, torch_step

from fastlr.kernels import emit
from fastlr.optimizers import OPTIMIZERS
from fastlr.optimizers._array import ArrayOptimizer

BEGIN, END = "<!-- rules:begin -->", "<!-- rules:end -->"
PACKAGE = Path(__file__).resolve().parents[1] / "fastlr"


def compiled(lines: list[str], arguments: list[str]) -> Any:
    """Return a loop over elements, compiled."""
    text = [f"def plain({', '.join(arguments)}):", *lines]
    scope: dict = {}
    exec("\n".join(text), scope)
    return njit(error_model="numpy", nogil=True, fastmath={"reassoc"})(scope["plain"])


def plain_loop(read: int, written: int) -> Any:
    """Return a loop over p, g and `read` more arrays, that writes p and the first `written`."""
    names = [f"s{k}" for k in range(max(read, written))]
    lines = ["    for i in range(p.size):", "        x = g[i]"]
    lines += [f"        x = x + {a}[i]" for a in names[written:]]
    lines += [f"        {a}[i] = {a}[i] + x" for a in ("p", *names[:written])]
    return compiled(lines, ["p", "g", *names])


def plain_sum(read: int) -> Any:
    """Return a loop that adds up p, g and `read` more arrays."""
    names = ["p", "g", *(f"s{k}" for k in range(read))]
    lines = ["    x = p[0]", "    for i in range(p.size):"]
    lines += [f"        x = x + {' + '.join(f'{a}[i]' for a in names)}", "    return x"]
    return compiled(lines, names)


def plain_step(cls: type, params: np.ndarray, grads: np.ndarray) -> tuple[Any, int]:
    """Return what moves as many bytes as a rule does, and how many for each element."""
    variant = emit.specialise(emit.rule_of_class(cls), cls().switches())
    read, written = len(variant.read), len(variant.written)
    spare = [np.zeros_like(params) for _ in range(6)]
    update = plain_loop(read, written)
    arrays = 3 + read + written
    if variant.measure is None:
        return lambda: update(params, grads, *spare[: max(read, written)]), 4 * arrays
    before = len(variant.measure.state)
    measure = plain_sum(before)

    def both() -> None:
        measure(params, grads, *spare[:before])
        update(params, grads, *spare[: max(read, written)])

    return both, 4 * (arrays + 2 + before)


def time_rule(name: str, sizes: list[int], params: np.ndarray, grads: np.ndarray) -> dict[str, str]:
    """Return a row of the table."""
    cls = OPTIMIZERS[name]
    row = {"rule": cls.__name__}
    peers: dict[str, str] = {}
    for size in sizes:
        p, g = params[:size].copy(), grads[:size]
        updater = cls().bind(p)
        contenders = {"rule": lambda u=updater, g=g: u.step(g)}
        torch = torch_step(cls.__name__, p, g)
        if torch is not None:
            contenders["torch"] = torch[1]
        optax = optax_step(cls.__name__, p, g)
        if optax is not None:
            contenders["optax"] = optax
        if size == max(sizes):
            contenders["plain"], moved = plain_step(cls, params, grads)
        found = interleave(contenders, rounds=7, repeats=max(1, 2_000_000 // size))
        each = {k: v["median"] / size * 1e9 for k, v in found.items()}
        row[f"ns at {size:,}"] = f"{each['rule']:.2f}"
        for peer in ("torch", "optax"):
            said = f"{each[peer]:.2f}" if peer in each else "-"
            peers[peer] = " / ".join(filter(None, [peers.get(peer), said]))
        if size == max(sizes):
            row["bytes"] = str(moved)
            row["of plain loop"] = f"{each['plain'] / each['rule']:.0%}"
            how = f" ({torch[0]})" if torch is not None else ""
            row["torch ns"] = peers["torch"] + how if how else "-"
            row["optax ns"] = peers["optax"] if optax is not None else "-"
    return row


def costs() -> str:
    """Say what the catalogue costs: sizes of the compiled modules, and the time to import it."""
    modules = sorted(PACKAGE.rglob("_*.so")) + sorted(PACKAGE.rglob("_*.pyd"))
    sizes = [f"{m.name.partition('.')[0]} {m.stat().st_size / 1e6:.2f}" for m in modules]
    total = sum(m.stat().st_size for m in modules) / 1e6
    return f"Compiled modules, MB: {', '.join(sizes)}; together {total:.1f}."


def write(table: str) -> None:
    """Put a table between the markers of README.md."""
    file = Path(__file__).with_name("README.md")
    text = file.read_text(encoding="utf-8")
    head, tail = text.partition(BEGIN)[0], text.partition(END)[2]
    file.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000, 10_000_000])
    parser.add_argument("--only", nargs="+", default=None, metavar="NAME")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    largest = max(options.sizes)
    grads = rng.standard_normal(largest, dtype=np.float32)
    params = rng.standard_normal(largest, dtype=np.float32)
    rows, start = [], time.perf_counter()
    for name, cls in OPTIMIZERS.items():
        # The time of array code goes into matrices.
        if issubclass(cls, ArrayOptimizer) or (options.only and name not in options.only):
            continue
        rows.append(time_rule(name, sorted(options.sizes), params, grads))
        print(name, rows[-1], f"{time.perf_counter() - start:.0f} s", flush=True)
    report("A step of every compiled rule, float32, one thread, default settings", rows, "rules")
    print("\n" + costs())
    if options.write:
        about = ", ".join(f"{k} {v}" for k, v in machine().items())
        write(f"{about}\n\n{markdown(rows)}\n\n{costs()}")


if __name__ == "__main__":
    main()
