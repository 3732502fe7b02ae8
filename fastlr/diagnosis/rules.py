"""From figures to a verdict; thresholds were set on other runs than those they are tested on."""

from __future__ import annotations

import numpy as np

from .figures import Figures
from .result import Evidence

WORSE = 2.0  # loss over that of knowing nothing from which a run counts as diverging
NOTHING = 0.03  # progress below which nothing has been learnt
NOTHING_SEEN = 0.01  # the same where the history does not tell what knowing nothing comes to
RISE = 0.1  # of the validation loss over its lowest
ROUGH, JUMPS = 0.25, 0.03  # of a curve that jumps about
STRAIGHT = 0.8  # cosine between the movements of epochs from which steps are far too small
STEEP = 0.05  # fall over the last quarter that says there is more to gain


def judge(f: Figures) -> tuple[str, list[Evidence]]:
    """Return the verdict on a run, and what it rests on.

    Parameters
    ----------
    f : Figures
        Of its history.

    Returns
    -------
    verdict : str
        One of `VERDICTS`.
    evidence : list of Evidence
        The figure that decided comes first.
    """
    for verdict, rule in _RULES:
        found = rule(f)
        if found:
            return verdict, found
    return "healthy", _healthy(f)


def _diverging(f: Figures) -> list[Evidence]:
    if not f.finite:
        if not f.epochs:
            return [Evidence("epochs", 0, "no epoch was finished: loss or gradient was not finite")]
        text = f"loss or gradient was not finite after {f.epochs} epochs"
        return [Evidence("epochs", f.epochs, text)]
    before = f.first if not f.known else np.fmax(f.start, f.reference)
    if f.last <= WORSE * before:
        return []
    ratio = f.last / before
    than = "before training" if f.known else "in the first epoch"
    return [Evidence("last loss", f.last, f"loss of {f.last:.3g}, {ratio:.3g} times that {than}")]


def _overfitting(f: Figures) -> list[Evidence]:
    if not (f.validation_rise > RISE and f.validation_best < f.epochs and f.lowest < f.first):
        return []
    if not f.last < f.validation_last:
        return []
    return [
        Evidence(
            "validation loss",
            f.validation_last,
            f"validation loss of {f.validation_last:.3g}, {f.validation_rise:.0%} above its lowest "
            f"in epoch {f.validation_best} of {f.epochs}",
        ),
        Evidence("last loss", f.last, f"training loss went on to {f.last:.3g}"),
    ]


def _stuck(f: Figures) -> list[Evidence]:
    if not f.progress < (NOTHING if f.known else NOTHING_SEEN):
        return []
    than = "the best constant prediction" if f.known else "the first epoch"
    found = [
        Evidence(
            "progress",
            f.progress,
            f"loss of {f.last:.4g} is {_better(f.progress)} {f.reference:.4g} of {than}",
        )
    ]
    if f.dead_units > 0:
        text = f"{f.dead_units:.0%} of the hidden units give no row a gradient"
        found.append(Evidence("dead units", f.dead_units, text))
    return found


def _oscillating(f: Figures) -> list[Evidence]:
    if not (f.roughness > ROUGH and f.jumps > JUMPS and not f.alignment > STRAIGHT):
        return []
    return [
        Evidence(
            "jumps",
            f.jumps,
            f"the loss jumps by {f.jumps:.2g} of {f.reference:.3g} from epoch to epoch",
        ),
        Evidence("roughness", f.roughness, f"{f.roughness:.0%} of its movement is upwards"),
        *_aligned(f, "epochs undo part of what the one before did"),
    ]


def _too_slow(f: Figures) -> list[Evidence]:
    straight = f.alignment > STRAIGHT if np.isfinite(f.alignment) else f.early < 0.5
    if not (straight and f.progress < 0.9):
        return []
    return [
        Evidence("progress", f.progress, f"the loss fell by {f.progress:.0%} of {f.reference:.3g}"),
        *_aligned(f, "each epoch goes on in the direction of the one before"),
    ]


def _unfinished(f: Figures) -> list[Evidence]:
    if not f.slope > STEEP:
        return []
    text = f"the loss still fell by {f.slope:.0%} of {f.reference:.3g} in the last quarter"
    return [Evidence("slope", f.slope, text)]


def _healthy(f: Figures) -> list[Evidence]:
    text = f"the loss fell to {f.last:.3g}, {_better(f.progress)} {f.reference:.3g}"
    return [Evidence("progress", f.progress, text)]


def _aligned(f: Figures, text: str) -> list[Evidence]:
    if not np.isfinite(f.alignment):
        return []
    return [Evidence("alignment", f.alignment, f"{text} (cosine {f.alignment:.2f})")]


def _better(progress: float) -> str:
    if progress < 0:
        return f"{-progress:.2%} above the"
    return f"{progress:.2%} below the"


_RULES = (
    ("diverging", _diverging),
    ("overfitting", _overfitting),
    ("stuck", _stuck),
    ("oscillating", _oscillating),
    ("too slow", _too_slow),
    ("unfinished", _unfinished),
)
