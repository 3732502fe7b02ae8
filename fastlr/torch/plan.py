"""How the parameters of one group step at present, and when they must be bound anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..updater.rule import UpdateRule
from . import memory
from .bucket import CHANGED, READY, WITHOUT_GRADIENTS, Bucket, steps_slowly
from .settings import is_fixed, plain
from .translation import Translation

_MISSES = 3  # times that gradients may be missing before parameters step one by one
_NO_SETTING = {  # of the rule: what torch and its schedulers keep in a group
    *("params", "param_names", "foreach", "fused", "initial_lr", "max_lr", "min_lr", "swa_lr"),
    *("max_momentum", "base_momentum"),
}


class Plan:
    """Buckets of one group, and what steps each of them.

    Parameters
    ----------
    translation : Translation
        Of the optimizer.
    make_rule : callable
        From the settings of a group to the rule.
    """

    def __init__(
        self, translation: Translation, make_rule: Callable[[Mapping[str, Any]], UpdateRule]
    ) -> None:
        self._translation, self._make_rule = translation, make_rule
        self.buckets: list[Bucket] = []
        self.steppers: list[Any] = []
        self.loose: dict[str, Any] = {}  # settings that may change in place, as they were
        self._misses = self._size = 0

    def look(
        self, group: dict[str, Any], place: int, states: Mapping[Any, Any], guide: Any
    ) -> list[Any]:
        """Return the steppers of this step, ready, after binding anew where need be."""
        loose = {k: plain(v) for k, v in group.items() if k not in _NO_SETTING and not is_fixed(v)}
        if self.steppers and loose == self.loose and self._size == len(group["params"]):
            found = self._ready()
            if found is not None:
                return found
        self._bind(group, place, loose, states, guide)
        if any(stepper.ready() != READY for stepper in self.steppers):
            raise RuntimeError("parameters changed while they were being bound")
        return self.steppers

    def _ready(self) -> list[Any] | None:
        answers = [stepper.ready() for stepper in self.steppers]
        if CHANGED not in answers and (self._alone or not any(answers)):
            return [s for s, a in zip(self.steppers, answers, strict=True) if a == READY]
        came = any(p.grad is not None for s in self.steppers for p in s.absent)
        self._misses += came or WITHOUT_GRADIENTS in answers
        return None

    @property
    def _alone(self) -> bool:
        """Whether parameters step one by one, since their gradients come and go."""
        return self._misses > _MISSES

    def _bind(
        self,
        group: dict[str, Any],
        place: int,
        loose: dict[str, Any],
        states: Mapping[Any, Any],
        guide: Any,
    ) -> None:
        self.sync()
        settings = {key: plain(value) for key, value in group.items() if key != "params"}
        rule = self._make_rule(settings)
        _check_tensors(group, place)
        keys = ("lr", *(k for k in group if k not in _NO_SETTING and k != "lr" and k not in loose))
        buckets: list[Bucket] = []
        steppers: list[Any] = []
        absent = [p for p in group["params"] if p.grad is None]
        for t, tensors in self._parts(group["params"], states):
            leader = guide if self._follows(guide, t, rule, tensors) else None
            lasting, steps = rule, t
            if leader is not None:
                lasting = rule.replace(lr=guide.base_lrs[place], schedule=guide.schedule)
                steps = guide.last_epoch
            bucket = _bucket_class(tensors[0])(
                lasting,
                tensors,
                [states[p] for p in tensors],
                steps,
                self._translation,
                group,
                torch.get_num_threads(),
                None if leader is None else leader.run,
            )
            watched = [] if self._alone and steppers else absent
            driven = {"lr", "betas", "momentum"} if leader is not None else {"lr"}
            chosen = ("lr", *(key for key in keys if key not in driven))
            values = tuple(group[key] for key in chosen)
            buckets.append(bucket)
            steppers.append(bucket.stepper(group, watched, chosen, values, leader, place))
        self.buckets, self.steppers, self.loose = buckets, steppers, loose
        self._size = len(group["params"])

    def _parts(self, params: list[Any], states: Mapping[Any, Any]) -> list[tuple[int, list[Any]]]:
        """Return what may be bound together: of one dtype and step count, in memory of its own."""
        alike: dict[Any, dict[Any, None]] = {}
        for p in params:
            if p.grad is not None:
                kind = p.device, p.dtype, self._steps_of(states[p])
                alike.setdefault(kind, {})[p] = None
        found = []
        for (_, _, t), members in alike.items():
            tensors = list(members)
            parts = [[p] for p in tensors] if self._alone else memory.apart(tensors)
            found += [(t, part) for part in parts]
        return found

    def _steps_of(self, state: Mapping[str, Any]) -> int:
        if not self._translation.counts_steps:
            return int(any(value is not None for value in state.values()))
        return int(plain(state.get("step", 0)))

    def _follows(self, guide: Any, t: int, rule: UpdateRule, tensors: list[Any]) -> bool:
        """Return whether coefficients can be read from a table: a schedule is at this step."""
        if guide is None or self._translation.rate != "now":
            return False
        if steps_slowly(rule, tensors, self._translation):
            return False
        if not self._translation.counts_steps:
            return bool(guide.last_epoch) == bool(t)
        return bool(guide.last_epoch == t)

    def sync(self) -> None:
        """Write step counts into the states."""
        for bucket in self.buckets:
            bucket.sync()


def _bucket_class(tensor: torch.Tensor) -> type[Bucket]:
    if not memory.is_on_device(tensor):
        return Bucket
    from .device import DeviceBucket

    return DeviceBucket


def _check_tensors(group: dict[str, Any], place: int) -> None:
    """Raise unless parameters and gradients are of kinds that kernels take, naming the first."""
    names = group.get("param_names")
    for i, p in enumerate(group["params"]):
        if p.grad is None:
            continue
        label = names[i] if names else f"param_groups[{place}]['params'][{i}]"
        for tensor, what in ((p, "parameter"), (p.grad, "the gradient of parameter")):
            problem = memory.unfit(tensor)
            if problem:
                raise TypeError(f"{what} {label} {problem}")
        if p.grad.dtype is not p.dtype:
            raise TypeError(
                f"the gradient of parameter {label} must be {p.dtype} as the parameter, "
                f"got {p.grad.dtype}"
            )
