"""The Cython frame of losses: text for the ahead-of-time build.

A kernel takes outputs, targets and weights of the same length, and the row of coefficients:
``double k(T *z, const T *y, const T *w, const T *row, Py_ssize_t n)``. Only the standard library
is imported: the build loads this file before the package exists.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from ..loops.loss import LossLoop, Rule, loss_loop, loss_name
from .frame import DTYPES, function_names, header

_ADDED = ("expm1", "log1p", "tanh")  # to the functions of optimizers


def losses_body(rules: Iterable[Rule]) -> str:
    """Return Cython text with a kernel for each loss and precision."""
    declared = [f"    {t} {f}{s}({t})\n" for f in _ADDED for t, s in DTYPES.values()]
    parts = [header("losses"), f'cdef extern from "<math.h>" nogil:\n{"".join(declared)}']
    for rule in rules:
        parts += [_kernel(rule, dtype) for dtype in DTYPES]
        known = {"digest": rule.digest, "coefficients": loss_loop(rule, {}).scalars}
        parts.append(f"RULES[{rule.name!r}] = {known!r}\n")
    return "\n".join(parts)


def _kernel(rule: Rule, dtype: str) -> str:
    """Return an inner loop over restrict pointers, and the entry with the common signature."""
    ctype, suffix = DTYPES[dtype]
    names = function_names(suffix) | {f: f + suffix for f in _ADDED}
    name, loop = loss_name(rule, dtype), loss_loop(rule, names)
    arguments = [
        f"fastlr_{dtype} z_at_",
        f"fastlr_const_{dtype} y_at_",
        f"fastlr_const_{dtype} w_at_",
        *(f"{ctype} {s}" for s in loop.scalars),
        "Py_ssize_t n_",
    ]
    passed = ["z", "y", "w", *(f"c[{k}]" for k in range(len(loop.scalars))), "n"]
    return (
        f"cdef double {name}_loop({', '.join(arguments)}) noexcept nogil:\n"
        f"{_frame(loop, ctype)}"
        f"cdef double {name}({ctype} *z, const {ctype} *y, const {ctype} *w, const {ctype} *c, "
        "Py_ssize_t n) noexcept nogil:\n"
        f"    return {name}_loop({', '.join(passed)})\n"
        f'KERNELS["{name}"] = <size_t><void*>{name}\n'
    )


def _frame(loop: LossLoop, ctype: str) -> str:
    return (
        "    cdef Py_ssize_t i_, j_, whole_ = n_ - n_ % 16\n"
        f"    cdef {ctype} {', '.join(loop.locals)}\n"
        f"    cdef {ctype} one_ = 1, zero_ = 0\n"
        "    cdef double lane_[16]\n"
        "    cdef double total_ = 0\n"
        # Writing one lane and reading all of them would wait for the write to come through.
        "    if n_ == 1:\n"
        "        lane_[0] = 0\n"
        f"{textwrap.indent(loop.at('0', '0'), ' ' * 8)}"
        "        return lane_[0]\n"
        "    for j_ in range(16):\n        lane_[j_] = 0\n"
        "    for i_ in range(0, whole_, 16):\n"
        "        for j_ in range(16):\n"
        f"{textwrap.indent(loop.at('i_ + j_', 'j_'), ' ' * 12)}"
        "    for i_ in range(whole_, n_):\n"
        f"{textwrap.indent(loop.at('i_', 'i_ - whole_'), ' ' * 8)}"
        "    for j_ in range(16):\n        total_ += lane_[j_]\n"
        "    return total_\n\n"
    )
