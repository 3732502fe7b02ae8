"""What `fit` notes beside its epochs, for a diagnosis; it costs a small part of an epoch.

Losses mean little without something to hold them against: the loss before the first step, and
that of the best model that does not look at X. How far an epoch moved the parameters, and
whether in the direction of the epoch before, tells steps that are too small from steps that jump
about. Units that have died and features of unlike scales are causes that no loss shows.
"""

from __future__ import annotations

import numpy as np

from ...exceptions import ScaleWarning
from ...kernels.find.loss import loss_kernel
from ...losses import LogLoss, get_loss
from ...losses.base import Loss
from ...training.losses import batch_loss
from ..data.rows import Matrix, Rows, is_sparse
from ..models.model import Model
from ..models.spec import ModelSpec
from .history import COLUMNS
from .session import Session
from .warnings import warn_risen, warn_scale, warn_stuck

SAMPLE = 512  # rows looked at, at most
_TARGETS = 1 << 16

# What is certain to be wrong with a fit is warned of; `diagnose` tells the rest.
RISEN = 1000.0  # loss over that of a model that knows nothing; far less may still predict well
SAME = 1e-6  # part of a loss by which it may change without having moved
STILL = 1e-6  # norm of a gradient that goes nowhere
AHEAD = 0.5  # cosine between movements that go on and on


def sample_of(rows: Rows) -> Rows:
    """Return some of the rows to train on, spread evenly; all where there are no more."""
    n = rows.used
    size = min(n, SAMPLE)
    if size == n and rows.chosen is None:
        return rows
    index = np.arange(size) * (n // size)
    return rows.taken(index if rows.chosen is None else rows.chosen[index])


def facts_at_start(
    session: Session, rows: Rows, sample: Rows, look_at_features: bool
) -> dict[str, float]:
    """Return losses before the first step, and with `look_at_features` the range of features."""
    with np.errstate(all="ignore"):  # a start beyond measure is what training will warn of
        found = {
            "start_loss": session.evaluate(sample),
            "constant_loss": constant_loss(session, rows, sample),
        }
    if look_at_features:
        found["smallest_feature"], found["largest_feature"] = feature_range(sample.X)
    return found


def feature_range(X: Matrix) -> tuple[float, float]:
    """Return the largest absolute value of the feature where it is least, and where it is most.

    Features that are zero on all rows do not count; NaN if all are.
    """
    if is_sparse(X):
        sizes = np.zeros(X.shape[1])
        np.maximum.at(sizes, X.indices, np.abs(X.data))
    else:
        sizes = np.maximum(X.max(axis=0), -X.min(axis=0))
    sizes = sizes[sizes > 0]
    return (float(sizes.min()), float(sizes.max())) if sizes.size else (np.nan, np.nan)


def constant_loss(session: Session, rows: Rows, sample: Rows) -> float:
    """Return the loss of the best model that ignores X; about the best, of margin losses."""
    spec = session.spec
    intercepts = [name for name in spec.shapes if name.startswith("intercept")]
    if not intercepts:
        return _loss_at(session, sample, {})
    name, outputs = intercepts[-1], spec.targets.outputs
    if rows.y.ndim == 1:
        share = _shares(rows, max(outputs, 2))
        logs = np.log(np.maximum(share, 1e-12))
        if _is_log_loss(spec.loss):
            return -float(share @ logs)
        guess = logs if outputs > 1 else logs[1:] - logs[:1]
        codes = np.arange(len(share))  # only the shares matter, so a row for each class will do
        few = Rows(sample.X[np.zeros(len(share), np.int64)], codes, share)
        guesses = (0 * guess, guess, np.sign(guess))  # hinge losses stop at a margin of 1
        return min(_loss_at(session, few, {name: guess}) for guess in guesses)
    y, weights = _targets(rows)
    if _is_log_loss(spec.loss):  # one label or another, each by itself
        share = np.average(y > 0, axis=0, weights=weights)
        share = np.array([share, 1 - share])
        return -float(np.sum(share * np.log(np.maximum(share, 1e-12))))
    rule = get_loss(spec.loss)
    kernel = loss_kernel(type(rule), rule.coefficients(), spec.dtype)
    losses = []
    for guess in _constants(spec, rule, y, weights):
        scores = np.zeros((len(y), outputs), spec.dtype) + guess.astype(spec.dtype)
        losses.append(batch_loss(kernel, spec.reduction, scores, y, weights)[0])
    return min(losses) / float(weights.sum())


def _constants(spec: ModelSpec, rule: Loss, y: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """Return scores of constant predictions, of which one is about the best."""
    if spec.targets.start is not None:
        return [spec.targets.start]
    mean = np.average(y, axis=0, weights=weights)  # not zero for targets that came in chunks
    if rule.link == "log":
        return [np.log(np.maximum(mean, 1e-300))]
    return [0 * mean, mean, np.median(y, axis=0)]


def asks_model(session: Session, rows: Rows) -> bool:
    """Return whether `constant_loss` puts parameters into the model for a moment."""
    spec = session.spec
    has_intercept = any(name.startswith("intercept") for name in spec.shapes)
    return not has_intercept or (rows.y.ndim == 1 and not _is_log_loss(spec.loss))


def _targets(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and weights of all rows, of many of them some."""
    used = slice(None) if rows.chosen is None else rows.chosen
    thin = slice(None, None, -(-rows.used // _TARGETS))
    y = np.ascontiguousarray(rows.y[used][thin])
    return y, np.ones(len(y)) if rows.weights is None else rows.weights[used][thin]


def _is_log_loss(loss: Loss | str) -> bool:
    return loss == "log_loss" if isinstance(loss, str) else isinstance(loss, LogLoss)


def _shares(rows: Rows, n_classes: int) -> np.ndarray:
    """Return the part of the weight that each class has."""
    y, weights = rows.y, rows.weights
    if rows.chosen is not None:
        y, weights = y[rows.chosen], None if weights is None else weights[rows.chosen]
    counts = np.bincount(y, weights, minlength=n_classes)
    return counts / counts.sum()


def _loss_at(session: Session, rows: Rows, values: dict[str, np.ndarray]) -> float:
    """Return the loss with all parameters zero but these."""
    params = session.arena.params
    kept = params.copy()
    params[:] = 0
    for name, value in values.items():
        session.arena.param[name][:] = value
    loss = session.evaluate(rows)
    params[:] = kept
    return loss


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
