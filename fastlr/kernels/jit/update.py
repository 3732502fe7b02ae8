"""The Numba frame for the CPU: a rule becomes a C function pointer at run time.

It serves rules that are not compiled ahead of time (a user's own), and every rule where no
compiler was there at install time. The pointer has the signature of the Cython kernels, so
whatever calls one can call the other, without Python in between.
"""

from __future__ import annotations

import textwrap
from typing import Any

from ..language import cube_root
from ..language.tables import ENTRY, last_text, passed_text
from ..loops.finish import count_loop, finish_loop
from ..loops.finish_parts import Finish, count_name, finish_name
from ..loops.sums import adapt_body, adapt_name, measure_loop, measure_name
from ..loops.update import Loop, Rule, Variant, fused_loop, kernel_name, specialise
from .source_cache import load_source

_NOALIAS = """\
from numba.core.compiler import Compiler


class NoAlias(Compiler):
    def define_pipelines(self):
        self.state.flags.noalias = True
        return super().define_pipelines()


"""

_ENTRY = f"""\
@njit(error_model="numpy")
def {ENTRY}(c, k):
    return c[int(k)]


"""

_TYPES = {"f32": "float32", "f64": "float64"}

_HEAD = """\
# Written by fastlr from the rule {rule}.
from math import cos, exp, log, pow, sqrt

import numpy as np
from numba import carray, cfunc, njit, types
from numpy import floor  # math's returns an integer, and pow of an integer has other bits
one_, zero_ = np.{dtype}(1), np.{dtype}(0)
wide_, narrow_ = np.float64, np.{dtype}
scalar = types.{dtype}
array = scalar[::1]

"""


def update_kernel(rule: Rule, flags: dict[str, bool], average: bool, dtype: str) -> Any:
    """Compile an update kernel, or take it from the cache.

    Parameters
    ----------
    rule : Rule
        Parsed rule.
    flags : dict of str to bool
        Its switches.
    average : bool
        Keep a running average in one more array.
    dtype : {"f32", "f64"}
        Precision.

    Returns
    -------
    cfunc
        Numba's function object; its ``address`` lives as long as it does.
    """
    variant = specialise(rule, flags)
    return load_source(
        kernel_name(variant, average, dtype), _update_text(variant, average, dtype)
    ).entry


def finish_kernel(finish: Finish, dtype: str) -> Any:
    """Compile the loop that follows a rule's, or take it from the cache.

    Parameters
    ----------
    finish : Finish
        What it does.
    dtype : {"f32", "f64"}
        Precision.

    Returns
    -------
    cfunc
        Numba's function object, of the signature of an update kernel.
    """
    head = _HEAD.format(rule=finish.key, dtype=_TYPES[dtype])
    text = head + _loop_text(finish_loop(finish))
    return load_source(finish_name(finish, dtype), text).entry


def count_kernel(dtype: str) -> Any:
    """Compile the loop that counts where rule and gradient agree, or take it from the cache.

    Parameters
    ----------
    dtype : {"f32", "f64"}
        Precision.

    Returns
    -------
    cfunc
        Numba's function object; it takes what an update kernel takes, and returns the count.
    """
    loop = count_loop()
    given = [f"{name} = c[{k}]" for name, k in loop.used.items()]
    lines = [*given, "before_at_ = s[0]", "count_ = 0", "for i_ in range(n):"]
    loads = "p = p_at_[i_]\ng = g_at_[i_]\nbefore_ = before_at_[i_]\n"
    text = (
        _HEAD.format(rule=count_name(dtype), dtype=_TYPES[dtype])
        + "pointer = types.CPointer(scalar)\n\n\n"
        "@cfunc(types.intp(pointer, pointer, types.CPointer(pointer), pointer, types.intp), "
        "error_model='numpy', cache=CACHE)\n"
        "def entry(p_at_, g_at_, s, c, n):\n"
        + textwrap.indent("\n".join(lines) + "\n", " " * 4)
        + textwrap.indent(loads + loop.body, " " * 8)
        + "    return count_\n"
    )
    return load_source(count_name(dtype), text).entry


def summing_kernels(rule: Rule, flags: dict[str, bool], dtype: str) -> tuple[Any, Any]:
    """Compile what a rule with sums has besides its update, or take it from the cache.

    Parameters
    ----------
    rule : Rule
        Parsed rule with sums.
    flags : dict of str to bool
        Its switches.
    dtype : {"f32", "f64"}
        Precision of the arrays.

    Returns
    -------
    measure, adapt : cfunc
        Numba's function objects; their ``address`` lives as long as they do.
    """
    variant = specialise(rule, flags)
    measure = load_source(measure_name(variant, dtype), _measure_text(variant, dtype))
    adapt = load_source(adapt_name(variant, dtype), _adapt_text(variant, dtype))
    return measure.entry, adapt.entry


def schedule_kernel(rule: Rule) -> Any:
    """Compile a schedule rule: ``void(double *out, const double *t, const double *c, n)``.

    Parameters
    ----------
    rule : Rule
        Parsed rule of time.

    Returns
    -------
    cfunc
        Numba's function object; its ``address`` lives as long as it does.
    """
    variant = specialise(rule, {})
    return load_source(variant.key, _schedule_text(variant)).entry


def _names(dtype: str) -> dict[str, str]:
    """Return what functions of the language are called; Numba knows the others by their names."""
    return {"cbrt": cube_root.python_name(dtype)}


def _head(rule: Rule, dtype: str, body: str) -> str:
    """Return the top of a module for `body`, with the functions that it calls."""
    # Where the rule stands is left out: the text names the cached code, and a notebook cell that
    # runs again is another file.
    roots = [d for d in _TYPES if cube_root.python_name(d) in body]
    return _HEAD.format(rule=rule.name, dtype=dtype) + "\n".join(map(cube_root.python_text, roots))


def _update_text(variant: Variant, average: bool, dtype: str) -> str:
    """Return the module of an update kernel."""
    loop = fused_loop(variant, average, _names(dtype))
    return _head(variant.rule, _TYPES[dtype], loop.body) + _loop_text(loop)


def _loop_text(loop: Loop) -> str:
    """Return a typed inner loop and the entry that unpacks pointers for it.

    `NoAlias` declares that the arrays do not overlap (the updater has checked it): LLVM checks
    only a few pairs of pointers at run time, and leaves loops over more arrays scalar.
    `error_model="numpy"` drops the test for division by zero, which would keep the loop scalar.
    """
    arrays = ["p", "g", *loop.arrays]
    loads = "".join(f"{a} = {a}_at_[i_]\n" for a in arrays)
    stores = "".join(f"{a}_at_[i_] = {a}\n" for a in loop.written)
    parameters = [f"{a}_at_" for a in arrays] + list(loop.used)
    signature = ", ".join(["array"] * len(arrays) + ["scalar"] * len(loop.used))
    passed = ["carray(p, n)", "carray(g, n)"]
    passed += [f"carray(s[{k}], n)" for k in range(len(loop.arrays))]
    passed += [f"c[{k}]" for k in loop.used.values()]
    return (
        _NOALIAS + f"@njit(types.void({signature}), error_model='numpy', cache=CACHE, "
        "pipeline_class=NoAlias)\n"
        f"def loop({', '.join(parameters)}):\n"
        "    for i_ in range(p_at_.size):\n"
        f"{textwrap.indent(loads + loop.body + stores, ' ' * 8)}\n\n"
        "pointer = types.CPointer(scalar)\n\n\n"
        "@cfunc(types.void(pointer, pointer, types.CPointer(pointer), pointer, types.intp), "
        "error_model='numpy', cache=CACHE)\n"
        "def entry(p, g, s, c, n):\n"
        f"    loop({', '.join(passed)})\n"
    )


def _measure_text(variant: Variant, dtype: str) -> str:
    """Return a module that adds each element's share of the sums to 16 running sums for each."""
    loop = measure_loop(variant, _names(dtype), _names("f64"))
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
        _head(variant.rule, _TYPES[dtype], loop.at("", ""))
        + _NOALIAS
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
    body = adapt_body(variant, _names("f64"))
    given = [f"{n} = sums_[{k}]" for k, n in enumerate(body.sums)]
    given += [f"{n} = scalars_[{k}]" for k, n in enumerate(body.scalars)]
    given += [f"{n} = exact_[{k}]" for n, k in body.coefficients.items()]
    stores = [f"scalars_[{k}] = {n}" for k, n in enumerate(body.results[: len(body.scalars)])]
    stores += [f"c_[{k}] = narrow_({n})" for k, n in enumerate(body.results, body.tail)]
    lines = ["one_, zero_ = wide_(1), wide_(0)", *given, body.body, *stores]
    return (
        _head(variant.rule, _TYPES[dtype], body.body)
        + "doubles = types.CPointer(types.float64)\n\n\n"
        "@cfunc(types.void(doubles, doubles, doubles, types.CPointer(scalar)), "
        "error_model='numpy', cache=CACHE)\n"
        "def entry(sums_, exact_, scalars_, c_):\n"
        + textwrap.indent("\n".join(lines) + "\n", " " * 4)
    )


def _schedule_text(variant: Variant) -> str:
    loads = "".join(f"    {name} = c_[{k}]\n" for k, name in enumerate(variant.coefficients))
    names = _names("f64")
    tables = variant.tables
    body = variant.text(names) + f"out_[i_] = {variant.result('t', names)}\n"
    body = "t = t_[i_]\n" + passed_text(tables, body) + body
    return (
        _head(variant.rule, "float64", body)
        + (_ENTRY if tables else "")
        + "pointer = types.CPointer(scalar)\n\n\n"
        "@cfunc(types.void(pointer, pointer, pointer, types.intp), "
        "error_model='numpy', cache=CACHE)\n"
        "def entry(out_, t_, c_, n_):\n"
        f"{loads}"
        f"{textwrap.indent(last_text(tables), ' ' * 4)}"
        "    for i_ in range(n_):\n"
        f"{textwrap.indent(body, ' ' * 8)}"
    )
