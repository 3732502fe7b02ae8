"""What is made ready when arrays are bound: state, scalars, and what steppers are told."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.find import update as select
from ..kernels.language.terms import DECAY_SHARE, LOOKAHEAD_STATE, update_owner
from .arrays import Parameters
from .rule import UpdateRule
from .statistics import AVERAGE

# What few optimizers need is imported where they need it: the first step waits for all the rest.
if TYPE_CHECKING:
    from ..kernels.loops.finish_parts import Finish
    from .groups import Group
    from .steppers.sums import BoundSums


def choose_finish(optimizer: UpdateRule, groups: Sequence[Group]) -> Finish | None:
    """Return which modifiers follow the rule.

    Parameters
    ----------
    optimizer : UpdateRule
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
    from ..kernels.loops.finish_parts import Finish

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


def start_state(
    optimizer: UpdateRule, of_rule: Sequence[str], params: Sequence[np.ndarray], what: Finish | None
) -> tuple[dict[str, list[np.ndarray]], list[list[np.ndarray]]]:
    """Allocate the arrays that go along with parameters.

    Parameters
    ----------
    optimizer : UpdateRule
        Hyper-parameters and rule.
    of_rule : sequence of str
        The state that the rule's kernel takes, in its order.
    params : sequence of ndarray
        Parameters.
    what : Finish or None
        Modifiers that follow the rule.

    Returns
    -------
    state : dict of str to list of ndarray
        What is saved, by name, an array for each parameter.
    arrays : list of list of ndarray
        What the kernels take, for each parameter: state of the rule, then of what follows it.
    """
    initial = {**optimizer.initial_state(), LOOKAHEAD_STATE: "p"}
    last = [LOOKAHEAD_STATE] if optimizer.lookahead else []
    last += [AVERAGE] if optimizer.average else []
    state = {n: [_start(p, initial.get(n, 0.0)) for p in params] for n in (*of_rule, *last)}
    arrays = [[state[n][i] for n in of_rule] for i in range(len(params))]
    for i, (p, own_arrays) in enumerate(zip(params, arrays, strict=True)):
        own_arrays += [np.empty_like(p)] if what is not None and what.cautious else []
        own_arrays += [state[n][i] for n in last]
    return state, arrays


def start_sums(optimizer: UpdateRule, kernel: Any, count: int) -> BoundSums | None:
    """Start the scalars of a rule that sums over elements before each step.

    Parameters
    ----------
    optimizer : UpdateRule
        Hyper-parameters and rule.
    kernel : Kernel
        Of the rule.
    count : int
        How many parameters there are.

    Returns
    -------
    BoundSums or None
        None for rules without sums.
    """
    kernels = kernel.summing
    if kernels is None:
        return None
    from .steppers.sums import BoundSums

    shared = optimizer.scope == "all"
    start = optimizer.initial_scalars()
    row = [float(start.get(name, 0.0)) for name in kernels.scalars]
    scalars = np.tile(np.array(row), (1 if shared else count, 1))
    return BoundSums(kernels, shared, scalars)


def host_stepper(dtype: str) -> tuple[Any, dict[str, int]]:
    """Return the class that steps NumPy arrays, and addresses of the reductions that it calls."""
    compiled = select.compiled_stepper()
    if compiled is None or select.instruction_set() is None:
        from .steppers.host import Stepper

        return Stepper, {"sumsq": 0, "moved": 0}
    return compiled, {n: select.reduction_address(n, dtype) for n in ("sumsq", "moved")}


def stepper_options(optimizer: UpdateRule, bound: Parameters) -> dict[str, Any]:
    """Return what every stepper of NumPy arrays is told of its arrays and of the common modifiers.

    Parameters
    ----------
    optimizer : UpdateRule
        Hyper-parameters.
    bound : Parameters
        Parameters as the user gave and named them.

    Returns
    -------
    dict
        Keyword arguments.
    """
    return {
        "names": bound.names if bound.kind == "dict" else None,
        "single": bound.kind == "array",
        "clip_norm": optimizer.clip_norm or 0.0,
        "clip_scope": optimizer.clip_scope,
        "check": optimizer.nonfinite != "ignore",
        "raises": optimizer.nonfinite == "raise",
        "sign": -1.0 if optimizer.maximize else 1.0,
    }


def _start(p: np.ndarray, value: float | str) -> np.ndarray:
    """Return a state array for a parameter, as `Optimizer.initial_state` says."""
    return np.copy(p) if value == "p" else np.full_like(p, value)
