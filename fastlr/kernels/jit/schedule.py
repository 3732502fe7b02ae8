"""The Numba frame of schedules."""

from __future__ import annotations

import textwrap
from typing import Any

from ..language.tables import ENTRY, last_text, passed_text
from ..loops.update import Rule, Variant, specialise
from .frame import head, names_for
from .source_cache import load_source

_ENTRY = f"""\
@njit(error_model="numpy")
def {ENTRY}(c, k):
    return c[int(k)]


"""


def schedule_kernel(rule: Rule) -> Any:
    """Compile a schedule rule: ``void(double *out, const double *t, const double *c, n)``."""
    variant = specialise(rule, {})
    return load_source(variant.key, _schedule_text(variant)).entry


def _schedule_text(variant: Variant) -> str:
    loads = "".join(f"    {name} = c_[{k}]\n" for k, name in enumerate(variant.coefficients))
    names = names_for("f64")
    tables = variant.tables
    body = variant.text(names) + f"out_[i_] = {variant.result('t', names)}\n"
    body = "t = t_[i_]\n" + passed_text(tables, body) + body
    return (
        head(variant.rule, "float64", body)
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
