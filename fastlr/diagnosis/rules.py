"""From figures to a verdict; thresholds were set on other runs than those they are tested on."""

from __future__ import annotations

import numpy as np

from .ratios import Figures
from .result import Evidence

# Parts of the loss of the best constant prediction, where nothing else is said.
WORSE = 2.0  # loss at the end, of a run that diverges
NOTHING = 0.02  # gain below which nothing has been learnt
NOTHING_SEEN = 0.01  # the same where the history does not tell what knowing nothing comes to
DEAD, KILLED = 0.9, 0.6  # share of dead units with which nothing can be learnt, or little
RISE, RATIO = 0.06, 1.12  # of the validation loss, above its lowest
LEARNT = 0.8  # progress from which over-fitting is what matters, whatever the curve looks like
DONE, SETTLED = 0.83, 0.9  # gain from which a run is done, and from which it has not jumped about
PEAK = 1.5  # highest loss from which a run that came back had overshot
SHORT, PEAK_SHORT = 8, 5.0  # epochs up to which it takes a higher one
ROUGH, JUMPS = 0.25, 0.015  # of a curve that jumps about
STRAIGHT = 0.94  # cosine between movements that only go on: at rest so, a rate is far too low

# Networks, most of which can come near a loss of zero.
UNMOVED, ONWARD = 0.06, 0.3  # stride and cosine of one that stays close to its first weights
LEANING, SMOOTH, FLAT = 0.55, 0.012, 0.025  # cosine, jumps and slope of one that creeps
LATE_FALL = 0.075  # over the second half of the path, that says there is more to gain

# Linear models, which settle at any loss, and models of which nothing is known.
ALIGNED, PACE = 0.82, 0.68  # cosine and pace of one that creeps
STEEP, BRISK = 0.085, 1.5  # slope and pace that say there is more to gain
AROUND = -0.3  # cosine below which a run goes around an optimum


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
    before = np.fmax(f.start, f.reference)
    if not f.end > WORSE * before:
        return []
    ratio = f.end / before
    than = "before training" if f.known else "in the first epoch"
    return [Evidence("end loss", f.end, f"loss of {f.end:.3g}, {ratio:.3g} times that {than}")]


def _overfitting(f: Figures) -> list[Evidence]:
    if not (f.validation_rise > RISE and f.validation_ratio > RATIO):
        return []
    if not (f.last < f.validation_last and f.gain > NOTHING):
        return []
    return [
        Evidence(
            "validation loss",
            f.validation_last,
            f"validation loss of {f.validation_last:.3g}, {f.validation_ratio:.2f} times its "
            f"lowest in epoch {f.validation_best} of {f.epochs}",
        ),
        Evidence("last loss", f.last, f"training loss went on to {f.last:.3g}"),
    ]


def _learnt_by_heart(f: Figures) -> list[Evidence]:
    return _overfitting(f) if f.progress > LEARNT and f.peak <= PEAK else []


def _beyond_hope(f: Figures) -> list[Evidence]:
    at_rest = abs(f.gain) < 2 * NOTHING_SEEN and f.jumps < NOTHING_SEEN
    at_rest &= abs(f.slope) < NOTHING_SEEN
    return _stuck(f) if f.dead_units >= DEAD or at_rest else []


def _stuck(f: Figures) -> list[Evidence]:
    nothing = f.gain < NOTHING and f.end_gain < 5 * NOTHING
    if not f.known:  # the first epoch may have learnt it all
        nothing = f.gain < NOTHING_SEEN and f.jumps < NOTHING_SEEN
    still = abs(f.first - f.last) < 2 * NOTHING_SEEN * f.reference and f.paired_gain < NOTHING
    if not (nothing or (still and not f.alignment < STRAIGHT)):
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


def _overshooting(f: Figures) -> list[Evidence]:
    peak = PEAK if f.epochs > SHORT else PEAK_SHORT
    if not (f.known and f.peak > peak and f.end_gain < SETTLED):
        return []
    text = f"the loss went up to {f.highest:.3g}, {f.peak:.2g} times that before training"
    return [Evidence("peak", f.peak, text), *_aligned(f, "movements of epochs hardly agree")]


def _oscillating(f: Figures) -> list[Evidence]:
    rough = f.roughness > ROUGH and f.jumps > JUMPS
    at_rest = f.annealed and not f.dead_units > KILLED  # whatever it did before
    if not rough or at_rest or f.end_gain > SETTLED:
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
    if f.end_gain > DONE:
        return []
    unmoved = f.network and f.stride < UNMOVED and not f.alignment < ONWARD
    if not (unmoved or _creeps(f)):
        return []
    text = f"the loss fell by {f.progress:.0%} of {f.reference:.3g}"
    found = [Evidence("progress", f.progress, text)]
    if unmoved:
        text = f"no epoch moved the weights by more than {f.stride:.1%} of their size"
        return [*found, Evidence("stride", f.stride, text)]
    return [*found, *_aligned(f, "each epoch goes on in the direction of the one before")]


def _creeps(f: Figures) -> bool:
    """Whether epochs go on evenly in one direction."""
    if not np.isfinite(f.alignment):
        return f.roughness == 0 and (f.pace > BRISK or (f.pace > PACE and f.slope < STEEP))
    if f.network:
        return f.alignment > LEANING and f.jumps < SMOOTH and f.slope < FLAT
    return f.alignment > ALIGNED and f.pace > PACE and f.slope < STEEP


def _unfinished(f: Figures) -> list[Evidence]:
    if f.network:
        falling = f.late_fall > LATE_FALL
        text = f"the loss fell by {f.late_fall:.0%} of {f.reference:.3g} in the second half"
        found = Evidence("late fall", f.late_fall, text)
    else:
        falling = f.slope > STEEP
        if np.isfinite(f.alignment):
            falling &= f.pace > BRISK and f.alignment > AROUND
        text = f"the loss still fell by {f.slope:.0%} of {f.reference:.3g} in the last quarter"
        found = Evidence("slope", f.slope, text)
    if not falling or f.end_gain > DONE:
        return []
    return [found, *_aligned(f, "movements of epochs agree in part")]


def _healthy(f: Figures) -> list[Evidence]:
    text = f"the loss fell to {f.last:.3g}, {_better(f.progress)} {f.reference:.3g}"
    return [Evidence("progress", f.progress, text)]


def _aligned(f: Figures, text: str) -> list[Evidence]:
    if not np.isfinite(f.alignment):
        return []
    return [Evidence("alignment", f.alignment, f"{text} (cosine {f.alignment:.2f})")]


def _better(progress: float) -> str:
    if progress < -1:
        return f"{1 - progress:.3g} times the"
    if progress < 0:
        return f"{-progress:.2%} above the"
    return f"{progress:.2%} below the"


_RULES = (
    ("diverging", _diverging),
    ("stuck", _beyond_hope),
    ("oscillating", _overshooting),
    ("stuck", _stuck),
    ("overfitting", _learnt_by_heart),
    ("oscillating", _oscillating),
    ("overfitting", _overfitting),
    ("too slow", _too_slow),
    ("unfinished", _unfinished),
)
