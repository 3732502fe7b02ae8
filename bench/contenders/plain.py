"""Plain loops that read and write as many arrays as a rule: what they reach, the memory gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastlr.kernels.loops import update as emit


def compiled(lines: list[str], arguments: list[str]) -> Any:
    """Return a loop over elements, compiled by Numba."""
    from numba import njit

    text = [f"def plain({', '.join(arguments)}):", *lines]
    scope: dict[str, Any] = {}
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


def plain_step(cls: type, params: np.ndarray, grads: np.ndarray) -> tuple[Callable[[], None], int]:
    """Return what moves as many bytes as a rule does, and how many bytes for each element.

    Rules that sum over elements first stand beside two loops, the first of which only reads.

    Parameters
    ----------
    cls : type
        An optimizer with a compiled rule.
    params, grads : ndarray
        Arrays of one size.
    """
    variant = emit.specialise(emit.rule_of_class(cls), cls().switches())
    read, written = len(variant.read), len(variant.written)
    spare = [np.zeros_like(params) for _ in range(max(read, written, 4))]
    update = plain_loop(read, written)
    arrays, width = 3 + read + written, params.itemsize
    if variant.measure is None:
        return lambda: update(params, grads, *spare[: max(read, written)]), width * arrays
    before = len(variant.measure.state)
    measure = plain_sum(before)

    def both() -> None:
        measure(params, grads, *spare[:before])
        update(params, grads, *spare[: max(read, written)])

    return both, width * (arrays + 2 + before)
