"""The Cython frame: text for the ahead-of-time build.

`setup.py` calls `update_body` to write a `.pxi` file that three stubs include, one for each
instruction set. Only the standard library is imported: the build loads this file before the
package exists.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable
from typing import Any

from ..language import cube_root
from ..loops.finish import choices, count_loop, finish_loop
from ..loops.finish_parts import count_name, finish_name
from ..loops.sums import WIDEN, adapt_body, adapt_name, measure_loop, measure_name
from ..loops.update import (
    Loop,
    Rule,
    RuleError,
    Variant,
    fused_loop,
    kernel_name,
    specialise,
    variants,
)

DTYPES = {"f32": ("float", "f"), "f64": ("double", "")}

_HEADER = """\
# Written by setup.py from the rules in fastlr/{source}; do not edit.
cdef extern from *:
    '''
    #if defined(_MSC_VER)
    #define FASTLR_RESTRICT __restrict
    #else
    #define FASTLR_RESTRICT __restrict__
    #endif
    typedef float *FASTLR_RESTRICT fastlr_f32;
    typedef const float *FASTLR_RESTRICT fastlr_const_f32;
    typedef double *FASTLR_RESTRICT fastlr_f64;
    typedef const double *FASTLR_RESTRICT fastlr_const_f64;
{cube_root}    '''
    ctypedef float* fastlr_f32
    ctypedef const float* fastlr_const_f32
    ctypedef double* fastlr_f64
    ctypedef const double* fastlr_const_f64
    float fastlr_cbrt_f32(float) noexcept nogil
    double fastlr_cbrt_f64(double) noexcept nogil
cdef extern from "<math.h>" nogil:
    float sqrtf(float)
    float fabsf(float)
    float expf(float)
    float logf(float)
    double sqrt(double)
    double fabs(double)
    double exp(double)
    double log(double)
    double cos(double)
    double floor(double)
    double pow(double, double)
cdef inline double wide_(double x) noexcept nogil:
    return x

KERNELS = {{}}
RULES = {{}}
"""


def update_body(rules: Iterable[Rule]) -> str:
    """Return Cython text with a kernel for each rule, variant and precision."""
    parts = [header("optimizers")]
    made: dict[str, str] = {}
    for rule in rules:
        for variant in variants(rule):
            other = made.setdefault(variant.key, rule.name)
            if other != rule.name:
                raise RuleError(
                    f"{rule.file}:{rule.line}: {rule.name} and {other} would both make a kernel "
                    f"{variant.key!r}; rename the class or the flag"
                )
            for dtype in DTYPES:
                parts += [_update_kernel(variant, dtype, average) for average in (False, True)]
                if rule.summing:
                    parts += [_measure_kernel(variant, dtype), _adapt_kernel(variant, dtype)]
        parts.append(f"RULES[{rule.name!r}] = {describe(rule)!r}\n")
    for dtype in DTYPES:
        parts += [_kernel(finish_name(f, dtype), finish_loop(f), dtype) for f in choices()]
        parts.append(_count_kernel(dtype))
    return "\n".join(parts)


def describe(rule: Rule) -> dict[str, Any]:
    """Return what callers must know of a compiled rule without reading its source again.

    Parameters
    ----------
    rule : Rule
        A parsed rule.

    Returns
    -------
    dict
        ``digest`` of the source it was compiled from, ``flags``, and for each setting of the
        flags its variant: key, state arrays and coefficients, in the kernel's order.
    """
    choices = {}
    for setting in itertools.product((False, True), repeat=len(rule.flags)):
        v = specialise(rule, dict(zip(rule.flags, setting, strict=True)))
        choices[setting] = (v.key, v.state, v.coefficients)
    found = {"digest": rule.digest, "flags": rule.flags, "variants": choices}
    return found | ({"tables": v.tables} if v.tables else {})


def header(source: str) -> str:
    """Return the top of a Cython file of rules."""
    return _HEADER.format(source=source, cube_root=textwrap.indent(cube_root.c_text(), " " * 4))


def function_names(suffix: str) -> dict[str, str]:
    """Return what C calls the functions of the language, ``"f"`` for single precision."""
    names = {f: f + suffix for f in ("sqrt", "exp", "log")}
    root = "fastlr_cbrt_f32" if suffix else "fastlr_cbrt_f64"
    return names | {"abs": "fabs" + suffix, "cbrt": root}


def _update_kernel(variant: Variant, dtype: str, average: bool) -> str:
    """Return the kernel of a rule."""
    loop = fused_loop(variant, average, function_names(DTYPES[dtype][1]))
    return _kernel(kernel_name(variant, average, dtype), loop, dtype)


def _kernel(name: str, loop: Loop, dtype: str) -> str:
    """Return an inner loop over restrict pointers, and the entry with the common signature."""
    ctype, _ = DTYPES[dtype]
    arguments = [
        f"fastlr_{dtype} p_at_",
        f"fastlr_const_{dtype} g_at_",
        *(f"fastlr_{dtype} {a}_at_" for a in loop.arrays),
        *(f"{ctype} {s}" for s in loop.used),
        "Py_ssize_t n_",
    ]
    loads = "".join(f"{a} = {a}_at_[i_]\n" for a in ("p", "g", *loop.arrays))
    stores = "".join(f"{a}_at_[i_] = {a}\n" for a in loop.written)
    passed = [
        *("p", "g"),
        *(f"s[{k}]" for k in range(len(loop.arrays))),
        *(f"c[{k}]" for k in loop.used.values()),
        "n",
    ]
    return (
        f"cdef void {name}_loop({', '.join(arguments)}) noexcept nogil:\n"
        "    cdef Py_ssize_t i_\n"
        f"    cdef {ctype} {', '.join(loop.locals)}\n"
        f"    cdef {ctype} one_ = 1, zero_ = 0\n"
        "    for i_ in range(n_):\n"
        f"{textwrap.indent(loads + loop.body + stores, ' ' * 8)}\n"
        f"cdef void {name}({ctype} *p, const {ctype} *g, {ctype} **s, const {ctype} *c, "
        "Py_ssize_t n) noexcept nogil:\n"
        f"    {name}_loop({', '.join(passed)})\n"
        f'KERNELS["{name}"] = <size_t><void*>{name}\n'
    )


def _count_kernel(dtype: str) -> str:
    """Return the function that counts in how many elements rule and gradient agree."""
    ctype, _ = DTYPES[dtype]
    name, loop = count_name(dtype), count_loop()
    loads = "p = p_at_[i_]\ng = g_at_[i_]\nbefore_ = before_at_[i_]\n"
    given = "".join(f"    cdef {ctype} {s} = c[{k}]\n" for s, k in loop.used.items())
    return (
        f"cdef Py_ssize_t {name}(const {ctype} *p_at_, const {ctype} *g_at_, {ctype} **s, "
        f"const {ctype} *c, Py_ssize_t n_) noexcept nogil:\n"
        "    cdef Py_ssize_t i_, count_ = 0\n"
        f"    cdef const {ctype} *before_at_ = s[0]\n"
        f"    cdef {ctype} {', '.join(loop.locals)}\n"
        f"    cdef {ctype} one_ = 1, zero_ = 0\n"
        f"{given}"
        "    for i_ in range(n_):\n"
        f"{textwrap.indent(loads + loop.body, ' ' * 8)}"
        "    return count_\n"
        f'KERNELS["{name}"] = <size_t><void*>{name}\n'
    )


def _measure_kernel(variant: Variant, dtype: str) -> str:
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


def _adapt_kernel(variant: Variant, dtype: str) -> str:
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
