"""The CUDA frame: a rule becomes the text of a kernel, one thread for each element.

One launch serves any number of arrays. Each is cut into pieces of one block, and tables in
device memory say which piece a block has and where its array lies; the kernel takes addresses
only, so that a launch costs the same for one array and for a thousand. Like the other frames
this one needs nothing but the emitter: the text can be written, and tested, without CUDA.
`cuda_sums` writes the kernels that sum over elements ahead of it, with the same tables.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping

from ..language.tables import last_text, passed_text
from ..language.terms import COMMON, Finish
from ..loops.finish import joined
from ..loops.update import Rule, Variant, fused_loop, kernel_name

DTYPES = {"f32": "float32", "f64": "float64"}

# Rows of the table of arrays, which has a column for each array: number of elements, the first
# block that works on it, which coefficient of a step is the first of its group's; then
# addresses, of the parameter and of its state.
SIZE, FIRST_BLOCK, ROW, ADDRESSES = range(4)

# What the device finds out itself it keeps in a row for each array: a factor on the gradient and
# the scale of a cautious step, both 1 until something sets them; then scalars and derived values.
OWN_SCALE, OWN_MASK, OWN_TAIL = range(3)

_HEAD = """\
# Written by fastlr from {origin}.
import numpy as np
from numba import cuda, float64

from fastlr.kernels.cuda.device import (
    THREADS, cbrt, cos, entry_, exp, floor, index_, load_, log, mul_, pow, sqrt, store_
)

one_, zero_ = np.{dtype}(1), np.{dtype}(0)
wide_, narrow_ = np.float64, np.{dtype}


@cuda.jit
"""

_FIND_ELEMENT = f"""\
array_ = index_(blocks_, cuda.blockIdx.x)
first_ = index_(table_, {FIRST_BLOCK} * arrays_ + array_)
i_ = (cuda.blockIdx.x - first_) * cuda.blockDim.x + cuda.threadIdx.x
if i_ >= index_(table_, {SIZE} * arrays_ + array_):
    return
"""


def update_source(
    variant: Variant, average: bool, dtype: str, finish: Finish | None = None
) -> tuple[str, str]:
    """Return name and module text of an update kernel."""
    name = kernel_name(variant, average, dtype)
    loop = fused_loop(variant, average and finish is None, {})
    if finish is not None:
        name, loop = f"{name}_{finish.key}", joined(loop, finish)
    lines = _FIND_ELEMENT + load_scalars(variant, loop.used)
    lines += "".join(load_array(a, ADDRESSES + k) for k, a in enumerate(("p", *loop.arrays)))
    lines += element_of(("p", *loop.arrays))
    lines += without_contraction(loop.body)
    lines += "".join(f"store_({a}_at_, i_, {a})\n" for a in loop.written)
    return name, module(
        origin(variant.rule), dtype, "blocks_, table_, grads_, rows_, own_, arrays_", lines
    )


def schedule_source(variant: Variant) -> tuple[str, str]:
    """Return name and module text of a schedule's kernel, always in double precision.

    A schedule is evaluated once a step, not once an element, so double precision costs nothing
    noticeable, and gives what the host gives. Single precision cannot count beyond 2**24 steps.
    """
    lines = "i_ = cuda.grid(1)\nif i_ >= n_:\n    return\n"
    lines += "".join(f"{s} = load_(c_, {k}, zero_)\n" for k, s in enumerate(variant.coefficients))
    lines += "t = load_(t_, i_, zero_)\n"
    body = variant.text() + f"t = {variant.result('t')}\n"
    body = last_text(variant.tables) + passed_text(variant.tables, body) + body
    lines += without_contraction(body)
    lines += "store_(out_, i_, t)\n"
    return variant.key, module(origin(variant.rule), "f64", "out_, t_, c_, n_", lines)


# Pieces that the frame of `cuda_sums` has in common. No name that they set ends in `_at_` but
# those of arrays, and no name of a rule ends in an underscore.


def origin(rule: Rule) -> str:
    """Return the comment at the head of a module that names its rule."""
    return f"the rule {rule.name} ({rule.file}:{rule.line})"


def module(source: str, dtype: str, parameters: str, body: str) -> str:
    """Return the text of a module with one kernel."""
    head = _HEAD.format(origin=source, dtype=DTYPES[dtype])
    return head + f"def entry({parameters}):\n" + textwrap.indent(body, "    ")


def load_scalars(variant: Variant, used: Mapping[str, int]) -> str:
    """Return statements that load the coefficients that a body reads."""
    from_host = len(COMMON) + len(variant.coefficients)
    own = {"mask_": OWN_MASK}
    own |= {name: OWN_TAIL + k - from_host for name, k in used.items() if k >= from_host}
    width = own_width(variant)
    lines = f"row_ = index_(table_, {ROW} * arrays_ + array_)\nown_row_ = {width} * array_\n"
    for name, k in used.items():
        given = f"own_, own_row_ + {own[name]}" if name in own else f"rows_, row_ + {k}"
        lines += f"{name} = load_({given}, zero_)\n"
    if "gscale_" in used:
        lines += f"gscale_ = mul_(gscale_, load_(own_, own_row_ + {OWN_SCALE}, zero_))\n"
    return lines


def own_width(variant: Variant) -> int:
    """Return how many numbers the device keeps for each array."""
    summing = variant.rule.summing
    return OWN_TAIL + (len(summing.row_tail) if summing else 0)


def load_array(name: str, row: int) -> str:
    """Return the statement that takes an array's address from a row of the table."""
    return f"{name}_at_ = index_(table_, {row} * arrays_ + array_)\n"


def element_of(arrays: tuple[str, ...]) -> str:
    """Return statements that load an element of the gradient and of other arrays."""
    lines = "".join(f"{a} = load_({a}_at_, i_, zero_)\n" for a in arrays)
    return lines + "g = load_(index_(grads_, array_), i_, zero_)\n"


class _CallMultiply(ast.NodeTransformer):
    """Writes every product as a call of `mul_`.

    NVVM fuses a product and a sum into one instruction that rounds once, and Numba cannot tell
    it not to. A product with explicit rounding is not fused, so it gives the bits of the CPU; a
    kernel that waits for memory is no slower.
    """

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Mult):
            return node
        return ast.Call(ast.Name("mul_", ast.Load()), [node.left, node.right], [])


def without_contraction(text: str) -> str:
    """Return statements whose products are rounded by themselves."""
    tree = _CallMultiply().visit(ast.parse(text))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
