"""Pictures of the page, each with a caption and a text alternative."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core.markup import Markup, tag
from ..drawing.sources import score_label
from ..plots import DiagnosisDisplay, HistoryDisplay, LRFinderDisplay, ScheduleDisplay, SweepDisplay
from .svg import picture


def figure(ident: str, title: str, caption: str, alt: str, draw: Callable[[Any], Any]) -> Markup:
    """Return a picture with its title and caption."""
    return tag(
        "figure",
        tag("figcaption", tag("b", title), tag("span", caption)),
        picture(draw, ident, f"{title}. {alt}"),
    )


def losses(diagnosis: Any, loss_name: str) -> Markup:
    """Return the losses, with the evidence of the verdict marked."""
    history = diagnosis.history
    alt = f"Training: {_course(history, 'loss')}."
    caption = "Mean over the training rows in each epoch"
    if _known(history, "validation_loss"):
        alt += f" Validation: {_course(history, 'validation_loss')}."
        caption += ", and over the validation rows after it"
    return figure(
        "loss",
        "Loss",
        caption + ".",
        alt,
        lambda ax: DiagnosisDisplay(diagnosis, loss_name=loss_name).plot(ax, words=False),
    )


def scores(estimator: Any, history: Mapping[str, np.ndarray]) -> Markup | None:
    """Return the validation scores, None without validation."""
    if not _known(history, "validation_score"):
        return None
    name = score_label(estimator)
    return figure(
        "score",
        f"Validation {name}",
        "After each epoch, on held-out rows.",
        f"{name}: {_course(history, 'validation_score')}.",
        lambda ax: HistoryDisplay(history, score_name=name).plot(ax, quantity="score"),
    )


def gradients(history: Mapping[str, np.ndarray]) -> Markup | None:
    """Return the gradient norms, None if they were not measured."""
    if not _known(history, "gradient_norm"):
        return None
    return figure(
        "gradient",
        "Gradient norm",
        "Last mini-batch of each epoch, before clipping.",
        f"Norm: {_course(history, 'gradient_norm')}.",
        lambda ax: HistoryDisplay(history).plot(ax, quantity="gradient_norm"),
    )


def rates(estimator: Any) -> Markup:
    """Return learning rate and momentum of each step of the run."""
    from ..drawing.sources import rates_of_run

    lr, momentum, per_epoch = rates_of_run(estimator)
    alt = f"The learning rate starts at {lr[0]:.3g}, is highest in step "
    alt += f"{int(lr.argmax()) + 1:,} with {lr.max():.3g}, and ends at {lr[-1]:.3g}."
    title = "Learning rate"
    if momentum is not None:
        title += " and momentum"
        alt += f" The momentum is between {momentum.min():.3g} and {momentum.max():.3g}."
    return figure(
        "rate",
        title,
        f"Of each step, {len(lr):,} in all, {per_epoch:,} in an epoch.",
        alt,
        lambda ax: ScheduleDisplay.from_estimator(estimator, ax=ax),
    )


def range_test(test: Any) -> Markup:
    """Return the losses of a range test."""
    found = ", ".join(
        f"{name} {rate:.3g}" for name, rate in test.suggestions.items() if np.isfinite(rate)
    )
    lr = test.table["lr"]
    return figure(
        "range",
        "Range test",
        "Loss while the rate rises step by step: it falls at useful rates and shoots up where the "
        "rate is too high.",
        f"{len(test.ended)} runs from {lr.min():.3g} to {lr.max():.3g}. "
        + (f"Suggested rates: {found}." if found else "The loss fell at no rate."),
        lambda ax: LRFinderDisplay.from_range_test(test, ax=ax),
    )


def sweep(result: Any, score_name: str) -> list[Markup]:
    """Return scores over rates, and losses over epochs."""
    candidates = result.candidates
    n = len(candidates["lr"])
    lost = int(np.sum(candidates.get("diverged", 0)))
    early = int(np.sum(candidates.get("dropped", 0)))
    best = (
        f"Best of {n} candidates: rate {result.best_lr:.3g}, {score_name} {result.best_score:.3g}"
    )
    ends = f"{early} were dropped early, {lost} diverged."
    return [
        figure(
            "sweep",
            "Sweep of rates",
            f"Mean {score_name} over the folds, for candidates trained side by side.",
            f"{best}; {ends}",
            lambda ax: SweepDisplay.from_sweep(result, ax=ax, score_name=score_name),
        ),
        figure(
            "curves",
            "How each rate learnt",
            "Validation loss of each candidate over its epochs, mean of the folds.",
            f"{best}; {ends}",
            lambda ax: SweepDisplay.from_sweep(result, ax=ax, kind="curves"),
        ),
    ]


def _known(history: Mapping[str, np.ndarray], name: str) -> bool:
    return name in history and bool(np.isfinite(np.asarray(history[name], float)).any())


def _course(history: Mapping[str, np.ndarray], name: str) -> str:
    """Describe the first, last, lowest and highest value of a column in words."""
    if not _known(history, name):
        return "no finite value"
    column = np.asarray(history[name], dtype=np.float64)
    epochs = np.asarray(history.get("epoch", np.arange(1, len(column) + 1)))
    known = np.isfinite(column)
    column, epochs = column[known], epochs[known]
    low, high = int(column.argmin()), int(column.argmax())
    return (
        f"{column[0]:.3g} in epoch {epochs[0]}, {column[-1]:.3g} in epoch {epochs[-1]}; "
        f"lowest {column[low]:.3g} in epoch {epochs[low]}, "
        f"highest {column[high]:.3g} in epoch {epochs[high]}"
    )
