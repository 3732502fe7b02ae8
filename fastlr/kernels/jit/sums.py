"""The Numba frames of a rule's sums, which come before its update."""

from __future__ import annotations

import textwrap
from typing import Any

from ..loops.sums import adapt_body, adapt_name, measure_loop, measure_name
from ..loops.update import Rule, Variant, specialise
from .frame import NOALIAS, TYPES, head, names_for
from .source_cache import load_source


def summing_kernels(rule: Rule, flags: dict[str, bool], dtype: str) -> tuple[Any, Any]:
    """Compile the sums of a rule, or take them from the cache."""
    variant = specialise(rule, flags)
    measure = load_source(measure_name(variant, dtype), _measure_text(variant, dtype))
    adapt = load_source(adapt_name(variant, dtype), _adapt_text(variant, dtype))
    return measure.entry, adapt.entry


def _measure_text(variant: Variant, dtype: str) -> str:
    """Return a module that adds each element's share of the sums to 16 running sums for each."""
    loop = measure_loop(variant, names_for(dtype), names_for("f64"))
    arrays = ["p", "g", *loop.arrays]
    count = len(loop.shares)
    parameters = [f"lane{k}_" for k in range(count)] + [f"{a}_at_" for a in arrays]
    parameters += loop.scalars
    kinds = ["types.float64[::1]"] * count + ["array"] * len(arrays)
    kinds += ["scalar"] * len(loop.scalars)
    passed = [f"lanes[{16 * k} : {16 * (k + 1)}]" for k in range(count)]
    passed += ["carray(p, n)", "carray(g, n)"]
    passed += [f"carray(s[{k}], n)" for k in loop.arrays.values()]
    passed += [f"c[{k}]" for k in range(len(loop.scalars))]
    return (
        head(variant.rule, TYPES[dtype], loop.at("", ""))
        + NOALIAS
        + f"@njit(types.void({', '.join(kinds)}), error_model='numpy', cache=CACHE, "
        "pipeline_class=NoAlias)\n"
        f"def loop({', '.join(parameters)}):\n"
        "    whole_ = p_at_.size - p_at_.size % 16\n"
        "    for i_ in range(0, whole_, 16):\n"
        "        for j_ in range(16):\n"
        f"{textwrap.indent(loop.at('i_ + j_', 'j_'), ' ' * 12)}"
        "    for i_ in range(whole_, p_at_.size):\n"
        f"{textwrap.indent(loop.at('i_', 'i_ - whole_'), ' ' * 8)}\n\n"
        "pointer = types.CPointer(scalar)\n\n\n"
        "@cfunc(types.void(types.CPointer(types.float64), pointer, pointer, "
        "types.CPointer(pointer), pointer, types.intp), error_model='numpy', cache=CACHE)\n"
        "def entry(out, p, g, s, c, n):\n"
        f"    lanes = carray(out, {16 * count})\n"
        "    lanes[:] = 0\n"
        f"    loop({', '.join(passed)})\n"
    )


def _adapt_text(variant: Variant, dtype: str) -> str:
    """Return a module with the function that renews scalars and the tail of a coefficient row."""
    body = adapt_body(variant, names_for("f64"))
    given = [f"{n} = sums_[{k}]" for k, n in enumerate(body.sums)]
    given += [f"{n} = scalars_[{k}]" for k, n in enumerate(body.scalars)]
    given += [f"{n} = exact_[{k}]" for n, k in body.coefficients.items()]
    stores = [f"scalars_[{k}] = {n}" for k, n in enumerate(body.results[: len(body.scalars)])]
    stores += [f"c_[{k}] = narrow_({n})" for k, n in enumerate(body.results, body.tail)]
    lines = ["one_, zero_ = wide_(1), wide_(0)", *given, body.body, *stores]
    return (
        head(variant.rule, TYPES[dtype], body.body)
        + "doubles = types.CPointer(types.float64)\n\n\n"
        "@cfunc(types.void(doubles, doubles, doubles, types.CPointer(scalar)), "
        "error_model='numpy', cache=CACHE)\n"
        "def entry(sums_, exact_, scalars_, c_):\n"
        + textwrap.indent("\n".join(lines) + "\n", " " * 4)
    )
