"""The CUDA frame: a rule becomes the text of a kernel, one thread for each element.

One launch serves any number of arrays. Each is cut into pieces of one block, and tables in
device memory say which piece a block has and where its array lies; the kernel takes addresses
only, so that a launch costs the same for one array and for a thousand. Like the other frames
this one needs nothing but the emitter: the text can be written, and tested, without CUDA.
"""

from __future__ import annotations

import ast
import textwrap

from .emit import Rule, Variant, fused_loop, kernel_name
from .emit_finish import Finish, joined

DTYPES = {"f32": "float32", "f64": "float64"}

# Rows of the table of arrays, which has a column for each array: number of elements, the first
# block that works on it, offset of its group's coefficients within a step's; then addresses,
# of the parameter and of its state.
SIZE, FIRST_BLOCK, ROW_OFFSET, ADDRESSES = range(4)

_HEAD = """\
# Written by fastlr from the rule {rule} ({file}:{line}).
import numpy as np
from numba import cuda

from fastlr.kernels.numba_cuda import (
    cbrt, cos, exp, floor, index_, load_, log, mul_, pow, sqrt, store_
)

one_, zero_ = np.{dtype}(1), np.{dtype}(0)


@cuda.jit
"""

_FIND_ELEMENT = f"""\
array_ = index_(blocks_, cuda.blockIdx.x)
first_ = index_(table_, {FIRST_BLOCK} * arrays_ + array_)
i_ = (cuda.blockIdx.x - first_) * cuda.blockDim.x + cuda.threadIdx.x
if i_ >= index_(table_, {SIZE} * arrays_ + array_):
    return
row_ = rows_ + index_(table_, {ROW_OFFSET} * arrays_ + array_)
"""


def update_source(
    variant: Variant, average: bool, dtype: str, finish: Finish | None = None
) -> tuple[str, str]:
    """Return name and module text of an update kernel.

    Parameters
    ----------
    variant : Variant
        The rule, specialised.
    average : bool
        Keep a running average in one more array.
    dtype : {"f32", "f64"}
        Precision.
    finish : Finish, optional
        Modifiers that follow the rule, the average among them.

    Returns
    -------
    name, text : str
        The text defines ``entry(blocks, table, grads, rows, scale, arrays)``, all int64:
        addresses of the number of the array that each block works on, of the table of arrays,
        of the gradients' addresses, of the step's coefficients and of a factor on the gradient
        that was computed on the device; then the number of arrays.
    """
    name = kernel_name(variant, average, dtype)
    loop = fused_loop(variant, average and finish is None, {})
    if finish is not None:
        name, loop = f"{name}_{finish.key}", joined(loop, finish)
    lines = _FIND_ELEMENT
    for scalar, k in loop.used.items():
        lines += f"{scalar} = load_(row_, {k}, zero_)\n"
    lines += "gscale_ = mul_(gscale_, load_(scale_, 0, zero_))\n"
    # No name of the frame ends in `_at_`, and no name of a rule in an underscore.
    for k, array in enumerate(("p", *loop.arrays)):
        lines += f"{array}_at_ = index_(table_, {ADDRESSES + k} * arrays_ + array_)\n"
        lines += f"{array} = load_({array}_at_, i_, zero_)\n"
    lines += "g = load_(index_(grads_, array_), i_, zero_)\n"
    lines += _without_contraction(loop.body)
    lines += "".join(f"store_({a}_at_, i_, {a})\n" for a in loop.written)
    return name, (
        _head(variant.rule, dtype)
        + "def entry(blocks_, table_, grads_, rows_, scale_, arrays_):\n"
        + textwrap.indent(lines, "    ")
    )


def schedule_source(variant: Variant) -> tuple[str, str]:
    """Return name and module text of a schedule's kernel, in double precision.

    Parameters
    ----------
    variant : Variant
        The rule of time, specialised.

    Returns
    -------
    name, text : str
        The text defines ``entry(out, t, c, n)``: addresses of results, times and
        coefficients, and how many times there are.
    """
    lines = "i_ = cuda.grid(1)\nif i_ >= n_:\n    return\n"
    lines += "".join(f"{s} = load_(c_, {k}, zero_)\n" for k, s in enumerate(variant.coefficients))
    lines += "t = load_(t_, i_, zero_)\n"
    lines += _without_contraction(variant.text() + f"t = {variant.result('t')}\n")
    lines += "store_(out_, i_, t)\n"
    return variant.key, (
        _head(variant.rule, "f64")
        + "def entry(out_, t_, c_, n_):\n"
        + textwrap.indent(lines, "    ")
    )


def _head(rule: Rule, dtype: str) -> str:
    return _HEAD.format(rule=rule.name, file=rule.file, line=rule.line, dtype=DTYPES[dtype])


class _CallMultiply(ast.NodeTransformer):
    """Writes every product as a call of `mul_`.

    NVVM fuses a product and a sum into one instruction that rounds once, and Numba passes it
    no option against that. A product whose rounding is spelled out stays by itself, which
    gives the bits of the CPU; a kernel that waits for memory does not feel it.
    """

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Mult):
            return node
        return ast.Call(ast.Name("mul_", ast.Load()), [node.left, node.right], [])


def _without_contraction(text: str) -> str:
    tree = _CallMultiply().visit(ast.parse(text))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
