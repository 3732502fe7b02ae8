"""A history in a dozen figures, which the rules look at.

All are ratios, so that they mean the same for any loss and any model: progress is measured in
parts of the way from the loss of a model that ignores the features down to zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_NAN = float("nan")


@dataclass(frozen=True)
class Figures:
    """What the rules know of a run. NaN stands for what was not recorded.

    Attributes
    ----------
    epochs : int
        Finished.
    finite : bool
        Whether every loss was, and training ended in its own time.
    reference : float
        Loss to compare with: of the best constant model, else the one before the first step,
        else that of the first epoch.
    known : bool
        Whether `reference` is of a model that has learnt nothing.
    start, first, last, highest : float
        Losses before the first step, and over the epochs; `last` is the mean of the last tenth.
    end : float
        Loss after the last step, of some of the rows; `last` where that is not known.
    progress : float
        What `last` has gained on `reference`, as a part of it; 1 is a loss of zero.
    gain : float
        What `last` has gained on the lower of `start` and `reference`, as a part of that.
    end_gain : float
        What `end` has gained, likewise.
    paired_gain : float
        What `end` has gained on `start`, both being of the same rows, likewise.
    slope : float
        What the loss fell by in the last quarter of the epochs, as a part of `reference`.
    late_fall : float
        What the loss fell by in the second half of the path, as a part of `reference`. The path
        is the sum of the rates, so that a schedule that ends near zero does not make a run look
        settled; it is the number of epochs where rates are not known.
    pace : float
        That fall over that of the quarter before: 2 for a loss that falls in a straight line,
        below a half for one that settles; infinite where the quarter gained nothing.
    peak : float
        Highest loss over the larger of `start` and `reference`.
    roughness : float
        Ups of the curve as a part of all its ups and downs, the first epoch apart: 0 for a loss
        that always falls, about a half for one that goes nowhere.
    jumps : float
        Size of the ups and downs around the trend, as a part of `reference`.
    alignment : float
        Median cosine of the angle between the movements of an epoch and the one before, over the
        last half: near 1 where steps are far too small, below 0 where they jump about.
    stride : float
        How far an epoch moved the parameters at most, as a part of their norm: 1 from weights of
        zero; of a network, near 0 at a rate too low, near 1 at one that leaves nothing of its
        first weights.
    validation_rise : float
        How far the validation loss at the end is above its lowest, as a part of `reference`.
    validation_ratio : float
        The one over the other.
    validation_best : int
        Epoch where it was lowest.
    validation_last : float
        Validation loss at the end.
    network : bool
        Whether it is known to be of a model with hidden units.
    annealed : bool
        Whether the rate ended below a tenth of its highest.
    dead_units : float
        Share of hidden units that no row gets through to.
    smallest_feature, largest_feature : float
        Sizes of features.
    """

    epochs: int
    finite: bool
    reference: float = _NAN
    known: bool = False
    start: float = _NAN
    first: float = _NAN
    last: float = _NAN
    highest: float = _NAN
    end: float = _NAN
    progress: float = _NAN
    gain: float = _NAN
    end_gain: float = _NAN
    paired_gain: float = _NAN
    slope: float = _NAN
    late_fall: float = _NAN
    pace: float = _NAN
    peak: float = _NAN
    roughness: float = _NAN
    jumps: float = _NAN
    alignment: float = _NAN
    stride: float = _NAN
    validation_rise: float = _NAN
    validation_ratio: float = _NAN
    validation_best: int = 0
    validation_last: float = _NAN
    network: bool = False
    annealed: bool = False
    dead_units: float = _NAN
    smallest_feature: float = _NAN
    largest_feature: float = _NAN


def figures(history: Mapping[str, np.ndarray]) -> Figures:
    """Return the figures of a history.

    Parameters
    ----------
    history : mapping of str to ndarray of shape (n_epochs,)
        Columns as in `history_` of an estimator, of which ``"loss"`` must be there.

    Returns
    -------
    Figures
    """
    loss = history["loss"]
    n = len(loss)
    diverged = bool(n and _last(history, "diverged") == 1)
    if not n or diverged or not np.isfinite(loss).all():
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
    """Return what the second half of the path gained, and how that compares with before."""
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
    loss = np.minimum(loss, scale)  # to come down to what knows nothing is no progress
    quarter, half = np.interp([where[-1] / 4, where[-1] / 2], where, loss)
    late, before = float(half - loss[-1]), float(quarter - half)
    return {"late_fall": late / scale, "pace": late / before if before > 0 else np.inf}


def _validation(history: Mapping[str, np.ndarray], scale: float) -> dict[str, Any]:
    """Return the figures of the validation loss, none where there is none."""
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
    """Return the typical distance of a loss from the mean of its neighbours."""
    if len(loss) < 4:
        return 0.0
    middle = loss[2:-1]  # the fall of the first epochs is no jump
    return float(np.mean(np.abs(middle - (loss[1:-2] + loss[3:]) / 2)))


def _late(history: Mapping[str, np.ndarray], name: str) -> float:
    """Return the median over the last half of a column, NaN if it is not there."""
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
