"""What a step hands to its kernel: rows of coefficients, for a block of steps at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.language.terms import AVGW, CLIP, COMMON, GSCALE, L1, L2, LOOK, SHRINK
from .groups import Group
from .rule import Scalar, UpdateRule
from .timetable import Block, Timetable

if TYPE_CHECKING:
    from .steppers.sums import BoundSums

# Below the first, squares of gradients underflow: what they are compared with must not be smaller.
_LEAST = {4: {"eps": 1e-16, "eps_root": 1.2e-38}, 8: {"eps": 1e-150, "eps_root": 2.3e-308}}
_LARGEST_DECAY = np.nextafter(np.float32(1), np.float32(0))
_AT_REST = (CLIP, L2, SHRINK)  # zero for parameters that wait, beside their rate


def coefficient_rows(
    base_lr: float,
    groups: Sequence[Group],
    timetable: Timetable,
    names: Sequence[str],
    summing: BoundSums | None,
    dtype: np.dtype,
    t: int,
    n: int,
    exact: bool = False,
) -> Any:
    """Return coefficient rows of steps t + 1 ... t + n; if `exact`, not yet rounded to `dtype`."""
    steps = np.arange(t + 1, t + n + 1, dtype=np.float64)
    blocks = timetable.blocks(steps - 1)
    # What is derived from sums is written behind that at each step.
    width = len(COMMON) + len(names) + (summing.tail if summing else 0)
    # Most columns hold one number: it goes into a row that all steps start from.
    same = np.zeros((len(groups), width))
    changing: list[tuple[int, int, np.ndarray]] = []
    first: dict[tuple[int, float, int], dict[int, Any]] = {}
    for k, (group, block) in enumerate(zip(groups, blocks, strict=True)):
        lr = base_lr * group.lr_factor * block.factor
        waiting = steps <= group.start if group.start > t else None
        if waiting is not None:
            lr = np.where(waiting, 0.0, lr)
        # Groups mostly differ in their decay alone, and the rest is most of the work.
        key = id(block), group.lr_factor, group.start
        if key not in first:
            first[key] = _of_rule(block.optimizer, names, steps, group.start, lr, np.dtype(dtype))
        columns = first[key] | _of_decay(group, block, names, lr)
        if waiting is not None:
            # A gradient clipped to zero leaves the state of a rule as it started.
            for j in _AT_REST + _own_decay(block.optimizer, names):
                columns[j] = np.where(waiting, 0.0, columns[j])
        for j, value in columns.items():
            if isinstance(value, float) or not np.ndim(value):
                same[k, j] = value
            else:
                changing.append((k, j, value))
    with np.errstate(over="ignore", under="ignore"):
        table = _table(same, changing, n, np.dtype(dtype))
    if exact:
        return table if dtype == np.float64 else _table(same, changing, n, same.dtype)
    if summing is None:
        return table
    return table, table if dtype == np.float64 else _table(same, changing, n, same.dtype)


def _table(
    same: np.ndarray, changing: Sequence[tuple[int, int, np.ndarray]], n: int, dtype: np.dtype
) -> np.ndarray:
    rows = np.empty((n, *same.shape), dtype)
    rows[:] = same.astype(dtype)
    for k, j, values in changing:
        rows[:, k, j] = values
    return rows


def _of_rule(
    optimizer: UpdateRule,
    names: Sequence[str],
    steps: np.ndarray,
    start: int,
    lr: np.ndarray,
    dtype: np.dtype,
) -> dict[int, Any]:
    """Return what groups of the same rate and start share, by column."""
    columns: dict[int, Any] = {
        GSCALE: -1.0 if optimizer.maximize else 1.0,
        CLIP: np.inf if optimizer.clip_value is None else optimizer.clip_value,
    }
    if optimizer.average is not None:
        average = 1 - optimizer.average_decay if optimizer.average == "ema" else 1 / steps
        columns[AVGW] = np.where(steps == 1, 1.0, average)
    if optimizer.lookahead is not None:
        due = steps % optimizer.lookahead == 0
        columns[LOOK] = np.where(due, optimizer.lookahead_alpha, 0.0)
    own_steps = np.maximum(steps - start, 1.0) if start else steps
    rule = _with_rounded_decays(optimizer) if dtype == np.float32 else optimizer
    values = {"weight_decay": 0.0, **rule.coefficients(own_steps, lr)}
    for name, least in _LEAST[dtype.itemsize].items():
        if name in values:
            values[name] = _at_least(values[name], least)
    return columns | {j: values[name] for j, name in enumerate(names, len(COMMON))}


def _with_rounded_decays(optimizer: UpdateRule) -> UpdateRule:
    """Return the optimizer with decays of single precision, so that share and rest make up 1."""
    rounded: dict[str, Any] = {}
    for name in optimizer.decays:
        value = getattr(optimizer, name)
        single = np.minimum(np.asarray(value, np.float32), _LARGEST_DECAY).astype(np.float64)
        rounded[name] = single if np.ndim(value) else float(single)
    return optimizer.with_scheduled(rounded)


def _at_least(value: Any, least: float) -> Any:
    return np.maximum(value, least) if np.ndim(value) else max(float(value), least)


def _of_decay(group: Group, block: Block, names: Sequence[str], lr: np.ndarray) -> dict[int, Any]:
    """Return what takes parameters towards zero, the strengths of which are a group's own."""
    optimizer = block.optimizer
    decay: Any = optimizer.weight_decay
    if group.weight_decay is not None:
        decay = group.weight_decay * block.decay_factor
    in_gradient: Any = 0.0
    shrink: Any = 0.0
    if not _is_zero(decay):
        in_gradient, shrink = _decay_coefficients(optimizer, lr, block.factor, decay)
    if "l2" not in optimizer.own_fields:
        l2: Any = optimizer.l2 if group.l2 is None else group.l2 * block.l2_factor
        in_gradient = in_gradient + l2
    columns: dict[int, Any] = {L2: in_gradient, SHRINK: shrink}
    if "l1" not in optimizer.own_fields:
        l1: Any = optimizer.l1 if group.l1 is None else group.l1 * block.l1_factor
        columns[L1] = 0.0 if _is_zero(l1) else lr * l1
    return columns | dict.fromkeys(_own_decay(optimizer, names), decay)


def _own_decay(optimizer: UpdateRule, names: Sequence[str]) -> tuple[int, ...]:
    """Return the column of the decay that a rule applies itself, where it does."""
    own = "weight_decay" in names and optimizer.decays_itself()
    return (len(COMMON) + names.index("weight_decay"),) if own else ()


def _is_zero(strength: Any) -> bool:
    """Return whether a strength is a plain zero; to multiply all steps by it takes a while."""
    return type(strength) is float and strength == 0.0


def _decay_coefficients(
    optimizer: UpdateRule, lr: Scalar, factor: Scalar, weight_decay: float
) -> tuple[Scalar, Scalar]:
    """Return the L2 factor on p in the gradient, and the part of p that is taken off directly.

    Independent decay follows `factor`, the schedule's, instead of the rate.
    """
    if optimizer.decays_itself():
        return 0.0, 0.0
    if optimizer.decay == "l2":
        return weight_decay, 0.0
    return 0.0, weight_decay * (lr if optimizer.decay == "decoupled" else factor)
