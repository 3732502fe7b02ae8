"""Advice: the meaning, likely causes and next step of a verdict."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .ratios import SMALL, Figures
from .rules import ASTRAY, STRAIGHT
from .subject import Subject

DEAD = 0.5  # fraction of dead units that counts as a cause


class Advice(NamedTuple):
    """The advice on a verdict, as in `Diagnosis`."""

    summary: str
    causes: tuple[str, ...]  # the likeliest first
    next_step: str
    change: dict[str, Any]  # constructor parameters that make the next step


def advise(verdict: str, f: Figures, subject: Subject) -> Advice:
    """Return the advice on a verdict."""
    return _ADVICE[verdict](f, subject)


def _diverging(f: Figures, s: Subject) -> Advice:
    summary = "The loss or gradient is no longer finite."
    if f.finite:
        summary = "The loss has grown beyond the loss of a constant model."
    causes = [f"the learning rate{_at(s)} is too high"]
    if f.unscaled:
        return Advice(summary, (_features(f), *causes), *_scale())
    step, change = _rate(s, 0.1)
    if s.params.get("clip_norm", 1.0) is None:
        step += "; if single steps are still too large, clip_norm=1.0"
    return Advice(summary, tuple(causes), step, change)


def _oscillating(f: Figures, s: Subject) -> Advice:
    causes = [f"the learning rate{_at(s)} is too high: steps overshoot"]
    if s.chunks:
        causes.append("the data have changed")
        summary = "The loss of new rows is above what the model has reached, or can reach."
        return Advice(summary, tuple(causes), *_rate(s, 0.1))
    if s.params.get("batch_size") not in (None, "auto") and s.params["batch_size"] < 16:
        causes.append(f"mini-batches of {s.params['batch_size']} rows make noisy gradients")
    step, change = _rate(s, 0.1)
    if s.params and s.params.get("schedule") is None and "schedule" in s.params:
        change["schedule"] = "cosine"
        step += ' and lower it over the run: schedule="cosine"'
    return Advice("The loss jumps up and down instead of settling.", tuple(causes), step, change)


def _too_slow(f: Figures, s: Subject) -> Advice:
    step, change = _rate(s, 10.0)
    return Advice(
        "The loss falls steadily, but far too slowly.",
        (f"the learning rate{_at(s)} is too low",),
        step,
        change,
    )


def _stuck(f: Figures, s: Subject) -> Advice:
    summary = "Nothing has been learnt yet."
    slow = f"the learning rate{_at(s)} is far too low"
    causes: list[str] = []
    step: str
    change: dict[str, Any]
    if f.dead_units >= DEAD:
        causes.append(f"{f.dead_units:.0%} of the hidden units are dead or saturated")
        if f.unscaled:
            causes.append(_features(f))
            step, change = _scale()
        elif s.params.get("warm_start_from") is not None:
            causes.append("the initial weights are unsuitable")
            step, change = _afresh(s)
        else:
            causes.append("the learning rate was too high, or the initial weights are unsuitable")
            step, change = _rate(s, 0.1)
    elif f.unscaled or f.largest_feature < SMALL:
        causes += [_features(f), slow]
        step, change = _scale()
    elif f.starts_at_zero and not f.alignment > STRAIGHT:
        causes += ["the initial weights are all equal, or zero", slow]
        step, change = _afresh(s)
    elif f.alignment < ASTRAY:
        causes.append(f"the learning rate{_at(s)} is too high: epochs undo each other")
        step, change = _rate(s, 0.1)
    else:
        causes += [slow, "features are not scaled", "the initial weights are unsuitable"]
        step, change = _rate(s, 100.0)
    causes.append("the targets do not depend on the features")
    return Advice(summary, tuple(causes), step, change)


def _overfitting(f: Figures, s: Subject) -> Advice:
    summary = "The model memorises its training rows and gets worse on others."
    causes = ("too many epochs or too large a model for so few rows",)
    if s.params.get("early_stopping"):
        least: float = 1e-3
        change: dict[str, Any] = {}
        if "penalty" in s.params:
            least, change = 1e-2, {"penalty": "l2"}
        change["alpha"] = max(least, 10 * float(s.params.get("alpha", 0.0)))
        step = f"penalise large weights: alpha={change['alpha']:g}" + (
            ', penalty="l2"' if "penalty" in s.params else ""
        )
        return Advice(summary, causes, step, change)
    step = (
        f"stop at the best validation loss, in epoch {f.validation_best}: early_stopping=True "
        "keeps the weights of the best epoch"
    )
    return Advice(summary, causes, step, {"early_stopping": True})


def _no_signal(f: Figures, s: Subject) -> Advice:
    causes = [
        "the targets do not depend on the features",
        "rows of X and y do not belong together",
        "they depend on them in a way that this model cannot express",
    ]
    if s.chunks:
        causes.append(f"the learning rate{_at(s)} is too high to hold a faint signal")
    step = (
        "check that each row of X is beside its target, and try other features or a model of "
        "another kind; a higher learning rate does not help"
    )
    summary = "The model finds nothing in the features that the targets depend on."
    return Advice(summary, tuple(causes), step, {})


def _too_short(f: Figures, s: Subject) -> Advice:
    what = "chunks of rows" if s.chunks else "epochs"
    return Advice(
        "The run is too short to tell chance from progress.",
        (f"{f.epochs} {what} are too few",),
        f"go on, and diagnose again after more {what}",
        {},
    )


def _unfinished(f: Figures, s: Subject) -> Advice:
    if s.chunks:
        step = "go on: further rows still lower the loss"
        return Advice("Training goes well and has not ended.", ("rows are too few",), step, {})
    epochs = 3 * max(int(s.params.get("max_epochs", f.epochs)), f.epochs)
    return Advice(
        "Training goes well but ended too early.",
        (f"{f.epochs} epochs are too few",),
        f"train three times as long: max_epochs={epochs}",
        {"max_epochs": epochs},
    )


def _healthy(f: Figures, s: Subject) -> Advice:
    step = "keep these settings"
    if not s.chunks and not np.isfinite(f.validation_last):
        step += "; validation rows (early_stopping=True, or X_val) would show overfitting"
    return Advice("Training went well and the loss has settled.", (), step, {})


_ADVICE = {
    "diverging": _diverging,
    "oscillating": _oscillating,
    "too slow": _too_slow,
    "stuck": _stuck,
    "no signal": _no_signal,
    "overfitting": _overfitting,
    "unfinished": _unfinished,
    "healthy": _healthy,
    "too short": _too_short,
}


def _at(s: Subject) -> str:
    return f" of {s.lr:.3g}" if np.isfinite(s.lr) else ""


def _rate(s: Subject, factor: float) -> tuple[str, dict[str, Any]]:
    """Return the advice to multiply the rate, and the parameter for it."""
    how = {0.1: "a tenth of", 10.0: "ten times", 100.0: "a hundred times"}[factor]
    if not (np.isfinite(s.lr) and s.lr > 0):
        return f"train at {how} the learning rate", {}
    lr = float(f"{s.lr * factor:.3g}")
    step = f"train at {how} the rate: lr={lr:g}"
    if s.params.get("lr", "auto") != "auto":
        step += ', or use lr="auto"'
    return step, {"lr": lr}


def _afresh(s: Subject) -> tuple[str, dict[str, Any]]:
    change: dict[str, Any] = {"init": "auto"}
    if s.params.get("warm_start_from") is not None:
        change["warm_start_from"] = None
    return 'start from random weights that suit the activation: init="auto"', change


def _features(f: Figures) -> str:
    return (
        f"features differ in scale or are large: from {f.smallest_feature:.2g} to "
        f"{f.largest_feature:.2g}"
    )


def _scale() -> tuple[str, dict[str, Any]]:
    return (
        "scale the features: standardize=True, or a StandardScaler before the model",
        {"standardize": True},
    )
