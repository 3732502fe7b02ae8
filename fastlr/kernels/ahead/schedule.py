"""The Cython frame of schedules: text for the ahead-of-time build.

A kernel takes a block of times and the coefficients, all in double precision. Only the standard
library is imported: the build loads this file before the package exists.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from ..language.tables import ENTRY, last_text, local_names, passed_text
from ..loops.update import Rule, Variant, variants
from .frame import describe, function_names, header

_ENTRY = f"""\
cdef inline double {ENTRY}(const double *c, double k) noexcept nogil:
    return c[<Py_ssize_t>k]

"""


def schedule_body(rules: Iterable[Rule]) -> str:
    """Return Cython text with a double-precision kernel for each schedule rule."""
    parts = [header("schedules") + _ENTRY]
    for rule in rules:
        parts += [_schedule_kernel(v) for v in variants(rule)]
        parts.append(f"RULES[{rule.name!r}] = {describe(rule)!r}\n")
    return "\n".join(parts)


def _schedule_kernel(variant: Variant) -> str:
    name = variant.key
    names = function_names("")
    scalars = variant.coefficients
    local = ", ".join(["t", *variant.locals, *local_names(variant.tables)])
    body = variant.text(names) + f"out_[i_] = {variant.result('t', names)}\n"
    body = passed_text(variant.tables, body) + body
    loads = "".join(f"    cdef double {s} = c_[{k}]\n" for k, s in enumerate(scalars))
    return (
        f"cdef void {name}(fastlr_f64 out_, fastlr_const_f64 t_, fastlr_const_f64 c_, "
        "Py_ssize_t n_) noexcept nogil:\n"
        f"    cdef Py_ssize_t i_\n    cdef double {local}\n    cdef double one_ = 1, zero_ = 0\n"
        f"{loads}"
        f"{textwrap.indent(last_text(variant.tables), ' ' * 4)}"
        "    for i_ in range(n_):\n        t = t_[i_]\n"
        f"{textwrap.indent(body, ' ' * 8)}"
        f'KERNELS["{name}"] = <size_t><void*>{name}\n'
    )
