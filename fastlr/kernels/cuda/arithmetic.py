"""Arithmetic of CUDA kernels as instructions of LLVM, where Numba's own may round otherwise."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from ..language import cube_root


def product(b: Any, left: Any, right: Any) -> Any:
    """Add a product that is rounded by itself, never fused with a sum."""
    real = left.type
    name = f"llvm.nvvm.mul.rn.{'f' if isinstance(real, ir.FloatType) else 'd'}"
    function = b.module.globals.get(name) or ir.Function(
        b.module, ir.FunctionType(real, [real, real]), name
    )
    return b.call(function, [left, right])


def cube_root_of(b: Any, x: Any) -> Any:
    """Write out what `cube_root` says, for a kernel calls no function where there is no GPU."""
    real = x.type
    width = 32 if isinstance(real, ir.FloatType) else 64
    dtype, word = f"f{width}", ir.IntType(width)

    def mul(left: Any, right: Any) -> Any:
        return product(b, left, right)

    def series(coefficients: tuple[float, ...], e: Any) -> Any:
        first, *rest = coefficients
        tail = mul(e, series(tuple(rest), e)) if rest else None
        return b.fadd(real(first), tail) if rest else real(first)

    bits = b.bitcast(x, word)
    sign = b.and_(bits, word(1 << (width - 1)))
    bits = b.xor(bits, sign)
    w, start = b.bitcast(bits, real), word(cube_root.STARTS[dtype])
    if width == 32:
        guess = b.sub(start, b.fptosi(mul(b.sitofp(bits, real), real(1 / 3)), word))
    else:
        upper = b.mul(b.lshr(bits, word(32)), word(0x55555556))
        guess = b.shl(b.sub(start, b.lshr(upper, word(32))), word(32))
    r = b.bitcast(guess, real)
    if cube_root.RENEW[dtype]:
        e = b.fsub(real(1.0), mul(mul(w, mul(r, r)), r))
        r = b.fadd(r, mul(r, mul(e, series(cube_root.RENEW[dtype], e))))
    y = mul(w, mul(r, r))
    e = b.fsub(real(1.0), mul(y, r))
    y = b.fadd(y, mul(y, mul(e, series(cube_root.FINISH[dtype], e))))
    y = b.bitcast(b.or_(b.bitcast(y, word), sign), real)
    return b.select(b.fcmp_ordered("<", w, real(float("inf"))), y, x)
