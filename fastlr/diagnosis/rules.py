"""From figures to a verdict; thresholds were set on other runs than those they are tested on."""

from __future__ import annotations

import numpy as np

from .figures import Figures
from .result import Evidence

# Parts of the loss of the best constant prediction, where nothing else is said.
WORSE, WORSE_END = 2.0, 1.5  # loss of the last epoch, and after it, of a run that diverges
NOTHING = 0.03  # gain below which nothing has been learnt
NOTHING_SEEN = 0.01  # the same where the history does not tell what knowing nothing comes to
DEAD = 0.9  # share of dead units with which nothing can be learnt
RISE, RATIO = 0.065, 1.12  # of the validation loss, above its lowest
LEARNT = 0.8  # progress from which over-fitting is what matters, whatever the curve looks like
PEAK = 1.5  # highest loss from which a run that came back had overshot
FEW, TAIL = 4, 0.02  # epochs, and the fall within the last, that says there is more to gain
SHORT, PEAK_SHORT = 8, 5.0  # epochs up to which it takes a higher one
ROUGH, NOISY, JUMPS = 0.25, 0.4, 0.03  # of a curve that jumps about
ALIGNED, STRAIGHT = 0.85, 0.94  # cosines between movements from which steps are far too small
LEANING = 0.6  # the same, of a run that is far from done
AGAINST = -0.3  # cosine below which a run goes around an optimum
DONE, SETTLED = 0.82, 0.91  # progress from which a run is not too slow, and not unfinished
LATE = 0.1  # part of all the gain that the second half makes in a run that has not settled
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
    before = np.fmax(f.start, f.reference)
    if not (f.last > WORSE * before and f.end > WORSE_END * before):
        return []
    ratio = f.last / before
    than = "before training" if f.known else "in the first epoch"
    return [Evidence("last loss", f.last, f"loss of {f.last:.3g}, {ratio:.3g} times that {than}")]


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
    nothing = f.gain < NOTHING and f.end_gain < 3 * NOTHING
    if not f.known:  # the first epoch may have learnt it all
        nothing = f.gain < NOTHING_SEEN and f.jumps < NOTHING_SEEN
    nothing &= not (f.slope > STEEP and f.end_gain > NOTHING)  # on its way
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
    if not (f.known and f.peak > peak and f.progress < SETTLED):
        return []
    text = f"the loss went up to {f.highest:.3g}, {f.peak:.2g} times that before training"
    return [Evidence("peak", f.peak, text), *_aligned(f, "movements of epochs hardly agree")]


def _oscillating(f: Figures) -> list[Evidence]:
    rough = f.roughness > ROUGH and f.jumps > JUMPS and not f.alignment > ALIGNED
    noisy = f.roughness > NOISY and f.jumps > 0.6 * JUMPS and f.alignment < 0
    undone = f.tail < -STEEP and not f.annealed  # a single step may lose that much
    if not (rough or noisy or undone) or f.progress > SETTLED:
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
    if np.isfinite(f.alignment):
        share = 0.2 if f.alignment > STRAIGHT else 1.0
        far = f.late > 2 * LATE and f.progress < 0.5 and f.epochs > SHORT
        least = STRAIGHT if f.epochs <= FEW else LEANING if far else ALIGNED
        straight = f.alignment > least
        falling = f.late > share * LATE or f.half_gain > share * STEEP
    else:
        straight, falling = f.late > 3 * LATE, f.roughness == 0
    if not (straight and falling and f.progress < DONE):
        return []
    return [
        Evidence("progress", f.progress, f"the loss fell by {f.progress:.0%} of {f.reference:.3g}"),
        *_aligned(f, "each epoch goes on in the direction of the one before"),
    ]


def _unfinished(f: Figures) -> list[Evidence]:
    around = f.alignment < AGAINST and f.annealed and f.epochs > SHORT
    steep = f.slope > STEEP and not around
    steady = f.half_gain > STEEP and f.slope > 0.3 * STEEP and f.alignment > 0.3 * AGAINST
    if f.epochs <= FEW and np.isfinite(f.tail):  # the first epochs fall in any case
        steep = f.tail > TAIL
        steady = f.alignment > LEANING and f.slope > 2 * STEEP
    if not ((steep or steady) and f.progress < SETTLED):
        return []
    text = f"the loss still fell by {f.slope:.0%} of {f.reference:.3g} in the last quarter"
    return [Evidence("slope", f.slope, text), *_aligned(f, "movements of epochs agree in part")]


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
    ("stuck", _beyond_hope),
    ("oscillating", _overshooting),
    ("stuck", _stuck),
    ("overfitting", _learnt_by_heart),
    ("oscillating", _oscillating),
    ("overfitting", _overfitting),
    ("too slow", _too_slow),
    ("unfinished", _unfinished),
)
