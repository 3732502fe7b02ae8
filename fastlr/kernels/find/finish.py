"""The modifiers that follow a rule, as one updater has them: which, and their kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..ahead import built
from ..language.terms import Finish, count_name, finish_name
from . import processor


class BoundFinish(NamedTuple):
    """What a stepper needs to know of the modifiers that follow a rule."""

    what: Finish
    address: int
    count: int  # type: ignore[assignment]  # hides the method of tuples
    owner: Any

    @property
    def always(self) -> bool:
        """Whether there is something to do even where neither L1 nor Lookahead is due."""
        return self.what.cautious or self.what.average


def bind_finish(finish: Finish, dtype: str, backend: str) -> BoundFinish:
    """Find the kernels of the modifiers."""
    isa = processor.instruction_set()
    if backend == "cython" and isa is not None:
        module = built.updates(isa)
        address, count = (
            module.KERNELS[finish_name(finish, dtype)],
            module.KERNELS[count_name(dtype)],
        )
        return BoundFinish(finish, address, count, module)
    from ..jit.finish import count_kernel, finish_kernel

    entry = finish_kernel(finish, dtype)
    if not finish.cautious:
        return BoundFinish(finish, entry.address, 0, entry)
    counting = count_kernel(dtype)
    return BoundFinish(finish, entry.address, counting.address, (entry, counting))
