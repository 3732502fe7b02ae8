"""The Cython frame: text for the ahead-of-time build.

`setup.py` calls `update_body` to write a `.pxi` file that three stubs include, one for each
instruction set. Only the standard library is imported: the build loads this file before the
package exists.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..loops.update import Rule, RuleError, Variant, fused_loop, kernel_name, variants
from .finish import finish_texts
from .frame import DTYPES, describe, function_names, header, kernel_text
from .reduce import reduce_texts
from .sums import adapt_text, measure_text


def update_body(rules: Iterable[Rule]) -> str:
    """Return Cython text with a kernel for each rule, variant and precision."""
    parts = [header("optimizers")]
    made: dict[str, str] = {}
    for rule in rules:
        for variant in variants(rule):
            other = made.setdefault(variant.key, rule.name)
            if other != rule.name:
                raise RuleError(
                    f"{rule.file}:{rule.line}: {rule.name} and {other} would both make a kernel "
                    f"{variant.key!r}; rename the class or the flag"
                )
            for dtype in DTYPES:
                parts += [_update_text(variant, dtype, average) for average in (False, True)]
                if rule.summing:
                    parts += [measure_text(variant, dtype), adapt_text(variant, dtype)]
        parts.append(f"RULES[{rule.name!r}] = {describe(rule)!r}\n")
    return "\n".join([*parts, *finish_texts(), *reduce_texts()])


def _update_text(variant: Variant, dtype: str, average: bool) -> str:
    """Return the kernel of a rule."""
    loop = fused_loop(variant, average, function_names(DTYPES[dtype][1]))
    return kernel_text(kernel_name(variant, average, dtype), loop, dtype)
