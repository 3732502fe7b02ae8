"""Parameters of one group that step together: one dtype, one step count, memory of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ..kernels.find import processor
from ..schedules import Run
from ..updater.arrays import check_parameters
from ..updater.binding import Binding
from ..updater.coefficient_table import coefficient_rows
from ..updater.groups import Group
from ..updater.rule import UpdateRule
from . import memory
from .settings import number, plain
from .translation import Translation

READY, CHANGED, WITHOUT_GRADIENTS = 0, 1, 2
_TRIAL = 0.37  # a rate at which it is seen whether coefficients are proportional to the rate


class Bucket:
    """A rule bound to tensors, whose state tensors share memory with it.

    Parameters
    ----------
    rule : UpdateRule
        With the settings of the group.
    tensors : list of Tensor
        Each with a gradient.
    states : list of dict
        What torch keeps for each; taken over, and replaced by tensors that follow the steps.
    t : int
        Steps that these have made.
    translation : Translation
        Names of state arrays.
    group : dict
        The parameter group; further numbers that torch keeps depend on its settings.
    n_threads : int
        Threads for a step.
    run : Run, optional
        Lengths that a schedule of the rule may need.
    """

    def __init__(
        self,
        rule: UpdateRule,
        tensors: list[torch.Tensor],
        states: list[dict[str, Any]],
        t: int,
        translation: Translation,
        group: Mapping[str, Any],
        n_threads: int,
        run: Run | None = None,
    ) -> None:
        self.tensors, self.states, self._translation = tensors, states, translation
        self._group, self._guided = group, False
        self._shown: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        self._keeps_shape = rule.by_arrays
        self._direct = [_lies_well(p, self._keeps_shape) for p in tensors]
        self._stepped = [
            p if direct else p.detach().contiguous()
            for p, direct in zip(tensors, self._direct, strict=True)
        ]
        self._arrays = arrays = [self._memory(p) for p in self._stepped]
        self.binding = Binding(
            rule,
            check_parameters(arrays),
            [Group()],
            [0] * len(arrays),
            run or Run(),
            "auto",
            n_threads,
        )
        self._load(t)

    # What differs on a device

    def _memory(self, p: torch.Tensor) -> Any:
        return p.detach().numpy() if self._keeps_shape else memory.flat(p)

    def _tensor(self, array: Any, i: int) -> torch.Tensor:
        return torch.from_numpy(array)

    def _address(self, array: Any) -> int:
        return int(array.ctypes.data)

    # State

    def _load(self, t: int) -> None:
        binding, names = self.binding, self._translation.state
        for name, arrays in binding.state.items():
            for i, (array, state) in enumerate(zip(arrays, self.states, strict=True)):
                key = names.get(name, name)
                if state.get(key) is not None:
                    self._fill(array, state[key], name, i)
                if array.size or not self._keeps_shape:
                    state[key] = self._visible(array, i)
        self._show_mean_of_squares()
        if binding.summing is not None:
            kept = binding.summing
            for k, name in enumerate(kept.kernels.scalars):
                for i in range(len(kept.scalars)):
                    value = self.states[i].get(name)
                    if value is not None:
                        kept.scalars[i, k] = float(value)
        binding.stepper.restart(t, 0)
        self.sync()

    def _show_mean_of_squares(self) -> None:
        """Take the variance off what torch keeps, and show torch's in tensors of its own."""
        both = self._translation.mean_of_squares
        if both is None or both[1] not in self.binding.state:
            return
        variances, means = (self.binding.state[name] for name in both)
        key = self._translation.state[both[0]]
        for i, state in enumerate(self.states):
            v, a = self._tensor(variances[i], i), self._tensor(means[i], i)
            shown = v.clone()
            v.sub_(a * a).clamp_(min=0.0)
            state[key] = self._arranged(shown, i)
            self._shown.append((shown, v, a))

    def _fill(self, array: Any, given: Any, name: str, i: int) -> None:
        values = torch.as_tensor(given).detach()
        convert = self._translation.load.get(name)
        if convert is not None:
            values = torch.as_tensor(convert(values.cpu().numpy()))
        target = self._visible(array, i)
        target.copy_(values.reshape(target.shape))

    def _visible(self, array: Any, i: int) -> torch.Tensor:
        return self._arranged(self._tensor(array, i), i)

    def _arranged(self, tensor: torch.Tensor, i: int) -> torch.Tensor:
        """Return memory as it lies with the axes of parameter i."""
        if self._keeps_shape:
            return tensor
        like = self.tensors[i]
        if self._direct[i]:
            return tensor.as_strided(like.shape, like.stride())
        return tensor.reshape(like.shape)

    def sync(self) -> None:
        """Write what is not in arrays into the states: step counts, and numbers of the rule."""
        t, summing = self.binding.stepper.t, self.binding.summing
        for shown, v, a in self._shown:
            shown.copy_(v + a * a)
        dtype = torch.get_default_dtype() if torch.get_default_dtype().itemsize > 4 else None
        for i, state in enumerate(self.states):
            values: dict[str, float] = {}
            if self._translation.counts_steps:
                values["step"] = float(t)
            if summing is not None:
                row = summing.scalars[0 if summing.shared else i]
                values |= dict(zip(summing.kernels.scalars, row.tolist(), strict=True))
            if self._translation.extra is not None:
                values |= self._translation.extra(self._settings(), t)
            for name, value in values.items():
                kept = state.get(name)
                if isinstance(kept, torch.Tensor) and kept.dim() == 0:
                    kept.fill_(value)
                else:
                    exact = torch.float64 if summing is not None and name != "step" else None
                    state[name] = torch.tensor(value, dtype=exact or dtype or torch.float32)

    @property
    def rate(self) -> str:
        """When a change of the rate acts: "now", "late" (a step later) or "start" (never)."""
        return self._translation.rate

    def is_replaced(self, states: Mapping[torch.Tensor, dict[str, Any]]) -> bool:
        """Return whether the user has put other values into the states."""
        names = self._translation.state
        for i, (p, kept) in enumerate(zip(self.tensors, self.states, strict=True)):
            state = states.get(p)
            if state is not kept:
                return True
            if self._translation.counts_steps and int(float(state.get("step", -1))) != self.t:
                return True
            for name, arrays in self.binding.state.items():
                if self._shown and name == "v":
                    continue
                shown = state.get(names.get(name, name))
                if arrays[i].size and (
                    not isinstance(shown, torch.Tensor)
                    or shown.data_ptr() != self._address(arrays[i])
                ):
                    return True
        return False

    def averaged(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return the parameters to predict with, where they are others than those stepped."""
        rule = self.binding.optimizer
        if not rule.predicts_elsewhere:
            return []
        return [
            (p, self._visible(rule.evaluate(array, self.binding.state_of(i)), i))
            for i, (p, array) in enumerate(zip(self.tensors, self._arrays, strict=True))
        ]

    def _settings(self) -> dict[str, Any]:
        return {key: plain(value) for key, value in self._group.items() if key != "params"}

    # Steps

    @property
    def t(self) -> int:
        """Steps made."""
        return self.binding.stepper.t

    def stepper(
        self,
        group: dict[str, Any],
        absent: list[torch.Tensor],
        keys: tuple[str, ...],
        values: tuple[Any, ...],
        guide: Any = None,
        place: int = 0,
    ) -> Any:
        """Return what makes steps as `Stepper` does: compiled where that is to be had."""
        make: Any = _tensor_stepper()
        if steps_slowly(self.binding.optimizer, self.tensors, self._translation):
            return Slow(self, group, absent, keys, values)
        self._guided = guide is not None
        return make(
            self.binding.stepper,
            self.tensors,
            absent,
            group,
            keys,
            values,
            self.rows,
            self.adapt,
            "start" if guide else self._translation.rate,
            number,
            guide,
            place,
        )

    def rows(self, t: int, n: int, lr: float) -> tuple[np.ndarray, np.ndarray | None]:
        """Return rows of coefficients as base and slope, or of this rate and no slope."""
        if self._guided:
            lr = self.binding.optimizer.lr  # type: ignore[attr-defined]
        now = self._rows_at(lr, t, n)
        if self._guided or self._translation.rate == "start":
            return now, np.zeros_like(now)
        one, two = self._rows_at(1.0, t, n), self._rows_at(2.0, t, n)
        fixed = one == two  # infinite ones among them
        with np.errstate(invalid="ignore"):
            slope = np.where(fixed, 0.0, two - one)
        base = np.where(fixed, one, one - slope)
        for rate, rows in ((lr, now), (_TRIAL, self._rows_at(_TRIAL, t, n))):
            if not np.allclose(base + slope * rate, rows, rtol=1e-14, atol=0.0):
                return now, None
        return base, slope

    def _rows_at(self, lr: float, t: int, n: int) -> np.ndarray:
        binding = self.binding
        rows: np.ndarray = coefficient_rows(
            lr,
            binding.groups,
            binding.timetable,
            binding.kernel.coefficients,
            binding.summing,
            binding.stepper.dtype,
            t,
            n,
            exact=True,
        )
        return np.ascontiguousarray(rows[:, 0, :])

    def adapt(self, i: int, grad: torch.Tensor) -> torch.Tensor:
        """Return gradient i as a tensor that lies in memory as its parameter does."""
        like, problem = self.tensors[i], memory.unfit(grad)
        if problem:
            raise TypeError(f"the gradient of a parameter of shape {tuple(like.shape)} {problem}")
        if grad.dtype is not like.dtype:
            raise TypeError(
                f"the gradient of a parameter of shape {tuple(like.shape)} must be {like.dtype} "
                f"as the parameter, got {grad.dtype}"
            )
        if not self._direct[i]:
            return grad.detach().contiguous()
        if grad.stride() == like.stride():
            return grad.detach()
        return torch.empty_like(like).copy_(grad.detach())

    def step_slowly(self) -> None:
        """Step through arrays of NumPy: for array rules, and where nothing was compiled."""
        grads = [self.adapt(i, p.grad) for i, p in enumerate(self.tensors) if p.grad is not None]
        for p, stepped in zip(self.tensors, self._stepped, strict=True):
            if stepped is not p:
                stepped.copy_(p.detach())
        given = [
            self._memory(g.clone() if memory.overlap(g, p) else g)
            for g, p in zip(grads, self._stepped, strict=True)
        ]
        self.binding.stepper.step(given)
        self._save(given)
        for p, stepped in zip(self.tensors, self._stepped, strict=True):
            if stepped is not p:
                p.detach().copy_(stepped)

    def _save(self, given: list[np.ndarray]) -> None:
        """Leave in the state what torch keeps of the gradients."""
        sign = -1.0 if self.binding.optimizer.maximize else 1.0
        for name, save in self._translation.save.items():
            for array, g in zip(self.binding.state[name], given, strict=True):
                array[...] = save(array, sign * g)


class Slow:
    """What `TensorStepper` does, in Python."""

    def __init__(
        self,
        bucket: Bucket,
        group: dict[str, Any],
        absent: list[torch.Tensor],
        keys: tuple[str, ...],
        values: tuple[Any, ...],
    ) -> None:
        self._bucket, self._group, self.absent = bucket, group, absent
        self._keys, self._values, self.tensors = keys, values, bucket.tensors
        self._address = [p.data_ptr() for p in bucket.tensors]
        self._rate = self._bound_rate = number(values[0])

    @property
    def t(self) -> int:
        """Steps made."""
        return self._bucket.t

    def ready(self) -> int:
        """Tell whether the step can be made as things are bound."""
        now = tuple(self._group.get(key) for key in self._keys)
        if any(a is not b for a, b in zip(now[1:], self._values[1:], strict=True)):
            return CHANGED
        if any(p.grad is not None for p in self.absent):
            return CHANGED
        rate = number(now[0])
        if rate != self._rate and self._bucket.rate != "start":
            if not rate >= 0:
                return CHANGED
            self._rate = rate
            if self._bucket.rate == "now":
                self._take_rate()
        if any(p.grad is None for p in self.tensors):
            return WITHOUT_GRADIENTS
        same = all(p.data_ptr() == a for p, a in zip(self.tensors, self._address, strict=True))
        return READY if same else CHANGED

    def go(self) -> None:
        """Make the step."""
        self._bucket.step_slowly()
        self._take_rate()

    def _take_rate(self) -> None:
        if self._rate != self._bound_rate:
            self._bucket.binding.change_rate(self._rate)
            self._bound_rate = self._rate


def steps_slowly(
    rule: UpdateRule, tensors: Sequence[torch.Tensor], translation: Translation
) -> bool:
    """Return whether steps go through NumPy: array rules, strided memory, no compiler."""
    if rule.by_arrays or translation.save or memory.is_on_device(tensors[0]):
        return True
    if _tensor_stepper() is None:
        return True
    return not all(_lies_well(p, False) for p in tensors)


def _lies_well(p: torch.Tensor, keeps_shape: bool) -> bool:
    return p.is_contiguous() if keeps_shape else memory.is_dense(p)


def _tensor_stepper() -> Callable[..., Any] | None:
    if processor.compiled_stepper() is None or processor.instruction_set() is None:
        return None
    try:
        from ._tensor_stepper import TensorStepper
    except ImportError:
        return None
    return TensorStepper
