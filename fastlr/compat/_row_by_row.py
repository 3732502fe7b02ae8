"""Training of linear models row by row, as in scikit-learn's SGD estimators.

fastlr's `SGD` makes the steps in the compiled epoch, with batches of one row. This module handles
what happens between epochs: the order of the rows, averaged weights, and stopping.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..losses.base import Loss
from ..optimizers import SGD
from ..training import Arena, EpochResult, LinearEpoch
from ._rates import bounded, linear_rate

LARGEST_GRADIENT = 1e12  # larger ones are clipped, so that their squares stay finite
SMALLEST_RATE = 1e-6  # at which learning_rate="adaptive" stops training
ADAPTIVE_FACTOR = 0.2


@dataclass
class Settings:
    """scikit-learn's parameters of training."""

    loss: Loss
    penalty: str | None
    alpha: float
    l1_ratio: float
    learning_rate: str
    eta0: float
    power_t: float
    fit_intercept: bool
    average: int  # first row, from 1, whose weights are averaged; 0 for never
    shuffle: bool
    tol: float | None
    n_iter_no_change: int
    verbose: int
    intercept_lr: float = 1.0  # factor on the intercept's rate

    @property
    def l1(self) -> float:
        """Strength of the L1 penalty."""
        share = {"l1": 1.0, "elasticnet": self.l1_ratio}.get(str(self.penalty), 0.0)
        return self.alpha * share

    @property
    def l2(self) -> float:
        """Strength of the L2 penalty."""
        share = {"l2": 1.0, "elasticnet": 1 - self.l1_ratio}.get(str(self.penalty), 0.0)
        return self.alpha * share


@dataclass
class Weights:
    """Weights of K outputs, (K, features) and (K,), and their running means."""

    coef: np.ndarray
    intercept: np.ndarray
    average_coef: np.ndarray | None = None
    average_intercept: np.ndarray | None = None

    def of(self, outputs: slice) -> Weights:
        """Return the weights of some outputs, as views."""
        means = (self.average_coef, self.average_intercept)
        part = (None if a is None else a[outputs] for a in means)
        return Weights(self.coef[outputs], self.intercept[outputs], *part)


class RowByRow:
    """Trainer of a linear model's outputs, each on its own targets.

    Training starts from `weights` and writes them at its end; `t` is the number of the first row,
    counted from 1 over all calls.
    """

    def __init__(self, settings: Settings, weights: Weights, t: int) -> None:
        self.settings, self.weights, self.t = settings, weights, t
        shapes: dict[str, tuple[int, ...]] = {"coef": weights.coef.shape}
        if settings.fit_intercept or weights.intercept.any():  # a given intercept is kept
            shapes["intercept"] = weights.intercept.shape
        self._arena = Arena(shapes, weights.coef.dtype)
        for name, values in self._arena.param.items():
            values[...] = getattr(weights, name)
        self._factor = 1.0  # of the adaptive rate
        averaging = 0 < settings.average <= t
        self._start(averaging)

    def _start(self, averaging: bool) -> None:
        """Bind the optimizer, with or without averaging from here on."""
        settings = self.settings
        # The optimizer counts all rows, or the rows in the mean.
        count = self.t - settings.average if averaging else self.t - 1
        lr, schedule = linear_rate(
            settings.learning_rate,
            settings.eta0,
            settings.alpha,
            settings.power_t,
            ahead=self.t - 1 - count,
        )
        bound = bounded(settings.l2, lr, schedule)
        optimizer = SGD(
            lr,
            schedule=schedule,
            schedules=None if bound is None else {"l2": bound},
            l1=settings.l1,
            l2=settings.l2,
            clip_value=LARGEST_GRADIENT,
            average="polyak" if averaging else None,
        )
        groups = None
        if "intercept" in self._arena.param:
            factor = settings.intercept_lr if settings.fit_intercept else 0.0
            groups = [{"match": "intercept", "lr": factor, "l1": 0.0, "l2": 0.0}]
        self._updater = optimizer.bind(self._arena.param, groups)
        self._averaging = averaging
        if count:
            state = self._updater.state_dict()
            state["t"] = count
            if averaging:
                state["state"]["average"] = {
                    name: np.array(getattr(self.weights, f"average_{name}"))
                    for name in self._arena.param
                }
            self._updater.load_state_dict(state)
        self._updater.observe(self._factor)
        self._epoch = LinearEpoch(self._arena, self._updater, settings.loss, "each")

    def train(
        self,
        X: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray | None,
        rows: np.ndarray,
        max_iter: int,
        random_state: np.random.RandomState,
        score: Callable[[np.ndarray, np.ndarray], float] | None = None,
    ) -> int:
        """Train until the stopping rule is met, at most `max_iter` epochs; return their number.

        `targets`, of shape (rows, K), are numbers or +1 and -1. `rows` are the indices to train on.
        The stopping rule follows `score` of coef and intercept, to be maximised, if given, and the
        objective otherwise. Weights that are not finite raise ValueError.
        """
        settings = self.settings
        best, bad, tol = math.inf, 0, settings.tol
        penalty = self._penalty()
        for epoch in range(1, max_iter + 1):
            order = random_state.permutation(rows) if settings.shuffle else rows
            result = self._run(X, targets, weights, order)
            if result.diverged_at is not None or not np.isfinite(self._arena.params).all():
                raise ValueError(
                    f"Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input "
                    "data with StandardScaler or MinMaxScaler might help."
                )
            loss = result.loss_sum / max(result.weight_sum, 1e-300) / targets.shape[1]
            before, penalty = penalty, self._penalty()
            # scikit-learn averages the penalty over steps; here it is averaged over the epoch's
            # ends.
            value = loss + (before + penalty) / 2
            if score is not None:
                value = -score(self._arena.param["coef"], self._intercept())
            if settings.verbose:
                what = "Objective" if score is None else "Validation score"
                print(
                    f"-- Epoch {epoch}\nNorm: {np.linalg.norm(self._arena.param['coef']):.2f}, "
                    f"T: {self.t - 1}, Avg. loss: {loss:f}, {what}: {abs(value):f}"
                )
            bad = bad + 1 if tol is not None and not value <= best - tol else 0
            best = min(best, value)
            if bad >= settings.n_iter_no_change:
                rate = settings.eta0 * self._factor
                if settings.learning_rate != "adaptive" or rate <= SMALLEST_RATE:
                    break
                self._factor *= ADAPTIVE_FACTOR
                self._updater.observe(self._factor)
                bad = 0
        self._write()
        return epoch

    def _run(
        self, X: np.ndarray, targets: np.ndarray, weights: np.ndarray | None, order: np.ndarray
    ) -> EpochResult:
        """Run an epoch; averaging may begin within it."""
        start, plain = self.t, order[:0]
        if not self._averaging and start <= self.settings.average < start + len(order):
            plain, order = np.split(order, [self.settings.average - start])
        sums = EpochResult(0.0, 0.0, 0, None)
        if len(plain):
            sums = self._epoch.run(X, targets, weights, plain, 1)
            self.t += len(plain)
        if self.t != start or (not self._averaging and self.t == self.settings.average):
            self._start(averaging=True)
        if sums.diverged_at is None:
            rest = self._epoch.run(X, targets, weights, order, 1)
            self.t += len(order)
            sums = EpochResult(
                sums.loss_sum + rest.loss_sum,
                sums.weight_sum + rest.weight_sum,
                sums.steps + rest.steps,
                rest.diverged_at,
            )
        return sums

    def _penalty(self) -> float:
        """Return the mean penalty of the weights over the outputs."""
        coef, settings = self._arena.param["coef"], self.settings
        if settings.tol is None and not settings.verbose:
            return 0.0  # unused
        squares = float(np.vdot(coef, coef)) if settings.l2 else 0.0
        sizes = float(np.abs(coef).sum(dtype=np.float64)) if settings.l1 else 0.0
        return (settings.l2 * squares / 2 + settings.l1 * sizes) / len(coef)

    def _intercept(self) -> np.ndarray:
        return self._arena.param.get("intercept", self.weights.intercept)

    def _write(self) -> None:
        """Copy the weights and their means to the given arrays."""
        for name, values in self._arena.param.items():
            getattr(self.weights, name)[...] = values
        if self._averaging:
            for name, values in self._updater.averaged.items():
                getattr(self.weights, f"average_{name}")[...] = values
