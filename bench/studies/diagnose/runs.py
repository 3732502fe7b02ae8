"""Training runs with a known fault, for `bench.studies.diagnose`, and how each is labelled.

A label is what a run was made to be *and* what was measured on it, by scikit-learn's losses on
all rows, apart from its history; the diagnosis has no part in it. B is the loss of the best
constant prediction, T of the trained model on its training rows, T0 of its first weights, L the
lowest that any of a grid of rates reaches in as many epochs, L6 that of a run at the best rate for
six times as long. The best rate is a third of the way up those within 0.02 (B - L) of L, on a
logarithmic scale. Groups need B - L > 0.1 B. Test loss is that of all rows not trained on.

=============  =========================  ====================================================
label          made                       measured
=============  =========================  ====================================================
diverging      best rate x 10 and more,   not finite, or T > 2 B and T > 2 T0
               or unscaled features
oscillating    best rate x 10 and more    T < B by 0.02 (B - L), and 0.1 (B - L) and more above
                                          L; test loss too is 0.05 B and more above that of the
                                          best rate
too slow       best rate / 30 and less    gained 5 to 80 % of the way from min(B, T0) to L; test
                                          loss as above
stuck          best rate / 1000 and       gained less than 2 % of that way; after a rate too
               less; dead or zero first   high only if 90 % of the units are dead, else two
               weights; unscaled          names would fit
               features
overfitting    best rate, with            test loss ends 0.1 B and 15 % above its lowest
               validation rows
unfinished     best rate of so few steps  0.1 (B - L6) and more above L6, test loss too is higher
healthy        best rate                  at most 0.04 (B - L6) above L6; test loss ends at most
                                          0.03 B above its lowest; not 0.1 (B - L) and more above
                                          L with a test loss as above: another rate and more
                                          epochs are then known to do better
no signal      best rate x 1 and 3, with  0.98 B < T < 1.1 B: the rate learns the targets as they
               targets in random order    were, and hardly memorises these
=============  =========================  ====================================================

What lies between is left out, and counted.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone

from fastlr import LinearClassifier, LinearRegressor, MLPClassifier, MLPRegressor
from fastlr.optimizers import SGD

from .problems import Problem, cut, problems

GRID = 10.0 ** np.arange(-5, 1.5, 0.5)
COARSE = 10.0 ** np.arange(-4, 1.5, 0.75)
OPTIMIZERS = ("adamw", SGD(momentum=0.9), "rmsprop", "adagrad", "lion", "adam", "nadam", "sgd")
SCHEDULES = ("onecycle", None, "cosine")
LOW, HIGH = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1 / 30), (10.0, 30.0, 100.0, 1e3, 1e5)


@dataclass
class Run:
    """A labelled run."""

    group: str
    made: str
    label: str
    history: dict[str, np.ndarray]
    measured: dict[str, float] = field(default_factory=dict)


def loss_of(model: Any, X: np.ndarray, y: np.ndarray, problem: Problem) -> float:
    """Return the mean loss, by predictions alone."""
    with np.errstate(all="ignore"):
        if problem.classes:
            return float(-model.predict_log_proba(X)[np.arange(len(y)), y].mean())
        return float(np.mean((model.predict(X) - y) ** 2) / (2 * problem.train[1].var()))


def constant_loss(y: np.ndarray, problem: Problem) -> float:
    """Return the loss of the best constant prediction of the training rows, on any rows."""
    known = problem.train[1]
    if problem.classes:
        share = np.bincount(known) / len(known)
        return float(-np.log(share[y]).mean())
    return float(np.mean((y - known.mean()) ** 2) / (2 * known.var()))


def fit(
    model: Any, problem: Problem, with_val: bool = False, watch: bool = False, **given: Any
) -> dict[str, Any]:
    """Train, and measure all that labels need."""
    tests: list[float] = []

    def after(fitted: Any, row: dict[str, float]) -> None:
        tests.append(loss_of(fitted, *problem.held_out, problem))

    X, y = problem.train
    model = clone(model).set_params(**given)
    extra = {"X_val": problem.val[0], "y_val": problem.val[1]} if with_val else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y, on_epoch=after if watch else None, **extra)
    history = model.history_
    diverged = model.n_iter_ < model.max_epochs
    return {
        "model": model,
        "history": history,
        "finite": not diverged and bool(np.isfinite(history["loss"]).all()),
        "T": loss_of(model, X, y, problem),
        "tests": tests or [loss_of(model, *problem.held_out, problem)],
    }


def reached(found: dict[str, Any]) -> float:
    """Return the training loss, infinite where it is not finite."""
    return found["T"] if found["finite"] and np.isfinite(found["T"]) else np.inf


def dead_share(model: Any, X: np.ndarray) -> float:
    """Return the share of relu units that are zero on all rows."""
    if not hasattr(model, "coefs_") or model.activation != "relu" or len(model.coefs_) != 2:
        return 0.0
    return float(np.mean((X @ model.coefs_[0] + model.intercepts_[0] <= 0).all(axis=0)))


def spoilt(model: Any, problem: Problem, how: str, seed: int) -> Any:
    """Return a fitted network with unfit weights, to start from."""
    first = clone(model).set_params(lr=1e-9, max_epochs=1, schedule=None, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first.fit(*problem.train)
    weights, biases = [w.copy() for w in first.coefs_], [b.copy() for b in first.intercepts_]
    if how == "zero weights":
        weights, biases = [0 * w for w in weights], [0 * b for b in biases]
    elif how == "dead units":
        biases[0] = biases[0] - 1e3
    first.coefs_, first.intercepts_ = weights, biases
    return first


def label_good(
    found: dict[str, Any],
    B: float,
    L: float,
    B_test: float,
    with_val: bool,
    worse: bool,
    longer: Callable[[], Any],
) -> str | None:
    """Label a run at the best rate; None for what lies between."""
    T, tests = reached(found), np.array(found["tests"])
    rise = (tests[-1] - tests.min()) / B_test
    if rise >= 0.1 and tests[-1] >= 1.15 * tests.min() and tests[-1] > T:
        return "overfitting" if with_val else None
    if rise > 0.03 or T > B:
        return None
    long = longer()
    above = (T - reached(long)) / (B - reached(long))
    if above >= 0.1 and long["tests"][-1] < tests[-1]:
        return "unfinished"
    beaten = worse and T - L >= 0.1 * (B - L)
    return "healthy" if above <= 0.04 and not beaten else None


def label_high(
    found: dict[str, Any], B: float, L: float, T0: float, dead: float, worse: bool
) -> str | None:
    """Label a run at a rate too high; `worse` tells whether test rows show it."""
    T = reached(found)
    if T > 2 * B and T > 2 * T0:
        return "diverging"
    if abs(T - B) < 0.02 * (B - L) or T > B:
        return "stuck" if dead >= 0.9 and T < 1.1 * B else None
    return "oscillating" if worse and T - L >= 0.1 * (B - L) else None


def label_low(found: dict[str, Any], B: float, L: float, T0: float, worse: bool) -> str | None:
    """Label a run at a rate too low."""
    before = min(B, T0)
    gained = (before - reached(found)) / (before - L)
    if gained < 0.02:
        return "stuck"
    return "too slow" if worse and 0.05 <= gained <= 0.8 else None


def best_of_grid(model: Any, problem: Problem, rates: np.ndarray, seed: int) -> tuple[float, float]:
    """Return a rate that comes near the lowest training loss, and that loss."""
    losses = np.array([reached(fit(model, problem, lr=lr, random_state=seed)) for lr in rates])
    L = losses.min()
    near = rates[losses <= L + 0.02 * (constant_loss(problem.train[1], problem) - L)]
    return float(near[(len(near) - 1) // 3]) if len(near) else float(rates[0]), float(L)


def longer(model: Any, problem: Problem, rate: float, seed: int) -> dict[str, Any]:
    """Return the better of two runs that are six times as long."""
    epochs = 6 * model.max_epochs
    runs = [
        fit(model, problem, lr=lr, max_epochs=epochs, random_state=seed + 2)
        for lr in (rate, rate / 3)
    ]
    return min(runs, key=reached)


def group_runs(problem: Problem, model: Any, name: str, seed: int) -> tuple[list[Run], list[Run]]:
    """Return the labelled runs of a problem and a model, and those that were left out."""
    B = constant_loss(problem.train[1], problem)
    B_test = constant_loss(problem.held_out[1], problem)
    best, L = best_of_grid(model, problem, GRID, seed)
    if not B - L > 0.1 * B:
        return [], []
    test_at_best = fit(model, problem, lr=best, random_state=seed)["tests"][-1]
    runs: list[Run] = []
    left_out: list[Run] = []

    def add(made: str, label: str | None, found: dict[str, Any]) -> None:
        measured = {"T": found["T"], "B": B, "L": L, "lr": found["model"].lr_}
        run = Run(name, made, label or "", found["history"], measured)
        (runs if label else left_out).append(run)

    epochs = model.max_epochs
    short = {"batch_size": 64 if len(problem.train[1]) > 256 else "auto"}
    for k, (n, settings) in enumerate(
        ((epochs, {}), (5 * epochs, {}), (2, short), (3 + seed % 3, short), (8, short))
    ):
        rate, with_val = best, k == 1 or (seed + k) % 2 == 0
        now = clone(model).set_params(max_epochs=n, **settings)
        if settings:
            rate, _ = best_of_grid(now, problem, COARSE, seed)
        found = fit(now, problem, with_val, True, lr=rate, random_state=seed + 1)
        worse = not found["tests"][-1] - test_at_best < 0.05 * B_test
        more = partial(longer, now, problem, rate, seed)
        label = label_good(found, B, L, B_test, with_val, worse, more)
        add(f"best rate, {n} epochs", label, found)
    for k, factor in enumerate((*LOW, *HIGH)):
        given = {"random_state": seed + 3 + k}
        found = fit(model, problem, (seed + k) % 2 == 0, lr=best * factor, **given)
        T0 = reached(fit(model, problem, lr=1e-30, max_epochs=1, **given))
        worse = not found["tests"][-1] - test_at_best < 0.05 * B_test
        if factor < 1:
            label = label_low(found, B, L, T0, worse)
        else:
            dead = dead_share(found["model"], problem.train[0])
            label = label_high(found, B, L, T0, dead, worse)
        add(f"best rate x {factor:.0e}", label, found)
    scales = 10.0 ** np.random.default_rng(seed).uniform(-3, 3, problem.train[0].shape[1])
    unscaled = [("unscaled", scales)] if problem.train[0].shape[1] > 3 else []
    for made, scale in [*unscaled, ("tiny features", 1e-5), ("huge features", 1e5)]:
        wide = Problem(
            name,
            (problem.train[0] * scale, problem.train[1]),
            *((X * scale, y) for X, y in (problem.val, problem.test)),
            problem.classes,
        )
        found = fit(model, wide, seed % 2 == 0, lr=best, standardize=False, random_state=seed)
        T, gained = reached(found), (B - reached(found)) / (B - L)
        dead = dead_share(found["model"], wide.train[0])
        first = fit(model, wide, lr=1e-30, max_epochs=1, standardize=False, random_state=seed)
        label = None
        if not found["finite"] or (T > 2 * B and 2 * reached(first) < T):
            label = "diverging"
        elif gained < 0.02 and (T < 1.1 * B or dead >= 0.9):
            label = "stuck"
        add(made, label, found)
    y = np.random.default_rng(seed).permutation(problem.train[1])
    mixed = Problem(name, (problem.train[0], y), problem.val, problem.test, problem.classes)
    for factor in (1e-3, 1.0, 3.0):
        found = fit(model, mixed, lr=best * factor, random_state=seed)
        hardly = factor >= 1 and 0.98 * B < reached(found) < 1.1 * B
        add(f"random targets, best rate x {factor:g}", "no signal" if hardly else None, found)
    if hasattr(model, "hidden_layer_sizes"):
        for how in ("zero weights", "dead units"):
            first = spoilt(model, problem, how, seed)
            found = fit(model, problem, False, lr=best, warm_start_from=first, random_state=seed)
            gained = (B - reached(found)) / (B - L)
            add(how, "stuck" if gained < 0.02 else None, found)
    return runs, left_out


def overfit_runs(problem: Problem, model: Any, name: str, seed: int) -> tuple[list[Run], list[Run]]:
    """Return a run of a large network on few rows, at its best rate; labelled as any other."""
    best, L = best_of_grid(model, problem, COARSE, seed)
    B, B_test = (constant_loss(y, problem) for y in (problem.train[1], problem.held_out[1]))
    found = fit(model, problem, True, True, lr=best, random_state=seed + 1)
    label = label_good(found, B, L, B_test, True, False, lambda: found)
    measured = {"T": found["T"], "B": B, "L": L, "lr": best}
    run = Run(name, "few rows, large network", label or "", found["history"], measured)
    return ([run], []) if label == "overfitting" else ([], [run])


def all_runs(split: str, seed: int, say: Any = print) -> tuple[list[Run], list[Run]]:
    """Return all labelled runs of a split, and those that were left out, without a label."""
    runs: list[Run] = []
    left_out: list[Run] = []
    pairs = zip(itertools.cycle(SCHEDULES), itertools.cycle(OPTIMIZERS))  # all 24 in turn
    combos = itertools.islice(pairs, seed % 1000, None)
    for number, problem in enumerate(problems(split, seed)):
        for kind in ("linear", "relu", "tanh"):
            schedule, optimizer = next(combos)
            settings = {"optimizer": optimizer, "schedule": schedule, "standardize": False}
            if kind == "linear":
                model: Any = (LinearClassifier if problem.classes else LinearRegressor)(**settings)
            else:
                cls = MLPClassifier if problem.classes else MLPRegressor
                model = cls((32,), kind, **settings)
            name = f"{problem.name}, {kind}, {optimizer}, {schedule}"
            found, out = group_runs(problem, model, name, seed + 100 * number)
            runs, left_out = runs + found, left_out + out
            say(f"{name}: {len(found)} labelled, {len(out)} left out")
            if kind == "relu":
                X, y = (
                    np.concatenate([a, b]) for a, b in zip(problem.train, problem.test, strict=True)
                )
                few = cut(problem.name, X, y, seed + number, rows=40)
                big = clone(model).set_params(hidden_layer_sizes=(200,), max_epochs=40)
                found, out = overfit_runs(few, big, name + ", 40 rows", seed + number)
                runs, left_out = runs + found, left_out + out
    return runs, left_out
