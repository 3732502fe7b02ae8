"""What is certain to be wrong with a fit, so that it is warned of; `diagnose` tells the rest."""

from __future__ import annotations

import numpy as np

from ...exceptions import ScaleWarning
from ..data.rows import Matrix
from ..models.model import Model
from .diagnosis_inputs import feature_range
from .history import COLUMNS
from .warnings import warn_risen, warn_scale, warn_stuck

RISEN = 1000.0  # loss over that of a model that knows nothing; far less may still predict well
SAME = 1e-6  # part of a loss by which it may change without having moved
STILL = 1e-6  # norm of a gradient that goes nowhere
AHEAD = 0.5  # cosine between movements that go on and on


def warn_of_scale(model: Model, X: Matrix) -> None:
    """Warn if features differ too much in scale; all rows are looked at only if some do."""
    facts = model._facts
    if not facts.get("largest_feature", 0.0) > ScaleWarning.RATIO * facts.get(
        "smallest_feature", np.inf
    ):
        return
    smallest, largest = feature_range(X)
    if largest > ScaleWarning.RATIO * smallest:
        warn_scale(model, smallest, largest)


def warn_of_losses(model: Model) -> None:
    """Warn if the loss of a fresh fit has not moved, or has ended far above that of no model."""
    table, facts, lr = model._history[: model._n_rows], model._facts, model.lr_
    loss = table[:, COLUMNS.index("loss")]
    if facts["diverged"] or len(loss) < 2 or not lr > 0:
        return
    before = max(facts["start_loss"], facts["constant_loss"])
    if loss[-1] > RISEN * before > 0:
        warn_risen(model, float(loss[-1]), before, lr)
        return
    if not np.ptp(loss) <= SAME * loss[-1]:  # a loss of zero has nothing to learn
        return
    if facts["dead_units"] == 1:
        cause = (
            "All hidden units are dead: use features of a scale near 1, other first weights, or a "
            "smaller lr"
        )
    elif _goes_one_way(table) and not model._seeks_rate():
        cause = f"The learning rate of {lr:.4g} is too small for these data: try lr='auto'"
    else:
        return  # an optimum to begin with, perhaps of a penalty; or no rate was found that helps
    if loss[-1] > 0:
        warn_stuck(model, float(loss[-1]), len(loss), cause)


def _goes_one_way(table: np.ndarray) -> bool:
    """Whether there is a gradient that parameters have followed, if they have moved at all."""
    alignment = table[1:, COLUMNS.index("alignment")]
    moved = alignment[np.isfinite(alignment)]
    return bool(table[-1, COLUMNS.index("gradient_norm")] > STILL and not np.any(moved < AHEAD))
