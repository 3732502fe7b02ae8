"""The language's cube root, in the words of each compiler, with the same bits from all of them.

Libraries have one, but not with vectors, and each rounds in its own way. This one takes a guess of
``r = 1 / cbrt(w)`` from the bits of the number: read as an integer, these are nearly its logarithm,
and a constant less a third of them is that of r. It is 3.5 % off at most, so ``e = 1 - w r^3`` lies
between -0.105 and 0.102. In single precision a polynomial in e, with the smallest largest error
over that range (1.9e-8), turns ``w r^2`` into the root. In double precision another one makes r
good to 1e-7 before, and the first terms of a series do the rest.

There is no division, nothing overflows on the way, and the result is within two units in the last
place. Zeros, infinities and signs are kept. Below the smallest normal number the result is too
small.

This file imports nothing outside the standard library: `setup.py` loads it.
"""

from __future__ import annotations

from typing import Any

# What a third of the bits is taken from: in double precision, in the upper 32 of them.
STARTS = {"f32": 0x54A21000, "f64": 0x553EEC00}
# ((1 - e)^(-1/3) - 1) / e, to renew r; only double precision needs it.
RENEW: dict[str, tuple[float, ...]] = {
    "f32": (),
    "f64": (0.3333289172406829, 0.22221988903183604, 0.17450618011040378, 0.14514384520887727),
}
# ((1 - e)^(-2/3) - 1) / e
FINISH = {
    "f32": (
        0.6666666740845629,
        0.5555359342714942,
        0.49381643015762994,
        0.45862966183546333,
        0.4267299772620487,
    ),
    "f64": (2 / 3, 5 / 9),
}

_C = {
    "f32": """\
static inline float fastlr_cbrt_f32(float x)
{{
    uint32_t bits, sign;
    float w, r, y, e;
    memcpy(&bits, &x, 4);
    sign = bits & 0x80000000u;
    bits ^= sign;
    memcpy(&w, &bits, 4);
    bits = {start} - (int32_t)((float)(int32_t)bits * {third}f);
    memcpy(&r, &bits, 4);
    y = w * (r * r);
    e = 1 - y * r;
    y = y + y * (e * ({finish}));
    memcpy(&bits, &y, 4);
    bits |= sign;
    memcpy(&y, &bits, 4);
    return w <= FLT_MAX ? y : x;
}}
""",
    "f64": """\
static inline double fastlr_cbrt_f64(double x)
{{
    uint64_t bits, sign;
    double w, r, y, e;
    memcpy(&bits, &x, 8);
    sign = bits & 0x8000000000000000u;
    bits ^= sign;
    memcpy(&w, &bits, 8);
    bits = ({start}u - (((bits >> 32) * 0x55555556u) >> 32)) << 32;
    memcpy(&r, &bits, 8);
    e = 1 - w * (r * r) * r;
    r = r + r * (e * ({renew}));
    y = w * (r * r);
    e = 1 - y * r;
    y = y + y * (e * ({finish}));
    memcpy(&bits, &y, 8);
    bits |= sign;
    memcpy(&y, &bits, 8);
    return w <= DBL_MAX ? y : x;
}}
""",
}

_PYTHON = {
    "f32": """\
@njit(error_model="numpy")
def {name}(x):
    one, largest = np.float32(1), np.float32(3.4028234663852886e38)
    bits = np.float32(x).view(np.uint32)
    sign = np.uint32(bits & np.uint32(0x80000000))
    bits = np.uint32(bits ^ sign)
    w = bits.view(np.float32)
    third = np.int32(np.float32(np.int32(bits)) * np.float32({third}))
    r = np.int32(np.int32({start}) - third).view(np.float32)
    y = w * (r * r)
    e = one - y * r
    y = y + y * (e * ({finish}))
    y = np.uint32(np.float32(y).view(np.uint32) | sign).view(np.float32)
    return y if w <= largest else x


""",
    "f64": """\
@njit(error_model="numpy")
def {name}(x):
    one, largest = np.float64(1), np.float64(1.7976931348623157e308)
    word = np.uint64(32)
    bits = np.float64(x).view(np.uint64)
    sign = np.uint64(bits & np.uint64(0x8000000000000000))
    bits = np.uint64(bits ^ sign)
    w = bits.view(np.float64)
    third = (bits >> word) * np.uint64(0x55555556) >> word
    r = np.uint64(np.uint64({start}) - third << word).view(np.float64)
    e = one - w * (r * r) * r
    r = r + r * (e * ({renew}))
    y = w * (r * r)
    e = one - y * r
    y = y + y * (e * ({finish}))
    y = np.uint64(np.float64(y).view(np.uint64) | sign).view(np.float64)
    return y if w <= largest else x


""",
}


def c_text() -> str:
    """Return two C functions, ``fastlr_cbrt_f32`` and ``fastlr_cbrt_f64``."""
    head = "#include <float.h>\n#include <stdint.h>\n#include <string.h>\n"
    return head + "".join(
        _C[dtype].format(
            start=STARTS[dtype],
            third=repr(1 / 3),
            renew=_horner(RENEW[dtype], "{!r}" + suffix),
            finish=_horner(FINISH[dtype], "{!r}" + suffix),
        )
        for dtype, suffix in (("f32", "f"), ("f64", ""))
    )


def python_name(dtype: str) -> str:
    """Return how Numba's texts call it; no name of a rule ends in an underscore."""
    return f"cbrt_{dtype}_"


def python_text(dtype: str) -> str:
    """Return the same for Numba, to stand where `njit` and `np` are known."""
    kind = {"f32": "float32", "f64": "float64"}[dtype]
    return _PYTHON[dtype].format(
        name=python_name(dtype),
        start=STARTS[dtype],
        third=repr(1 / 3),
        renew=_horner(RENEW[dtype], f"np.{kind}({{!r}})"),
        finish=_horner(FINISH[dtype], f"np.{kind}({{!r}})"),
    )


def plain_function(dtype: str) -> Any:
    """Return the function as Python runs it, for NumPy's scalars: the simulator needs it."""
    import numpy as np

    scope: dict[str, Any] = {"np": np, "njit": lambda **_: lambda function: function}
    exec(python_text(dtype), scope)
    return scope[python_name(dtype)]


def _horner(coefficients: tuple[float, ...], spelling: str) -> str:
    """Return a polynomial in e, lowest coefficient first, as an expression."""
    if not coefficients:
        return ""
    first, *rest = coefficients
    head = spelling.format(first)
    return f"{head} + e * ({_horner(tuple(rest), spelling)})" if rest else head
