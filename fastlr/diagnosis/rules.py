"""Rules that give a verdict; thresholds were chosen on other runs than the test runs."""

from __future__ import annotations

import numpy as np

from .ratios import SMALL, Figures
from .result import Evidence

# Relative to the loss of the best constant prediction, unless noted otherwise.
WORSE = 2.0  # final loss above which a run diverges
NOTHING = 0.02  # gain below which nothing has been learnt
NOTHING_SEEN = 0.01  # the same if the history does not have the loss of a constant prediction
DEAD, KILLED = 0.9, 0.6  # fractions of dead units with which nothing, or little, can be learnt
RISE, RATIO = 0.06, 1.12  # of the validation loss above its lowest
LEARNT = 0.8  # progress above which overfitting takes precedence
DONE, SETTLED = 0.83, 0.9  # gains above which a run is finished, and does not oscillate
PEAK = 1.5  # highest loss above which a run that recovered had overshot
SHORT, PEAK_SHORT = 8, 5.0  # in runs of up to so many epochs the peak must be higher
ROUGH, JUMPS = 0.25, 0.015  # of an oscillating curve
FEWEST = 3  # losses below which nothing can be told, unless that of an untrained model is known
ASTRAY = 0.6  # cosine below which steps that have learnt nothing were not too small
TURNS = 4  # epochs from which on their directions tell
UNHARMED, NEAR = 0.5, 0.06  # dead units, and loss above a constant one, of a run without signal
STRAIGHT = 0.94  # cosine between epochs above which an unchanged loss means far too low a rate

# Networks, most of which can reach a loss near zero.
UNMOVED, ONWARD = 0.06, 0.3  # stride and cosine of a network that stays near its initial weights
LEANING, SMOOTH, FLAT = 0.55, 0.012, 0.025  # cosine, jumps and slope of a slow network
LATE_FALL = 0.075  # in the second half of the path, above which training is unfinished

# Linear models, which settle at any loss, and unknown models.
ALIGNED, PACE = 0.82, 0.68  # cosine and pace of a slow model
STEEP, BRISK = 0.085, 1.5  # slope and pace above which training is unfinished
AROUND = -0.3  # cosine below which a run circles around an optimum


def judge(f: Figures, searched: bool = False) -> tuple[str, list[Evidence]]:
    """Return the verdict, one of `VERDICTS`, and its evidence, the decisive figure first.

    `searched`: `fit` has tried rates from very low to high ones, and found this one best.
    """
    for verdict, rule in _RULES:
        found = rule(f)
        if found:
            if verdict == "stuck" and _has_no_signal(f, searched):
                return "no signal", found
            return verdict, found
    return "healthy", _healthy(f)


def _diverging(f: Figures) -> list[Evidence]:
    if not f.finite:
        if not f.epochs:
            return [Evidence("epochs", 0, "no epoch finished: loss or gradient was not finite")]
        text = f"loss or gradient was not finite after {f.epochs} epochs"
        return [Evidence("epochs", f.epochs, text)]
    before = np.fmax(f.start, f.reference)
    if not f.end > WORSE * before:
        return []
    ratio = f.end / before
    than = "before training" if f.known else "in the first epoch"
    return [Evidence("end loss", f.end, f"loss of {f.end:.3g}, {ratio:.3g} times the loss {than}")]


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
        Evidence("last loss", f.last, f"training loss fell to {f.last:.3g}"),
    ]


def _memorised(f: Figures) -> list[Evidence]:
    return _overfitting(f) if f.progress > LEARNT and f.peak <= PEAK else []


def _hopeless(f: Figures) -> list[Evidence]:
    at_rest = abs(f.gain) < 2 * NOTHING_SEEN and f.jumps < NOTHING_SEEN
    at_rest &= abs(f.slope) < NOTHING_SEEN
    return _stuck(f) if f.dead_units >= DEAD or at_rest else []


def _stuck(f: Figures) -> list[Evidence]:
    nothing = f.gain < NOTHING and f.end_gain < 5 * NOTHING
    if not f.known:  # the first epoch may have learnt everything
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
        text = f"{f.dead_units:.0%} of the hidden units have no gradient from any row"
        found.append(Evidence("dead units", f.dead_units, text))
    return found


def _has_no_signal(f: Figures, searched: bool) -> bool:
    """Whether steps of a size that suits the model have found no direction to learn in."""
    if not f.known or f.dead_units >= UNHARMED or f.peak > PEAK or f.validation_rise > RISE:
        return False
    if f.end_gain < -NEAR or f.gain < -NEAR:  # further above the constant than noise takes it
        return False
    if f.unscaled or f.largest_feature < SMALL or f.epochs < TURNS:
        return False
    if f.starts_at_zero:
        return False
    return f.alignment < (STRAIGHT if searched else ASTRAY)


def _overshooting(f: Figures) -> list[Evidence]:
    peak = PEAK if f.epochs > SHORT else PEAK_SHORT
    if not (f.known and f.peak > peak and f.end_gain < SETTLED):
        return []
    text = f"the loss rose to {f.highest:.3g}, {f.peak:.2g} times the loss before training"
    return [Evidence("peak", f.peak, text), *_aligned(f, "successive epochs hardly agree")]


def _oscillating(f: Figures) -> list[Evidence]:
    rough = f.roughness > ROUGH and f.jumps > JUMPS
    at_rest = f.annealed and not f.dead_units > KILLED
    if not rough or at_rest or f.end_gain > SETTLED:
        return []
    return [
        Evidence(
            "jumps",
            f.jumps,
            f"the loss jumps by {f.jumps:.2g} of {f.reference:.3g} from epoch to epoch",
        ),
        Evidence("roughness", f.roughness, f"{f.roughness:.0%} of its movement is upwards"),
        *_aligned(f, "epochs partly undo the previous one"),
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
    return [*found, *_aligned(f, "each epoch continues in the direction of the previous one")]


def _creeps(f: Figures) -> bool:
    """Whether epochs move evenly in one direction."""
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
    return [found, *_aligned(f, "successive epochs partly agree")]


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


def _too_short(f: Figures) -> list[Evidence]:
    if f.known or f.epochs >= FEWEST:
        return []
    text = f"{f.epochs} losses, and nothing to compare them with"
    return [Evidence("epochs", f.epochs, text)]


_RULES = (
    ("diverging", _diverging),
    ("too short", _too_short),
    ("stuck", _hopeless),
    ("oscillating", _overshooting),
    ("stuck", _stuck),
    ("overfitting", _memorised),
    ("oscillating", _oscillating),
    ("overfitting", _overfitting),
    ("too slow", _too_slow),
    ("unfinished", _unfinished),
)
