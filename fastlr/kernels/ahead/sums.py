"""The Cython frames of a rule's sums, which come before its update."""

from __future__ import annotations

import textwrap

from ..loops.sums import WIDEN, adapt_body, adapt_name, measure_loop, measure_name
from ..loops.update import Variant
from .frame import DTYPES, function_names


def measure_text(variant: Variant, dtype: str) -> str:
    """Return a loop that adds each element's share of the sums to 16 running sums for each."""
    ctype, suffix = DTYPES[dtype]
    name = measure_name(variant, dtype)
    loop = measure_loop(variant, function_names(suffix), function_names("") | {WIDEN: WIDEN})
    arguments = [
        "double *lanes_",
        *(f"fastlr_const_{dtype} {a}_at_" for a in ("p", "g", *loop.arrays)),
        *(f"{ctype} {s}" for s in loop.scalars),
        "Py_ssize_t n_",
    ]
    passed = [
        *("lanes", "p", "g"),
        *(f"s[{k}]" for k in loop.arrays.values()),
        *(f"c[{k}]" for k in range(len(loop.scalars))),
        "n",
    ]
    count = range(len(loop.shares))
    starts = "".join(f"lane{k}_[j_] = 0\n" for k in count)
    stores = "".join(f"lanes_[{16 * k} + j_] = lane{k}_[j_]\n" for k in count)
    return (
        f"cdef void {name}_loop({', '.join(arguments)}) noexcept nogil:\n"
        "    cdef Py_ssize_t i_, j_, whole_ = n_ - n_ % 16\n"
        f"    cdef {ctype} {', '.join(loop.locals)}\n"
        f"    cdef {ctype} one_ = 1, zero_ = 0\n"
        f"    cdef double {', '.join(f'lane{k}_[16]' for k in count)}\n"
        f"    for j_ in range(16):\n{textwrap.indent(starts, ' ' * 8)}"
        "    for i_ in range(0, whole_, 16):\n"
        "        for j_ in range(16):\n"
        f"{textwrap.indent(loop.at('i_ + j_', 'j_'), ' ' * 12)}"
        "    for i_ in range(whole_, n_):\n"
        f"{textwrap.indent(loop.at('i_', 'i_ - whole_'), ' ' * 8)}"
        f"    for j_ in range(16):\n{textwrap.indent(stores, ' ' * 8)}\n"
        f"cdef void {name}(double *lanes, const {ctype} *p, const {ctype} *g, {ctype} **s, "
        f"const {ctype} *c, Py_ssize_t n) noexcept nogil:\n"
        f"    {name}_loop({', '.join(passed)})\n"
        f'KERNELS["{name}"] = <size_t><void*>{name}\n'
    )


def adapt_text(variant: Variant, dtype: str) -> str:
    """Return a function of the sums that renews scalars, and the tail of a coefficient row."""
    ctype, _ = DTYPES[dtype]
    name = adapt_name(variant, dtype)
    body = adapt_body(variant, function_names(""))
    given = [f"{n} = sums_[{k}]" for k, n in enumerate(body.sums)]
    given += [f"{n} = scalars_[{k}]" for k, n in enumerate(body.scalars)]
    given += [f"{n} = exact_[{k}]" for n, k in body.coefficients.items()]
    stores = [f"scalars_[{k}] = {n}" for k, n in enumerate(body.results[: len(body.scalars)])]
    stores += [f"c_[{k}] = <{ctype}>{n}" for k, n in enumerate(body.results, body.tail)]
    return (
        f"cdef void {name}(const double *sums_, const double *exact_, double *scalars_, "
        f"{ctype} *c_) noexcept nogil:\n"
        f"    cdef double one_ = 1, zero_ = 0, {', '.join(body.locals)}\n"
        + "".join(f"    cdef double {each}\n" for each in given)
        + textwrap.indent(body.body + "\n".join(stores), " " * 4)
        + f'\nKERNELS["{name}"] = <size_t><void*>{name}\n'
    )
