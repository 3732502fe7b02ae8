"""The Cython text of reductions: sums of squares in double precision over 16 fixed lanes.

Vector code that gives the same bits on every instruction set, because the order of additions is
written down.
"""

from __future__ import annotations

from .frame import DTYPES

_TEXT = """\

cdef double {name}({arguments}, Py_ssize_t n) noexcept nogil:
    cdef double lane[16]
    cdef {ctype} element
    cdef double value, total = 0
    cdef Py_ssize_t i, j, whole = n - n % 16
    for j in range(16):
        lane[j] = 0
    for i in range(0, whole, 16):
        for j in range(16):
            element = {inner}
            value = element
            lane[j] += value * value
    for i in range(whole, n):
        element = {rest}
        value = element
        lane[i - whole] += value * value
    for j in range(16):
        total += lane[j]
    return total

KERNELS["{name}"] = <size_t><void*>{name}
"""
# What is squared: the elements of an array, or of the difference of two.
_KINDS = {
    "sumsq": ("const {ctype} *x", "x[{at}]"),
    "moved": ("const {ctype} *before, const {ctype} *after", "after[{at}] - before[{at}]"),
}


def reduce_texts() -> list[str]:
    """Return the reductions in both precisions."""
    return [
        _TEXT.format(
            name=f"{kind}_{dtype}",
            ctype=ctype,
            arguments=arguments.format(ctype=ctype),
            inner=element.format(at="i + j"),
            rest=element.format(at="i"),
        )
        for kind, (arguments, element) in _KINDS.items()
        for dtype, (ctype, _) in DTYPES.items()
    ]
