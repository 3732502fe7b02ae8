"""The Numba frame of losses: a user's own loss as a C function pointer, made at run time.

It also serves every loss where no compiler was there at install time. The pointer has the
signature of the Cython kernels.
"""

from __future__ import annotations

import textwrap
from typing import Any

from ..loops.loss import Rule, loss_loop, loss_name
from .source_cache import load_source

_TYPES = {"f32": "float32", "f64": "float64"}

_TEXT = """\
# Written by fastlr from the rule {rule}.
from math import exp, expm1, log, log1p, sqrt, tanh

import numpy as np
from numba import carray, cfunc, types
one_, zero_ = np.{dtype}(1), np.{dtype}(0)
wide_ = np.float64
scalar = types.{dtype}
pointer = types.CPointer(scalar)


@cfunc(types.float64(pointer, pointer, pointer, pointer, types.intp),
       error_model='numpy', cache=CACHE)
def entry(z_, y_, w_, c_, n_):
    z_at_, y_at_, w_at_ = carray(z_, n_), carray(y_, n_), carray(w_, n_)
{loads}    lane_ = np.zeros(16)
    whole_ = n_ - n_ % 16
    for i_ in range(0, whole_, 16):
        for j_ in range(16):
{inner}    for i_ in range(whole_, n_):
{rest}    total_ = 0.0
    for j_ in range(16):
        total_ += lane_[j_]
    return total_
"""


def loss_kernel(rule: Rule, dtype: str) -> Any:
    """Compile the kernel of a loss, or take it from the cache."""
    loop = loss_loop(rule, {})
    text = _TEXT.format(
        rule=rule.name,
        dtype=_TYPES[dtype],
        loads="".join(f"    {s} = c_[{k}]\n" for k, s in enumerate(loop.scalars)),
        inner=textwrap.indent(loop.at("i_ + j_", "j_"), " " * 12),
        rest=textwrap.indent(loop.at("i_", "i_ - whole_"), " " * 8),
    )
    return load_source(loss_name(rule, dtype), text).entry
