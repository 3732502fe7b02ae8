"""The Cython frames of what follows every rule."""

from __future__ import annotations

import textwrap

from ..language.terms import count_name, finish_name
from ..loops.finish import choices, count_loop, finish_loop
from .frame import DTYPES, kernel_text


def finish_texts() -> list[str]:
    """Return Cython text with a kernel for each choice of modifiers and precision."""
    texts = []
    for dtype in DTYPES:
        texts += [kernel_text(finish_name(f, dtype), finish_loop(f), dtype) for f in choices()]
        texts.append(_count_text(dtype))
    return texts


def _count_text(dtype: str) -> str:
    """Return the function that counts in how many elements rule and gradient agree."""
    ctype, _ = DTYPES[dtype]
    name, loop = count_name(dtype), count_loop()
    loads = "p = p_at_[i_]\ng = g_at_[i_]\nbefore_ = before_at_[i_]\n"
    given = "".join(f"    cdef {ctype} {s} = c[{k}]\n" for s, k in loop.used.items())
    return (
        f"cdef Py_ssize_t {name}(const {ctype} *p_at_, const {ctype} *g_at_, {ctype} **s, "
        f"const {ctype} *c, Py_ssize_t n_) noexcept nogil:\n"
        "    cdef Py_ssize_t i_, count_ = 0\n"
        f"    cdef const {ctype} *before_at_ = s[0]\n"
        f"    cdef {ctype} {', '.join(loop.locals)}\n"
        f"    cdef {ctype} one_ = 1, zero_ = 0\n"
        f"{given}"
        "    for i_ in range(n_):\n"
        f"{textwrap.indent(loads + loop.body, ' ' * 8)}"
        "    return count_\n"
        f'KERNELS["{name}"] = <size_t><void*>{name}\n'
    )
