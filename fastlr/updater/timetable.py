"""What schedules make of the hyper-parameters of a bound optimizer, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..core.hyper import check_number
from ..schedules import Run, Schedule
from .groups import Group
from .rule import UpdateRule

ROWS_AHEAD = 2048  # half a millisecond; a call for a few rows takes a third of that


class Block(NamedTuple):
    """Hyper-parameters of some consecutive steps, as one group of parameters sees them."""

    factor: np.ndarray  # on the learning rate
    optimizer: UpdateRule  # whose scheduled hyper-parameters are arrays with a value per step
    decay_factor: np.ndarray | float  # on the weight decay, a group's own included
    l1_factor: np.ndarray | float  # on l1, a group's own included
    l2_factor: np.ndarray | float  # on l2, a group's own included


class Timetable:
    """All schedules of an optimizer and its groups, with what they have seen of the metric.

    Attributes
    ----------
    needs_metric : bool
        Whether a metric drives any of them.
    momentum_field : str or None
        The hyper-parameter that the momentum of a schedule drives.
    seen : dict of str to dict
        What each schedule has seen of the metric; replaced, never changed.
    """

    needs_metric: bool
    momentum_field: str | None
    seen: dict[str, dict[str, float]]

    def __init__(self, optimizer: UpdateRule, groups: Sequence[Group], run: Run) -> None:
        self._optimizer = optimizer
        self._run = run
        self._steady = optimizer.schedule is None and not optimizer.schedules
        self._schedules: dict[str, Schedule] = {} if self._steady else optimizer.scheduled()
        self._of_groups = ["lr"] * len(groups)
        for k, group in enumerate(groups):
            for name in ("l1", "l2"):
                if name in optimizer.own_fields and getattr(group, name) is not None:
                    raise ValueError(
                        f"{type(optimizer).__name__} applies {name} itself, and groups cannot "
                        "replace it"
                    )
            if group.schedule is not None:
                # The first group is that of all other parameters; users count from their own.
                self._of_groups[k] = f"groups[{k - 1}]"
                self._schedules[f"groups[{k - 1}]"] = group.schedule
        self._begin()
        self._latest: tuple[float, np.ndarray, np.ndarray | None] | None = None
        self._known: dict[tuple[str, float, int], tuple[np.ndarray, np.ndarray | None]] | None
        self._known = None
        self._hurried: tuple[int, float, float] | None = None
        self._first: tuple[int, list[Block]] | None = None
        if self._schedules:  # what is missing is said now, not at a step
            n = 1 if self.needs_metric else min(run.total_steps or 1, ROWS_AHEAD)
            self._first = self._begun(n)

    def restart(self, optimizer: UpdateRule, run: Run) -> None:
        """Forget what was seen of the metric, for a run at another rate and of another length.

        Trainings of the same length share what schedules come to.
        """
        if self._known is None or run != self._run:
            self._known = {}
        self._optimizer, self._run, self._hurried = optimizer, run, None
        self._forget()
        self._begin()

    def change_rate(self, optimizer: UpdateRule) -> None:
        """Go on with an optimizer that differs in its rate."""
        self._optimizer = optimizer
        self._forget()

    def hurry(self, t: int, n_steps: int) -> None:
        """Play the rest of the schedules within `n_steps` steps from t, which must be a run's.

        A rate that is still to rise does not: the rest begins where it has come down to the rate
        of now.
        """
        total = self._run.total_steps
        assert total is not None
        ahead = np.unique(np.linspace(t, total - 1, 4096).astype(np.int64)).astype(np.float64)
        factors = self._from_schedule("lr", ahead)[0]
        start = float(ahead[np.flatnonzero(factors >= factors[0])[-1]])
        self._hurried = t, start, (total - start) / n_steps
        self._forget()

    def _at(self, t: np.ndarray) -> np.ndarray:
        """Return the steps of the schedules that belong to steps made."""
        if self._hurried is None:
            return t
        since, start, speed = self._hurried
        last = float((self._run.total_steps or 1) - 1)
        return np.where(t < since, t, np.minimum(start + np.floor((t - since) * speed), last))

    def _begin(self) -> None:
        """Note what schedules have seen before the first step, and what they drive."""
        self.seen, self.needs_metric = {}, False
        for label, schedule in self._schedules.items():
            self.seen[label] = schedule.initial_metric_state()
            self.needs_metric |= schedule.needs_metric
        self.momentum_field = self._optimizer.momentum_field()

    def _begun(self, n: int) -> tuple[int, list[Block]]:
        """Return the first `n` steps; fewer of a Python function that ends before."""
        while True:
            try:
                return n, self.blocks(np.arange(float(n)))
            except Exception:
                if n == 1:
                    raise
                n //= 2

    def _forget(self) -> None:
        """Drop steps that were looked at with what was known before."""
        self._latest = self._first = None

    @property
    def metric_state(self) -> dict[str, float]:
        """What the schedules have seen of the metric: plain numbers by name."""
        return {
            f"{label}.{name}": value
            for label, state in self.seen.items()
            for name, value in state.items()
        }

    @metric_state.setter
    def metric_state(self, given: Mapping[str, float]) -> None:
        self.look_again(
            {
                label: {name: given[f"{label}.{name}"] for name in state}
                for label, state in self.seen.items()
            }
        )

    def look_again(self, seen: dict[str, dict[str, float]]) -> None:
        """Go on from what was seen of the metric at another time."""
        self._forget()
        self.seen = seen

    def observe(self, metric: float, t: int) -> None:
        """Tell every schedule a metric."""
        self._forget()
        self.seen = {
            label: schedule.observe(self.seen[label], metric, t, self._run)
            for label, schedule in self._schedules.items()
        }

    def rates(self, t: int) -> tuple[float, float | None]:
        """Return factor and momentum of a step outside groups with a schedule of their own."""
        if self._steady:  # asked for at each call of `partial_fit`
            return 1.0, None
        # Asked for at the end of each epoch, mostly of steps that have just been looked at.
        known = self._latest
        if known is None or not 0 <= t - known[0] < len(known[1]):
            steps = np.array([float(t)])
            known = (float(t), *self._evaluate("lr", steps, self._values(steps)))
        k = int(t - known[0])
        return float(known[1][k]), None if known[2] is None else float(known[2][k])

    def blocks(self, t: np.ndarray) -> list[Block]:
        """Return the hyper-parameters of steps, for each group."""
        first, self._first = self._first, None
        if first is not None and t[0] == 0 and len(t) == first[0]:
            return first[1]
        values = self._values(t)
        names = ("weight_decay", "l1", "l2")
        shared = [self._factor(n, t) if n in values else 1.0 for n in names]
        made = {}
        for label in dict.fromkeys(self._of_groups):
            factor, momentum = self._evaluate(label, t, values)
            if label == "lr":
                self._latest = float(t[0]), factor, momentum
            name = self.momentum_field
            more = {} if name is None or momentum is None else {name: momentum}
            scheduled = self._optimizer.with_scheduled(values | more)
            made[label] = Block(factor, scheduled, *shared)
        return [made[label] for label in self._of_groups]

    def _factor(self, label: str, t: np.ndarray) -> np.ndarray:
        return self._schedules[label].evaluate(self._at(t), self._run, self.seen[label])[0]

    def _from_schedule(self, label: str, t: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        if label == "lr" and self._optimizer.schedule is None:
            return np.ones(t.shape), None  # no kernel has to be loaded for that
        schedule = self._schedules[label]
        key = (label, float(t[0]), len(t))
        found = None if self._known is None else self._known.get(key)
        if found is None or self._hurried is not None:
            found = schedule.evaluate(self._at(t), self._run, self.seen[label])
            if self._hurried is None and self._known is not None and not schedule.needs_metric:
                self._known[key] = found
        return found

    def _values(self, t: np.ndarray) -> dict[str, np.ndarray]:
        """Return the hyper-parameters that have a schedule in `schedules`."""
        values = {}
        for name in self._optimizer.schedules or ():
            values[name] = getattr(self._optimizer, name) * self._factor(name, t)
            interval = self._optimizer.ranges.get(name)
            if interval is not None:
                label = f"{type(self._optimizer).__name__}: {name} times schedules[{name!r}]"
                check_number(float(values[name].min()), label, interval)
                check_number(float(values[name].max()), label, interval)
        return values

    def _evaluate(
        self, label: str, t: np.ndarray, values: Mapping[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return factor and momentum of a schedule of the rate; `values` may give the latter."""
        factor, momentum = self._from_schedule(label, t)
        name = self.momentum_field
        if name is None or name not in values:
            return factor, momentum
        if momentum is not None:
            raise ValueError(
                f"{type(self._optimizer).__name__}: schedules[{name!r}] and "
                f"{self._schedules[label]!r} both drive the momentum; "
                "set cycle_momentum=False in the latter"
            )
        return factor, values[name]


def check_effects(optimizer: UpdateRule, coefficients: Sequence[str]) -> None:
    """Raise unless every hyper-parameter in `schedules` can change from step to step."""
    if not optimizer.schedules:
        return
    if optimizer.own_decay is not None:
        coefficients = [c for c in coefficients if c != "weight_decay"]  # the updater adds it
    # Early steps and very late ones: some numbers matter at one end only.
    t = np.concatenate([np.arange(1.0, 41.0), 10.0 ** np.arange(2, 8)])
    lr, falling, tail = np.full(t.size, 0.1), np.linspace(1.0, 0.5, t.size), slice(30, None)
    for name in optimizer.schedules:
        label = f"{type(optimizer).__name__}: schedules[{name!r}]"
        if name in {"weight_decay", "clip_value", "l1", "l2"} - set(optimizer.own_fields):
            continue
        if name == "lookahead_alpha":
            if optimizer.lookahead is None:
                raise ValueError(f"{label} has no effect: lookahead_alpha is for lookahead=")
            continue
        if name == "average_decay":
            if optimizer.average != "ema":
                raise ValueError(f"{label} has no effect: average_decay is for average='ema'")
            continue
        own = getattr(optimizer, name)
        moving = optimizer.with_scheduled({name: own * falling})
        later = optimizer.with_scheduled({name: own * falling[tail]})
        try:
            with np.errstate(all="ignore"):  # a late step may underflow
                still = _columns(optimizer.coefficients(t, lr), coefficients, t)
                whole = _columns(moving.coefficients(t, lr), coefficients, t)
                part = _columns(later.coefficients(t[tail], lr[tail]), coefficients, t[tail])
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{label}: the rule needs {name} to be one number for the whole run ({error})"
            ) from error
        if not np.allclose(whole[:, tail], part, rtol=1e-9, atol=0, equal_nan=True):
            raise ValueError(
                f"{label}: the rule needs {name} to be one number for the whole run, for a step "
                "depends on that of others"
            )
        if own and np.array_equal(whole, still, equal_nan=True):
            raise ValueError(f"{label} has no effect: the steps do not read {name} as things are")


def _columns(
    values: Mapping[str, np.ndarray | float], names: Sequence[str], t: np.ndarray
) -> np.ndarray:
    return np.array([np.broadcast_to(values[name], t.shape) for name in names])
