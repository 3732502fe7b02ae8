"""What all text for Numba begins with, and the frame of a loop over elements."""

from __future__ import annotations

import textwrap

from ..language import cube_root
from ..loops.update import Loop, Rule

NOALIAS = """\
from numba.core.compiler import Compiler


class NoAlias(Compiler):
    def define_pipelines(self):
        self.state.flags.noalias = True
        return super().define_pipelines()


"""

TYPES = {"f32": "float32", "f64": "float64"}

HEAD = """\
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


def names_for(dtype: str) -> dict[str, str]:
    """Return what functions of the language are called; Numba knows the others by their names."""
    return {"cbrt": cube_root.python_name(dtype)}


def head(rule: Rule, dtype: str, body: str) -> str:
    """Return the top of a module for `body`, with the functions that it calls."""
    # Where the rule stands is left out: the text names the cached code, and a notebook cell that
    # runs again is another file.
    roots = [d for d in TYPES if cube_root.python_name(d) in body]
    return HEAD.format(rule=rule.name, dtype=dtype) + "\n".join(map(cube_root.python_text, roots))


def loop_text(loop: Loop) -> str:
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
        NOALIAS + f"@njit(types.void({signature}), error_model='numpy', cache=CACHE, "
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
