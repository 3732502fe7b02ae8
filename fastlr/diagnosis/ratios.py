"""Figures of a training history, which the rules of diagnosis compare with thresholds.

All figures are ratios, so that they have the same meaning for every loss and model: progress is a
fraction of the way from the loss of a constant model down to zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..exceptions import ScaleWarning

_NAN = float("nan")
LARGE, SMALL = 100.0, 1e-2  # sizes of the largest feature that initial weights suit
ALIKE = 5e-3  # relative difference between the losses of zero weights and of a constant


@dataclass(frozen=True)
class Figures:
    """Figures of a training run; NaN where the history does not have them."""

    epochs: int  # finished
    finite: bool  # every loss is finite, and training did not stop early because of divergence
    # Loss to compare with: of the best constant model, otherwise before the first step, otherwise
    # of the first epoch. `known`: it is the loss of an untrained model.
    reference: float = _NAN
    known: bool = False
    start: float = _NAN  # loss before the first step
    first: float = _NAN  # loss of the first epoch
    last: float = _NAN  # mean loss of the last tenth of the epochs
    highest: float = _NAN
    end: float = _NAN  # loss after the last step, on some of the rows; `last` if unknown
    progress: float = _NAN  # fall from `reference` to `last`, relative to `reference`; 1 is no loss
    # Falls from the lower of `start` and `reference`, relative to it: to `last`, to `end`, and from
    # `start` to `end`, which are on the same rows.
    gain: float = _NAN
    end_gain: float = _NAN
    paired_gain: float = _NAN
    slope: float = _NAN  # fall in the last quarter of the epochs, relative to `reference`
    # Fall in the second half of the path, relative to `reference`. The path is the sum of the
    # rates, so that a schedule that ends near zero does not make a run look settled; without rates
    # it is the number of epochs. `pace` is the ratio of this fall to the fall in the quarter
    # before: 2 for a straight line, below 0.5 for a loss that settles, infinite if that quarter
    # gained nothing.
    late_fall: float = _NAN
    pace: float = _NAN
    peak: float = _NAN  # highest loss over the larger of `start` and `reference`
    # Rises as a fraction of all movement after the first epoch: 0 for a loss that always falls,
    # about 0.5 for one without direction.
    roughness: float = _NAN
    jumps: float = _NAN  # size of movements around the trend, relative to `reference`
    # Median cosine between the movements of successive epochs in the last half: near 1 if steps are
    # far too small, below 0 if they jump.
    alignment: float = _NAN
    # Largest movement of the parameters in an epoch, relative to their norm: 1 from zero weights;
    # for a network near 0 if the rate is too low, near 1 if nothing of the initial weights is left.
    stride: float = _NAN
    validation_rise: float = _NAN  # rise of the validation loss above its lowest, over `reference`
    validation_ratio: float = _NAN  # final over lowest validation loss
    validation_best: int = 0  # epoch with the lowest validation loss
    validation_last: float = _NAN  # final validation loss
    network: bool = False  # the model is known to have hidden units
    annealed: bool = False  # the final rate is below a tenth of the highest
    dead_units: float = _NAN  # fraction of hidden units without a gradient from any row
    smallest_feature: float = _NAN  # sizes of features
    largest_feature: float = _NAN

    @property
    def unscaled(self) -> bool:
        """Whether features differ in scale, or are large."""
        ratio = self.largest_feature / self.smallest_feature if self.smallest_feature else _NAN
        return ratio > ScaleWarning.RATIO or self.largest_feature > LARGE

    @property
    def starts_at_zero(self) -> bool:
        """Whether a network starts as if from zero weights, so that intercepts alone move."""
        alike = abs(self.start - self.reference) <= ALIKE * self.reference
        only_intercept = self.alignment < ALIKE - 1
        return self.network and (alike or only_intercept)


def figures(history: Mapping[str, np.ndarray]) -> Figures:
    """Return the figures of a history: columns as in `history_`, at least ``"loss"``."""
    loss = history["loss"]
    n = len(loss)
    if not n:  # a fit without an epoch ended in its first one
        return Figures(0, "diverged" not in history)
    if _last(history, "diverged") == 1 or not np.isfinite(loss).all():
        known = loss[np.isfinite(loss)]
        return Figures(n, False, last=float(known[-1]) if len(known) else _NAN)
    start, constant = _last(history, "start_loss"), _last(history, "constant_loss")
    reference = constant
    if not reference > 0:
        reference = start if start > 0 else float(loss[0])
    scale = reference if reference > 0 else 1.0
    tail = max(n // 10, 1)
    quarter = max(n // 4, 1)
    last = float(loss[-tail:].mean())
    changes = np.diff(loss)
    steps = changes[1:] if len(changes) > 2 else changes
    swing = float(np.abs(steps).sum())
    before = start if start > 0 else float(loss[0])
    lower = min(before, scale) if before > 0 else scale
    end = _last(history, "end_loss")
    end = end if np.isfinite(end) else last
    rates = history.get("lr", np.full(n, _NAN))
    return Figures(
        n,
        True,
        reference=reference,
        known=constant > 0 or start > 0,
        start=start,
        first=float(loss[0]),
        last=last,
        highest=float(loss.max()),
        end=end,
        progress=(reference - last) / scale,
        gain=1 - last / lower,
        end_gain=1 - end / lower,
        paired_gain=(start - end) / lower,
        slope=float(loss[-1 - quarter] - loss[-1]) / scale if n > quarter else _NAN,
        **_on_the_path(history, start, scale),
        peak=float(loss.max()) / max(before, reference) if before > 0 else _NAN,
        roughness=float(np.maximum(steps, 0).sum()) / swing if swing > 0 else 0.0,
        jumps=_jumps(loss) / scale,
        alignment=_late(history, "alignment"),
        stride=_largest(history, "movement"),
        **_validation(history, scale),
        network=bool(np.isfinite(_last(history, "dead_units"))),
        annealed=bool(rates[-1] < 0.1 * np.nanmax(rates)) if np.isfinite(rates).any() else False,
        dead_units=_last(history, "dead_units"),
        smallest_feature=_last(history, "smallest_feature"),
        largest_feature=_last(history, "largest_feature"),
    )


def _on_the_path(history: Mapping[str, np.ndarray], start: float, scale: float) -> dict[str, Any]:
    """Return the fall in the second half of the path, and its ratio to the quarter before."""
    loss, end = history["loss"], _last(history, "end_loss")
    rates = history.get("lr", np.empty(0))
    if not (len(rates) and np.isfinite(rates).all() and rates.min() >= 0 and rates.max() > 0):
        rates = np.ones(len(loss))
    path = np.cumsum(rates)
    where = path - rates / 2  # an epoch's loss is a mean over its steps
    if np.isfinite(start):
        where, loss = np.append(0.0, where), np.append(start, loss)
    if np.isfinite(end):
        where, loss = np.append(where, path[-1]), np.append(loss, end)
    loss = np.minimum(loss, scale)  # falling to a constant model's loss is no progress
    quarter, half = np.interp([where[-1] / 4, where[-1] / 2], where, loss)
    late, before = float(half - loss[-1]), float(quarter - half)
    return {"late_fall": late / scale, "pace": late / before if before > 0 else np.inf}


def _validation(history: Mapping[str, np.ndarray], scale: float) -> dict[str, Any]:
    """Return the figures of the validation loss; empty without validation."""
    loss = history.get("validation_loss", np.empty(0))
    known = np.where(np.isfinite(loss), loss, np.inf)
    if not np.isfinite(known).any():
        return {}
    best, tail = int(known.argmin()), max(len(known) // 10, 1)
    lowest, last = float(known[best]), float(known[-tail:].mean())
    return {
        "validation_rise": (last - lowest) / scale,
        "validation_ratio": last / lowest if lowest > 0 else _NAN,
        "validation_best": best + 1,
        "validation_last": last,
    }


def _jumps(loss: np.ndarray) -> float:
    """Return the mean distance of a loss from the mean of its neighbours."""
    if len(loss) < 4:
        return 0.0
    middle = loss[2:-1]  # without the fall of the first epochs
    return float(np.mean(np.abs(middle - (loss[1:-2] + loss[3:]) / 2)))


def _late(history: Mapping[str, np.ndarray], name: str) -> float:
    """Return the median of the last half of a column, NaN if missing."""
    column = history.get(name, np.empty(0))
    late = column[len(column) // 2 :]
    late = late[np.isfinite(late)]
    return float(np.median(late)) if len(late) else _NAN


def _largest(history: Mapping[str, np.ndarray], name: str) -> float:
    column = history.get(name, np.empty(0))
    return float(np.fmax.reduce(column)) if len(column) else _NAN


def _last(history: Mapping[str, np.ndarray], name: str) -> float:
    column = history.get(name, np.empty(0))
    return float(column[-1]) if len(column) else _NAN
