"""Figures and rules for histories of `partial_fit` and `fit_stream`, whose rows are chunks.

The loss of a chunk is that of new rows, taken before they are learned from: it is never too low
for having memorised them, and most of it is chance. So means of many chunks are compared, and
only differences beyond chance count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .result import Evidence

FEWEST = 8  # chunks below which nothing can be told
CHANCE = 3.0  # standard errors within which a difference is chance
BLOCKS = 8  # equal parts of the run, of which the best is compared with the last ones


@dataclass(frozen=True)
class Chunks:
    """Figures of the chunks at the end of a history."""

    number: int  # of chunks
    reference: float  # loss of the best constant prediction, NaN if unknown
    early: float  # mean loss of the first eighth
    lowest: float  # of the means of eighths
    before: float  # mean loss of the third quarter
    last: float  # mean loss of the last quarter
    error: float  # standard error of `last`
    straightness: float  # mean cosine between movements in equal parts of the run, NaN if unknown
    trained: bool  # the model came from a `fit`


def epochs_and_chunks(history: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], int]:
    """Return the epochs of `fit` in a history, and the number of rows that are chunks."""
    moved = np.isfinite(history.get("movement", np.ones(1)))
    known = np.isfinite(history.get("end_loss", np.full(1, np.nan)))
    if not len(moved) or moved[-1] or (known.all() and not moved.any()):
        return dict(history), 0
    n = int(np.flatnonzero(moved)[-1]) + 1 if moved.any() else 0
    return {name: column[:n] for name, column in history.items()}, len(moved) - n


def chunk_figures(history: Mapping[str, np.ndarray], n: int) -> Chunks:
    """Return the figures of the last `n` rows."""
    loss = history["loss"][-n:]
    ends = np.asarray(history.get("epoch", np.arange(len(history["loss"])) + 1.0), np.float64)
    calls = np.diff(ends, prepend=0.0)[-n:]  # in each row; old ones are merged
    where = (np.cumsum(calls) - calls / 2) / calls.sum()

    def mean(low: float, high: float) -> tuple[float, float]:
        inside = (where >= low) & (where < high)
        weights, values = calls[inside], loss[inside]
        if not len(values):
            return np.nan, np.nan
        average = float(np.average(values, weights=weights))
        with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverges
            error = np.sqrt(np.sum((weights * (values - average)) ** 2)) / weights.sum()
        return average, float(error) * np.sqrt(len(values) / max(len(values) - 1, 1))

    last, error = mean(0.75, 1.0)
    parts = [mean(k / BLOCKS, (k + 1) / BLOCKS)[0] for k in range(BLOCKS)]
    return Chunks(
        int(calls.sum()),
        _last(history, "constant_loss"),
        parts[0],
        float(np.nanmin(parts)),
        mean(0.5, 0.75)[0],
        last,
        error,
        _last(history, "straightness"),
        n < len(history["loss"]),
    )


def _last(history: Mapping[str, np.ndarray], name: str) -> float:
    column = history.get(name, np.empty(0))
    return float(column[-1]) if len(column) else np.nan


STRAIGHT = 0.25  # mean cosine above which the weights still go one way
HELD_UP = 0.5  # above which, at a loss far from its end, they go too slowly
NOTHING = 0.02  # gain below which nothing has been learnt
LIKELY = 2.0  # standard errors by which the loss may be lower, after all
FAINT = 0.04  # gain that cannot be told from none
ABOVE = 0.1  # excess over the best constant prediction that shows too high a rate
RISE = 0.1  # rise above the best eighth that is more than the rate's own noise
FALLING = 0.05  # fall in the last quarter, above which more rows help
DONE = 0.83  # gain above which a run is finished
CONSTANT = 1e-20  # loss of the best constant prediction, of targets that do not vary
FAR = 100.0  # times the constant loss, at which the first chunks have diverged already
WORSE = 2.0  # loss, over the larger of the first and the constant one, above which it diverges


def judge_chunks(f: Chunks) -> tuple[str, list[Evidence]]:
    """Return the verdict on chunks, and its evidence, the decisive figure first."""
    if f.number < FEWEST:
        text = f"{f.number} chunks of rows are too few: {FEWEST} and more tell chance from progress"
        return "too short", [Evidence("chunks", f.number, text)]
    known = f.reference >= 0
    reference = f.reference if f.reference > 0 else f.early
    loss = Evidence("last loss", f.last, _against(f, reference, known))
    if known and f.reference < CONSTANT:
        return "no signal", [Evidence("constant loss", f.reference, "all targets are the same")]
    if f.last <= 0:
        return "healthy", [loss]
    chance = CHANCE * f.error if np.isfinite(f.error) else 0.0
    path = _path(f)
    before = max(reference, f.early) if f.early < FAR * reference else reference
    if f.last - chance > WORSE * before:
        return "diverging", [loss]
    if reference - f.last > max(chance, NOTHING * reference):
        return _learning(f, reference, chance), [loss, *path]
    if not known:
        return "too short", [loss, *path]
    if f.straightness > STRAIGHT:
        fell = f.early - f.last > max(2 * chance, ABOVE * reference)
        return "too slow" if fell else "stuck", [loss, *path]
    if not np.isfinite(f.straightness):
        return "too short", [loss, *path]
    if f.last - reference > max(chance, ABOVE * reference):
        return "oscillating", [loss, *path]
    least = f.last - LIKELY * f.error
    if least < (1 - FAINT) * reference or chance > ABOVE * reference:
        return "too short", [loss, *path]
    return "no signal", [loss, *path]


def _learning(f: Chunks, reference: float, chance: float) -> str:
    """Return the verdict on a run whose loss is below the best constant prediction."""
    if f.last - f.lowest > max(2 * chance, RISE * reference):
        return "oscillating"
    if reference - f.last > DONE * reference:
        return "healthy"
    if f.straightness > HELD_UP:
        return "too slow"
    return "unfinished" if f.before - f.last > max(2 * chance, FALLING * reference) else "healthy"


def _against(f: Chunks, reference: float, known: bool) -> str:
    what = "the best constant prediction" if known else "the first chunks"
    return (
        f"loss of {f.last:.4g} +- {f.error:.2g} on the rows of the last quarter of {f.number} "
        f"chunks, before they were learned from; {reference:.4g} of {what}"
    )


def _path(f: Chunks) -> list[Evidence]:
    if not np.isfinite(f.straightness):
        return []
    how = "go on in one direction" if f.straightness > STRAIGHT else "keep no direction"
    text = f"the weights {how} from part to part of the run (cosine {f.straightness:.2f})"
    return [Evidence("straightness", f.straightness, text)]
