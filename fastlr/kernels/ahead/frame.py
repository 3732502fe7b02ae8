"""What all Cython text begins with, and the frame of a loop over elements."""

from __future__ import annotations

import itertools
import textwrap
from typing import Any

from ..language import cube_root
from ..loops.update import Loop, Rule, specialise

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


def describe(rule: Rule) -> dict[str, Any]:
    """Return digest, flags, and by their setting the key, state and coefficients of variants."""
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


def kernel_text(name: str, loop: Loop, dtype: str) -> str:
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
