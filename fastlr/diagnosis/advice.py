"""What a verdict means, what may have caused it, and the one thing to do about it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .figures import Figures
from .subject import Subject

UNLIKE = 1e4  # ratio of the sizes of features from which one rate cannot suit them all
LARGE = 100.0  # size of features for which first weights are not made
DEAD = 0.5  # share of dead units that is a cause
STILL = 1e-6  # norm of a gradient that goes nowhere


class Advice(NamedTuple):
    """What to tell.

    Attributes
    ----------
    summary : str
        One sentence.
    causes : tuple of str
        The likeliest first.
    next_step : str
        One thing to do.
    change : dict of str to object
        Constructor parameters that do it.
    """

    summary: str
    causes: tuple[str, ...]
    next_step: str
    change: dict[str, Any]


def advise(verdict: str, f: Figures, subject: Subject) -> Advice:
    """Return what to tell of a verdict.

    Parameters
    ----------
    verdict : str
        One of `VERDICTS`.
    f : Figures
        Of the history.
    subject : Subject
        Knows the settings, where there are any.

    Returns
    -------
    Advice
    """
    return _ADVICE[verdict](f, subject)


def _diverging(f: Figures, s: Subject) -> Advice:
    causes = [f"the learning rate{_at(s)} is too high"]
    if _unscaled(f):
        scaled = {"standardize": True}
        causes.insert(0, _features(f))
        return Advice(
            "The loss grows instead of falling.",
            tuple(causes),
            "bring the features to one scale: standardize=True, or a StandardScaler before",
            scaled,
        )
    step, change = _rate(s, 0.1)
    if s.params.get("clip_norm", 1.0) is None:
        step += "; if single steps still blow up, clip_norm=1.0"
    return Advice("The loss grows instead of falling.", tuple(causes), step, change)


def _oscillating(f: Figures, s: Subject) -> Advice:
    causes = [f"the learning rate{_at(s)} is too high: steps overshoot"]
    if s.params.get("batch_size") not in (None, "auto") and s.params["batch_size"] < 16:
        causes.append(f"mini-batches of {s.params['batch_size']} rows make noisy gradients")
    step, change = _rate(s, 0.1)
    if s.params and s.params.get("schedule") is None and "schedule" in s.params:
        change["schedule"] = "cosine"
        step += ', and let it fall over the run: schedule="cosine"'
    return Advice("The loss jumps about instead of settling.", tuple(causes), step, change)


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
        if _unscaled(f):
            causes.append(_features(f))
            step, change = _scale()
        else:
            causes.append("too high a rate has killed them, or first weights are unfit")
            step, change = _rate(s, 0.1)
            change |= {"init": "auto"}
            step += ', with first weights that suit the activation: init="auto"'
    elif f.gradient < STILL:
        causes.append("the gradient is zero: first weights that are all alike, or zero")
        step, change = 'start from random weights: init="auto", no warm start', {"init": "auto"}
    elif _unscaled(f):
        causes += [_features(f), slow]
        step, change = _scale()
    else:
        causes += [slow, "features are not scaled", "first weights are unfit"]
        step, change = _rate(s, 100.0)
    causes.append("the targets do not depend on the features")
    return Advice(summary, tuple(causes), step, change)


def _overfitting(f: Figures, s: Subject) -> Advice:
    summary = "The model learns its training rows by heart; on others it gets worse."
    causes = ("too many epochs, or too large a model, for so few rows",)
    if s.params.get("early_stopping"):
        if "penalty" in s.params:
            step, change = (
                'penalise large weights: penalty="l2", alpha=0.01',
                {
                    "penalty": "l2",
                    "alpha": max(0.01, 10 * float(s.params.get("alpha", 0.0))),
                },
            )
        else:
            alpha = max(1e-3, 10 * float(s.params.get("alpha", 0.0)))
            step, change = f"penalise large weights: alpha={alpha:g}", {"alpha": alpha}
        return Advice(summary, causes, step, change)
    step = (
        f"stop where validation was best, in epoch {f.validation_best}: early_stopping=True keeps "
        "the weights of that epoch"
    )
    return Advice(summary, causes, step, {"early_stopping": True})


def _unfinished(f: Figures, s: Subject) -> Advice:
    epochs = 3 * max(int(s.params.get("max_epochs", f.epochs)), f.epochs)
    return Advice(
        "Training goes well, and ended before it was done.",
        (f"{f.epochs} epochs are too few",),
        f"train three times as long: max_epochs={epochs}",
        {"max_epochs": epochs},
    )


def _healthy(f: Figures, s: Subject) -> Advice:
    step = "keep these settings"
    if not np.isfinite(f.validation_last):
        step += "; validation rows (early_stopping=True, or X_val) would show over-fitting"
    return Advice("Training went well and has settled.", (), step, {})


_ADVICE = {
    "diverging": _diverging,
    "oscillating": _oscillating,
    "too slow": _too_slow,
    "stuck": _stuck,
    "overfitting": _overfitting,
    "unfinished": _unfinished,
    "healthy": _healthy,
}


def _at(s: Subject) -> str:
    return f" of {s.lr:.3g}" if np.isfinite(s.lr) else ""


def _rate(s: Subject, factor: float) -> tuple[str, dict[str, Any]]:
    """Return how to say another rate, and the parameter for it."""
    how = {0.1: "a tenth", 10.0: "ten times", 100.0: "a hundred times"}[factor]
    if not (np.isfinite(s.lr) and s.lr > 0):
        return f"train at {how} of the learning rate", {}
    lr = float(f"{s.lr * factor:.3g}")
    return f"train at {how} of the rate: lr={lr:g}", {"lr": lr}


def _unscaled(f: Figures) -> bool:
    return f.largest_feature > UNLIKE * f.smallest_feature or f.largest_feature > LARGE


def _features(f: Figures) -> str:
    return (
        f"features of unlike or large scale: from {f.smallest_feature:.2g} to "
        f"{f.largest_feature:.2g}"
    )


def _scale() -> tuple[str, dict[str, Any]]:
    return (
        "bring the features to one scale: standardize=True, or a StandardScaler before the model",
        {"standardize": True},
    )
