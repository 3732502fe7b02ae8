"""Kernels that sum over elements, as text: norms, the sums of a rule, the count of the cautious.

Each sum takes two launches. The first cuts the arrays into chunks, one block for each, and leaves
a partial sum of every chunk; the second has one block for each set of arrays that are summed
together, adds their partial sums, and works out what follows from the total. Both add in double
precision, whatever the arrays hold, and which thread adds what, in which order, depends on the
arrays alone: the sums are the same on every device and in every run.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from ..loops.finish import agreeing
from ..loops.sums import adapt_body, adapt_name, measure_loop, measure_name
from ..loops.update import Variant, fused_loop, kernel_name, used_scalars
from .update import (
    ADDRESSES,
    OWN_MASK,
    OWN_SCALE,
    OWN_TAIL,
    SIZE,
    element_of,
    load_array,
    load_scalars,
    module,
    origin,
    own_width,
    without_contraction,
)

_PARTIALS = "partial_, chunks_, n_chunks_, table_, grads_, rows_, own_, arrays_"
_FIND_CHUNK = """\
shared_ = cuda.shared.array(THREADS, float64)
thread_ = cuda.threadIdx.x
chunk_ = cuda.blockIdx.x
array_ = index_(chunks_, chunk_)
i_ = index_(chunks_, n_chunks_ + chunk_) + thread_
stop_ = index_(chunks_, 2 * n_chunks_ + chunk_)
"""

_TOTALS = "partial_, n_chunks_, members_, firsts_, sets_, table_, arrays_, own_, kept_, given_"
_FIND_SET = """\
shared_ = cuda.shared.array(THREADS, float64)
thread_ = cuda.threadIdx.x
set_ = cuda.blockIdx.x
count_ = cuda.gridDim.x
from_ = index_(sets_, set_)
to_ = index_(sets_, count_ + set_)
row_ = index_(sets_, 2 * count_ + set_)
first_ = index_(firsts_, from_)
last_ = index_(firsts_, to_)
"""

# Every thread has a number; they are added two by two, always the same two. A loop of the
# kernel, not a function: Numba compiles one that a kernel calls only where there is a GPU.
_TREE = """\
shared_[thread_] = {name}
cuda.syncthreads()
half_ = THREADS >> 1
while half_ > 0:
    if thread_ < half_:
        shared_[thread_] += shared_[thread_ + half_]
    cuda.syncthreads()
    half_ >>= 1
"""


def squares_source(dtype: str) -> tuple[str, str]:
    """Return name and text of the kernel that sums the squares of gradients."""
    return _gradients_source(f"squares_{dtype}", dtype, "wide_(g) * wide_(g)")


def zeros_source(dtype: str, squares: bool) -> tuple[str, str]:
    """Return the same for products with zero: no sum is 0 that a number not finite is part of."""
    if squares:
        return _gradients_source(f"zeros_of_squares_{dtype}", dtype, "wide_(g * g) * wide_(0)")
    return _gradients_source(f"zeros_{dtype}", dtype, "wide_(g) * wide_(0)")


def measure_source(variant: Variant, dtype: str) -> tuple[str, str]:
    """Return the same for the sums that a rule asks for, one after the other in memory."""
    loop = measure_loop(variant, {}, {})
    text = loop.body + "\n".join(loop.shares)
    return measure_name(variant, dtype), module(
        origin(variant.rule),
        dtype,
        _PARTIALS,
        _partial_sums(
            load_scalars(variant, used_scalars(loop.scalars, text)),
            {"p": 0, **{name: k + 1 for name, k in loop.arrays.items()}},
            loop.body,
            loop.shares,
        ),
    )


def agreeing_source(variant: Variant, dtype: str) -> tuple[str, str]:
    """Return the same for a count of the elements in which a cautious step keeps its move."""
    loop, test = agreeing(fused_loop(variant, False, {}))
    return f"{kernel_name(variant, False, dtype)}_agreeing", module(
        origin(variant.rule),
        dtype,
        _PARTIALS,
        _partial_sums(
            load_scalars(variant, loop.used),
            {name: k for k, name in enumerate(("p", *loop.arrays))},
            loop.body,
            [f"wide_(1) if {test} else wide_(0)"],
        ),
    )


def norm_source(dtype: str, width: int, clips: bool) -> tuple[str, str]:
    """Return name and text of the kernel that ends a norm: totals, and the scale of clipping."""
    results = {}
    lines = "if thread_ == 0:\n    store_(kept_, set_, square_)\n"
    if clips:
        lines += (
            "root_, bound_ = sqrt(square_), load_(given_, 0, wide_(0))\n"
            "least_ = wide_(1e-6) * (bound_ if bound_ < wide_(1) else wide_(1))\n"
            "scale_ = wide_(1) if root_ <= bound_ else bound_ / (root_ + least_)\n"
        )
        results = {OWN_SCALE: "scale_"}
    name = f"norm_{'clips' if clips else 'only'}_{width}_{dtype}"
    text = _set_sums("", ["square_"], lines + _tell_members(results, width))
    return name, module("nothing but norms", dtype, _TOTALS, text)


def adapt_source(variant: Variant, dtype: str) -> tuple[str, str]:
    """Return name and module text of the kernel of a rule that adapts to its sums.

    The device keeps the rule's scalars for each set; the host gives the coefficients of the step
    in double precision.
    """
    body = adapt_body(variant, {})
    count = len(body.scalars)
    # Every thread computes it all, which is quicker than sharing the result. What thread 0
    # writes the others have read by then: sums make them wait.
    before = "one_, zero_ = wide_(1), wide_(0)\n" + "".join(
        f"{n} = load_(kept_, {count} * set_ + {k}, wide_(0))\n" for k, n in enumerate(body.scalars)
    )
    before += "".join(
        f"{n} = load_(given_, row_ + {k}, wide_(0))\n" for n, k in body.coefficients.items()
    )
    lines = body.body
    if count:
        lines += "if thread_ == 0:\n" + "".join(
            f"    store_(kept_, {count} * set_ + {k}, wide_({n}))\n"
            for k, n in enumerate(body.results[:count])
        )
    lines += _tell_members(
        {OWN_TAIL + k: name for k, name in enumerate(body.results)}, own_width(variant)
    )
    return adapt_name(variant, dtype), module(
        origin(variant.rule), dtype, _TOTALS, _set_sums(before, body.sums, lines)
    )


def mask_source(dtype: str, width: int) -> tuple[str, str]:
    """Return the same for cautious steps: each array is a set, and its moves are scaled up."""
    lines = (
        f"size_ = index_(table_, {SIZE} * arrays_ + index_(members_, from_))\n"
        "share_ = kept_moves_ / wide_(size_ if size_ > 0 else 1)\n"
        "mask_ = wide_(1) / (share_ if share_ > wide_(1e-3) else wide_(1e-3))\n"
    )
    text = _set_sums("", ["kept_moves_"], lines + _tell_members({OWN_MASK: "mask_"}, width))
    return f"mask_{width}_{dtype}", module("nothing but counts", dtype, _TOTALS, text)


def _gradients_source(name: str, dtype: str, share: str) -> tuple[str, str]:
    text = _partial_sums("", {}, "", [share])
    return name, module("nothing but gradients", dtype, _PARTIALS, text)


def _partial_sums(scalars: str, arrays: Mapping[str, int], body: str, shares: Sequence[str]) -> str:
    """Return the body of a kernel that sums shares over the elements of a chunk."""
    totals = [f"total{k}_" for k in range(len(shares))]
    step = element_of(tuple(arrays)) + without_contraction(body)
    step += "".join(f"{total} += {s}\n" for total, s in zip(totals, shares, strict=True))
    return (
        _FIND_CHUNK
        + scalars
        + "".join(load_array(name, ADDRESSES + k) for name, k in arrays.items())
        + "".join(f"{total} = wide_(0)\n" for total in totals)
        + "while i_ < stop_:\n"
        + textwrap.indent(step + "i_ += THREADS\n", "    ")
        + "cuda.syncthreads()\n".join(
            _TREE.format(name=total)
            + f"if thread_ == 0:\n    store_(partial_, {k} * n_chunks_ + chunk_, shared_[0])\n"
            for k, total in enumerate(totals)
        )
    )


def _set_sums(before: str, sums: Sequence[str], after: str) -> str:
    """Return the body of a kernel that adds the partial sums of a set and goes on from there."""
    text = _FIND_SET + before
    for k, name in enumerate(sums):
        text += (
            f"{name} = wide_(0)\n"
            "at_ = first_ + thread_\n"
            "while at_ < last_:\n"
            f"    {name} += load_(partial_, {k} * n_chunks_ + at_, wide_(0))\n"
            "    at_ += THREADS\n" + _TREE.format(name=name) + f"{name} = shared_[0]\n"
            "cuda.syncthreads()\n"
        )
    return text + after


def _tell_members(results: Mapping[int, str], width: int) -> str:
    """Return statements that write numbers where the arrays of a set look for them."""
    if not results:
        return ""
    stores = "".join(
        f"    store_(own_, {width} * index_(members_, member_) + {k}, narrow_({name}))\n"
        for k, name in results.items()
    )
    return f"member_ = from_ + thread_\nwhile member_ < to_:\n{stores}    member_ += THREADS\n"
