"""Sources of displays: the estimator in a pipeline, its history, its rates."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.sklearn_versions import check_is_fitted


class RunRates(NamedTuple):
    """Learning rate and momentum of each step of a run, and its steps per epoch."""

    lr: np.ndarray
    momentum: np.ndarray | None
    steps_per_epoch: int


def last_of(estimator: Any) -> Any:
    """Return the last estimator of a Pipeline or fitted search, otherwise the estimator itself."""
    from sklearn.pipeline import Pipeline

    if hasattr(estimator, "best_estimator_"):
        return last_of(estimator.best_estimator_)
    return last_of(estimator[-1]) if isinstance(estimator, Pipeline) else estimator


def history_of(estimator: Any) -> dict[str, np.ndarray]:
    """Return the columns of a ``history_``, or of the ``loss_curve_`` of scikit-learn's MLPs."""
    model = last_of(estimator)
    check_is_fitted(model)
    if hasattr(model, "history_"):
        return dict(model.history_)
    if not hasattr(model, "loss_curve_"):
        raise TypeError(
            "estimator must have a history_ or a loss_curve_, as the estimators of fastlr have, "
            f"got {type(model).__name__}"
        )
    loss = np.asarray(model.loss_curve_, dtype=np.float64)
    history = {"epoch": np.arange(1, len(loss) + 1), "loss": loss}
    scores = getattr(model, "validation_scores_", None)
    if scores is not None and len(scores) == len(loss):
        history["validation_score"] = np.asarray(scores, dtype=np.float64)
    return history


def loss_label(estimator: Any) -> str:
    """Return the name and the unit of an estimator's recorded loss."""
    from sklearn.base import is_classifier

    model = last_of(estimator)
    loss = getattr(model, "loss", "log_loss")
    name = loss if isinstance(loss, str) else type(loss).__name__
    if name.lower().replace("_", "") == "logloss":
        return "log-loss (nats)"
    # Regressors train on scaled targets.
    unit = "per row" if is_classifier(model) else "in units of training"
    return f"{name.replace('_', ' ')} loss ({unit})"


def score_label(estimator: Any) -> str:
    """Return the name of an estimator's score."""
    from sklearn.base import is_classifier

    return "accuracy" if is_classifier(last_of(estimator)) else "R²"


def rates_of_run(estimator: Any) -> RunRates:
    """Return the learning rate and momentum of each step of a fitted estimator.

    They are computed from its schedule and compared with the recorded rate of each epoch's last
    step. If they differ, because settings changed between calls of `partial_fit` or the start was
    warm, the recorded rates are used for all steps of their epochs.
    """
    model = last_of(estimator)
    check_is_fitted(model)
    if not hasattr(model, "_known_run"):
        raise TypeError(
            f"estimator must be a schedule or an estimator of fastlr, got {type(model).__name__}"
        )
    history = model.history_
    epochs = len(history["lr"])
    if not epochs:
        raise TypeError("estimator has no finished epoch to show")
    run, optimizer = model._known_run(), model._resolve_optimizer()
    per_epoch = run.steps_per_epoch or max(model.t_ // epochs, 1)
    held_out = history["validation_loss"]
    metrics = np.where(np.isnan(held_out), history["loss"], held_out).tolist()
    momentum_driven = optimizer.momentum_field() is not None
    if run.total_steps is not None:
        planned = optimizer.scheduled()["lr"].simulate(
            max(run.total_steps, epochs * per_epoch), model.lr_, per_epoch, metrics
        )
        lr = planned.lr[: epochs * per_epoch]
        if np.allclose(lr[per_epoch - 1 :: per_epoch], history["lr"], rtol=1e-6):
            momentum = planned.momentum if momentum_driven else None
            return RunRates(
                lr, None if momentum is None else momentum[: epochs * per_epoch], per_epoch
            )
    recorded = history["momentum"]
    changes = momentum_driven and len(np.unique(recorded)) > 1
    return RunRates(
        np.repeat(history["lr"], per_epoch),
        np.repeat(recorded, per_epoch) if changes else None,
        per_epoch,
    )
