"""The modifiers that follow a rule, as one updater has them: which, and their kernels."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import cython_cpu, select
from .emit import DECAY_SHARE, update_owner
from .emit_finish import Finish, count_name, finish_name

if TYPE_CHECKING:
    from ..groups import Group
    from ..optimizers.base import Optimizer


@dataclass(frozen=True)
class BoundFinish:
    """What a stepper needs to know of the modifiers that follow a rule.

    Parameters
    ----------
    what : Finish
        Which they are.
    address, count : int
        Of the loop, and of the one that counts the moves that a cautious step keeps.
    owner : object
        Keeps the code alive.
    """

    what: Finish
    address: int
    count: int
    owner: Any

    @property
    def always(self) -> bool:
        """Whether there is something to do even where neither L1 nor Lookahead is due."""
        return self.what.cautious or self.what.average


def choose(optimizer: Optimizer, groups: Sequence[Group]) -> Finish | None:
    """Return which modifiers follow the rule.

    Parameters
    ----------
    optimizer : Optimizer
        Hyper-parameters.
    groups : sequence of Group
        May have an L1 penalty of their own.

    Returns
    -------
    Finish or None
        None if the rule's own loop does all there is to do.

    Raises
    ------
    ValueError
        If a modifier cannot go with the rule.
    """
    owner = type(optimizer).__name__
    penalties = [group.l1 for group in groups if group.l1 is not None]
    if "l1" not in optimizer.own_fields:
        penalties.append(optimizer.l1)
    if not any(penalties) and not optimizer.cautious and optimizer.lookahead is None:
        return None
    if optimizer.predicts_elsewhere:
        raise ValueError(
            f"{owner} predicts with other parameters than it steps, and l1, cautious and lookahead "
            "would change only the latter"
        )
    if not hasattr(type(optimizer), "update"):
        raise ValueError(f"{owner} is array code, which l1, cautious and lookahead cannot follow")
    rule: Any = update_owner(type(optimizer))
    if optimizer.cautious and DECAY_SHARE in inspect.signature(rule.update).parameters:
        raise ValueError(f"{owner} applies the decay itself, and cautious=True cannot see its move")
    return Finish(
        optimizer.cautious, optimizer.lookahead is not None, optimizer.average is not None
    )


def bind_finish(finish: Finish, dtype: str, backend: str) -> BoundFinish:
    """Find the kernels of the modifiers.

    Parameters
    ----------
    finish : Finish
        Which modifiers.
    dtype : {"f32", "f64"}
        Precision.
    backend : {"cython", "numba"}
        Whose kernel runs the rule.

    Returns
    -------
    BoundFinish
        Addresses.
    """
    isa = select.instruction_set()
    if backend == "cython" and isa is not None:
        module = cython_cpu.module(isa)
        address, count = (
            module.KERNELS[finish_name(finish, dtype)],
            module.KERNELS[count_name(dtype)],
        )
        return BoundFinish(finish, address, count, module)
    from . import numba_cpu

    entry = numba_cpu.finish_kernel(finish, dtype)
    if not finish.cautious:
        return BoundFinish(finish, entry.address, 0, entry)
    counting = numba_cpu.count_kernel(dtype)
    return BoundFinish(finish, entry.address, counting.address, (entry, counting))
