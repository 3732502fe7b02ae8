"""What a verdict means, what may have caused it, and the one thing to do about it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..exceptions import ScaleWarning
from .ratios import Figures
from .rules import STRAIGHT
from .subject import Subject

LARGE = 100.0  # size of features for which first weights are not made
DEAD = 0.5  # share of dead units that is a cause
SMALL = 1e-2  # size of the largest feature, for which they are not made either
ALIKE = 5e-3  # part by which the loss of first weights differs from that of a constant, if zero


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
    summary = "Training has left the finite numbers."
    if f.finite:
        summary = "The loss has grown beyond that of a model that knows nothing."
    causes = [f"the learning rate{_at(s)} is too high"]
    if _unscaled(f):
        scaled = {"standardize": True}
        causes.insert(0, _features(f))
        return Advice(
            summary,
            tuple(causes),
            "bring the features to one scale: standardize=True, or a StandardScaler before",
            scaled,
        )
    step, change = _rate(s, 0.1)
    if s.params.get("clip_norm", 1.0) is None:
        step += "; if single steps still blow up, clip_norm=1.0"
    return Advice(summary, tuple(causes), step, change)


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
        elif s.params.get("warm_start_from") is not None:
            causes.append("the weights that training started from are unfit")
            step, change = _afresh(s)
        else:
            causes.append("too high a rate has killed them, or first weights are unfit")
            step, change = _rate(s, 0.1)
    elif _unscaled(f) or f.largest_feature < SMALL:
        causes += [_features(f), slow]
        step, change = _scale()
    elif _starts_at_zero(f):
        causes += ["first weights that are all alike, or zero", slow]
        step, change = _afresh(s)
    else:
        causes += [slow, "features are not scaled", "first weights are unfit"]
        step, change = _rate(s, 100.0)
    causes.append("the targets do not depend on the features")
    return Advice(summary, tuple(causes), step, change)


def _overfitting(f: Figures, s: Subject) -> Advice:
    summary = "The model learns its training rows by heart; on others it gets worse."
    causes = ("too many epochs, or too large a model, for so few rows",)
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
    how = {0.1: "a tenth of", 10.0: "ten times", 100.0: "a hundred times"}[factor]
    if not (np.isfinite(s.lr) and s.lr > 0):
        return f"train at {how} the learning rate", {}
    lr = float(f"{s.lr * factor:.3g}")
    step = f"train at {how} the rate: lr={lr:g}"
    if s.params.get("lr", "auto") != "auto":
        step += ', or let lr="auto" find one'
    return step, {"lr": lr}


def _starts_at_zero(f: Figures) -> bool:
    """Whether a network starts as if its weights were zero, and does not go one way from there."""
    network = np.isfinite(f.dead_units)
    zero = abs(f.start - f.reference) <= ALIKE * f.reference
    return bool(network and zero and not f.alignment > STRAIGHT)


def _afresh(s: Subject) -> tuple[str, dict[str, Any]]:
    change: dict[str, Any] = {"init": "auto"}
    if s.params.get("warm_start_from") is not None:
        change["warm_start_from"] = None
    return 'start from random weights that suit the activation: init="auto"', change


def _unscaled(f: Figures) -> bool:
    return f.largest_feature > ScaleWarning.RATIO * f.smallest_feature or f.largest_feature > LARGE


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
