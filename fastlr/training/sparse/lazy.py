"""Steps on some rows of a parameter, in NumPy: the twin of the compiled sparse loop.

The rows of a parameter are the features of a linear model, and only those that a mini-batch
holds have a gradient.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...kernels.language.terms import (
    AVERAGE,
    CLIP,
    COMMON,
    DECAY_SHARE,
    GSCALE,
    L2,
    update_owner,
)
from ...updater.binding import kernel_arrays
from ...updater.rule import modifier_options
from ...updater.steppers.host import KERNEL, Stepper, table_of
from .shares import Shares

_SMALLEST = 1e-100  # products below it start anew


class LazyPlan(NamedTuple):
    """How steps change features without a gradient."""

    linear: bool  # in the gradients: what a penalty does to them is known in closed form
    idles: bool  # decay outside the gradient shrinks them
    averaging: int  # which state array is a running average of the parameters, -1: none


def lazy_plan(updater: Any, l1: float = 0.0) -> LazyPlan | None:
    """Return how features without a gradient are caught up, None if steps must be dense.

    `l1` is a penalty beside the optimizer's own. Steps are dense for rules that look across
    elements (norms, matrices), with Lookahead, and with an optimizer's L1 beside a running average.
    """
    optimizer, binding = updater.optimizer, updater.binding
    if optimizer.by_arrays or binding.summing is not None:
        return None
    penalties = [] if "l1" in optimizer.own_fields else [optimizer.l1]
    penalties += [group.l1 for group in binding.groups if group.l1 is not None]
    averages = optimizer.average is not None
    if optimizer.lookahead is not None or (averages and any(penalties)):
        return None
    rule: Any = update_owner(type(optimizer))
    averaging = -1
    if averages:
        averaging = len(binding.kernel.state) + optimizer.cautious
    return LazyPlan(
        linear=optimizer.is_linear and not optimizer.cautious and not (l1 and averages),
        idles=DECAY_SHARE not in inspect.signature(rule.update).parameters,
        averaging=averaging,
    )


def has_l2(updater: Any) -> bool:
    """Return whether the gradient holds an L2 penalty."""
    optimizer = updater.optimizer
    decays = optimizer.decay == "l2" and not optimizer.decays_itself()
    strengths = [optimizer.weight_decay if decays else 0.0]
    strengths += [0.0 if "l2" in optimizer.own_fields else optimizer.l2]
    for group in updater.binding.groups:
        strengths += [group.l2, group.weight_decay if decays else 0.0]
    return any(strengths)


class LazySteps:
    r"""Steps the rows of ``coef`` that have a gradient; others are caught up later.

    A step without a gradient takes :math:`p` to :math:`\operatorname{soft}(a p, l)`, with
    :math:`a` what decay leaves and :math:`l` the threshold of L1. With
    :math:`A_n = a_1 \cdots a_n` and :math:`B_n = l_1 / A_1 + \dots + l_n / A_n`, the steps after
    step :math:`m` take :math:`|p|` to

    .. math:: \max(A_n |p| / A_m - A_n (B_n - B_m),\, 0)

    and an average that moves by a share :math:`w` of its distance from :math:`p`, with
    :math:`K_n = (1 - w_1) \cdots (1 - w_n)` and
    :math:`T_n = w_1 A_1 / K_1 + \dots + w_n A_n / K_n`, to

    .. math:: K_n \bar p / K_m + K_n (T_n - T_m)\, p / A_m
    """

    def __init__(self, arena: Any, updater: Any, plan: LazyPlan, l1: float):
        self._arena, self._updater, self._plan, self._l1 = arena, updater, plan, l1
        self.shares: Shares | None = None
        self._binding = binding = updater.binding
        self._names = list(arena.param)
        self._states = [list(binding.state_of(i).values()) for i in range(len(self._names))]
        self._last = np.zeros(len(arena.param["coef"]), np.int64)
        self.begin(0)

    def begin(self, steps: int) -> None:
        """Have room for what that many steps do; every row has seen all steps so far."""
        self._last[:] = 0
        self._now = 0
        room = max(steps + 1, getattr(self, "_room", 1))
        self._room = room
        self._shrunk, self._pulled = np.ones(room), np.zeros(room)
        self._kept, self._taken = np.ones(room), np.zeros(room)

    def catch_up(self, rows: np.ndarray) -> None:
        """Make up for the steps that rows have missed; each row is named once."""
        now, then = self._now, self._last[rows]
        left = self._shrunk[now] / self._shrunk[then]
        threshold = self._shrunk[now] * (self._pulled[now] - self._pulled[then])
        keep = self._kept[now] / self._kept[then]
        take = self._kept[now] * (self._taken[now] - self._taken[then]) / self._shrunk[then]
        self._idle(rows, left, threshold, keep, take)
        self._last[rows] = now

    def _idle(self, rows: np.ndarray, *numbers: Any) -> None:
        coef = self._arena.param["coef"]
        left, threshold, keep, take = (np.broadcast_to(n, len(rows))[:, None] for n in numbers)
        p = coef[rows]
        if self._plan.averaging >= 0:
            average = self._binding.state[AVERAGE][self._names.index("coef")]
            average[rows] = keep * average[rows] + take * p
        p = left * p
        coef[rows] = np.sign(p) * np.maximum(np.abs(p) - threshold, 0)

    def step(self, rows: np.ndarray, grads: dict[str, np.ndarray]) -> None:
        """Step the intercept and rows that are caught up; `grads` has a row for each of these."""
        updater, t = self._updater, self._updater.t
        part = [slice(None) if name == "intercept" else rows for name in self._names]
        params = [self._arena.param[n][k] for n, k in zip(self._names, part, strict=True)]
        states = [[a[k].copy() for a in own] for own, k in zip(self._states, part, strict=True)]
        stepper = self._stepper(params, states)
        if self.shares is not None:
            stepper.share(self.shares, self._names.index("coef"), rows)
        stepper.restart(t, updater.skipped)
        stepper.step([grads[name] for name in self._names])
        if stepper.t > t:
            for i, (name, k) in enumerate(zip(self._names, part, strict=True)):
                self._arena.param[name][k] = params[i]
                for whole, moved in zip(self._states[i], states[i], strict=True):
                    whole[k] = moved
            if stepper.side is not None:
                p = self._arena.param["coef"][rows]
                self._arena.param["coef"][rows] = np.where(p * stepper.side > 0, p, 0)
            self._note(rows, t)
        self._tell(stepper)

    def _stepper(self, params: list[np.ndarray], states: list[list[np.ndarray]]) -> _SharingStepper:
        binding = self._binding
        return _SharingStepper(
            params,
            kernel_arrays(binding, params, list(zip(*states, strict=True))),
            binding.group_ids,
            names=None,
            single=False,
            kernel=binding.kernel.address,
            sumsq=0,
            refill=lambda t, least, n: binding.rows(t, 1),
            complain=_refuse,
            **modifier_options(self._updater.optimizer),
            n_threads=1,
            owner=binding.kernel.owner,
            finish=binding.finish,
        )

    def _note(self, rows: np.ndarray, t: int) -> None:
        """Remember how the step changes other rows, or change them now."""
        left, threshold, soft, weight = self._idle_of(t)
        if soft:
            self._idle(rows, 1.0, soft, 1.0, 0.0)
        now, shrunk = self._now, self._shrunk[self._now] * left
        kept = self._kept[now] * (1 - weight)
        if left > 1e-3 and shrunk > _SMALLEST and weight < 0.999 and kept > _SMALLEST:
            self._shrunk[now + 1], self._kept[now + 1] = shrunk, kept
            self._pulled[now + 1] = self._pulled[now] + threshold / shrunk
            self._taken[now + 1] = self._taken[now] + weight * shrunk / kept
            self._now += 1
            self._last[rows] = self._now
            return
        others = np.setdiff1d(np.arange(len(self._last)), rows)
        self.catch_up(others)
        self._idle(others, left, threshold, 1 - weight, weight * left)
        self.begin(0)

    def _idle_of(self, t: int) -> tuple[float, float, float, float]:
        """Return how a step changes a feature without a gradient.

        That is what is left of p, the threshold of L1, the part of it that features with a
        gradient have not seen yet, and the weight of the average.
        """
        plan = self._plan
        group = self._binding.group_ids[self._names.index("coef")]
        row = self._binding.rows(t, 1)[0, group]
        common = dict(zip(COMMON, row.astype(np.float64).tolist(), strict=False))
        left, soft = 1 - (common["shrink_"] if plan.idles else 0), 0.0
        if plan.linear and (common["l2_"] or self._l1):
            way, echoes = self._way(row)
            # Momentum spreads the pull over steps, which would be stable where one step is not.
            pull = way * common["l2_"]
            left = left * np.exp(-pull) if echoes else left - pull
            soft = way * self._l1
        weight = common["avgw_"] if plan.averaging >= 0 else 0.0
        return left, common["l1_"] + soft, soft, weight

    def _way(self, row: np.ndarray) -> tuple[float, bool]:
        """Return how far a gradient of 1 takes a parameter down in the end, by a linear rule.

        Moves that follow that of the step itself echo it, each by the same factor; the second
        value says whether there are any.
        """
        unused = [np.zeros(1, row.dtype) for _ in self._states[0]]
        row = row.copy()
        row[[GSCALE, CLIP]] = 1
        moves = []
        for k in range(3):
            p, g = np.zeros(1, row.dtype), np.array([k == 0], row.dtype)
            KERNEL(self._binding.kernel.address)(
                p.ctypes.data, g.ctypes.data, table_of(unused), row.ctypes.data, 1
            )
            moves.append(-float(p[0]))
        if moves[1] and abs(moves[2]) < abs(moves[1]):
            return moves[0] + moves[1] / (1 - moves[2] / moves[1]), True
        return moves[0], False

    def _tell(self, stepper: Stepper) -> None:
        own = self._binding.stepper
        own.restart(stepper.t, stepper.skipped, stepper.culprit)
        if isinstance(own, Stepper):  # the compiled one computes norms of its own steps only
            own.norm = stepper.norm


class _SharingStepper(Stepper):
    """A stepper that may add shares of penalties to the gradient of the coefficients."""

    side: np.ndarray | None = None
    _shares: Shares | None = None

    def share(self, shares: Shares, i: int, rows: np.ndarray) -> None:
        """Add penalties to the gradient of parameter i, which holds these rows."""
        self._shares, self._at, self._rows = shares, i, rows

    def _move(self, grads: Sequence[np.ndarray], rows: np.ndarray) -> None:
        if self._shares is not None:
            i, row = self._at, rows[self._at]
            g = np.clip(grads[i] * row[GSCALE], -row[CLIP], row[CLIP])
            p, l2, still = self._params[i], float(row[L2]), bool(row[CLIP] <= 0)
            g, self.side = self._shares.add(self._rows, p, g, l2, still)
            grads = [g if k == i else other for k, other in enumerate(grads)]
            row[[GSCALE, CLIP, L2]] = 1, np.inf, 0
        super()._move(grads, rows)


def _refuse(i: int, grads: Any) -> None:
    if i == -2:
        raise ValueError("a gradient is not finite")
