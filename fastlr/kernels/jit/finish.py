"""The Numba frames of what follows every rule."""

from __future__ import annotations

import textwrap
from typing import Any

from ..language.terms import Finish, count_name, finish_name
from ..loops.finish import count_loop, finish_loop
from .frame import HEAD, TYPES, loop_text
from .source_cache import load_source


def finish_kernel(finish: Finish, dtype: str) -> Any:
    """Compile the loop that follows a rule's, or take it from the cache."""
    head = HEAD.format(rule=finish.key, dtype=TYPES[dtype])
    text = head + loop_text(finish_loop(finish))
    return load_source(finish_name(finish, dtype), text).entry


def count_kernel(dtype: str) -> Any:
    """Compile the loop that counts where rule and gradient agree, or take it from the cache."""
    loop = count_loop()
    given = [f"{name} = c[{k}]" for name, k in loop.used.items()]
    lines = [*given, "before_at_ = s[0]", "count_ = 0", "for i_ in range(n):"]
    loads = "p = p_at_[i_]\ng = g_at_[i_]\nbefore_ = before_at_[i_]\n"
    text = (
        HEAD.format(rule=count_name(dtype), dtype=TYPES[dtype])
        + "pointer = types.CPointer(scalar)\n\n\n"
        "@cfunc(types.intp(pointer, pointer, types.CPointer(pointer), pointer, types.intp), "
        "error_model='numpy', cache=CACHE)\n"
        "def entry(p_at_, g_at_, s, c, n):\n"
        + textwrap.indent("\n".join(lines) + "\n", " " * 4)
        + textwrap.indent(loads + loop.body, " " * 8)
        + "    return count_\n"
    )
    return load_source(count_name(dtype), text).entry
