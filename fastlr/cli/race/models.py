"""Make the models that the commands train."""

from __future__ import annotations

from typing import Any

from ..errors import InputError, one_line
from ..options.schedule_text import is_name, read_schedule


def linear_classifier(
    optimizer: str, schedule: str | None = None, batch_size: int | None = None, **settings: Any
) -> Any:
    """Return an unfitted `LinearClassifier` with the values of these options.

    ``None`` keeps the estimator's default; the schedule "none" means a constant rate.
    """
    from ...estimators import LinearClassifier
    from ...optimizers import get_optimizer

    try:
        get_optimizer(optimizer)
    except ValueError as error:
        raise InputError("--optimizer", one_line(error)) from error
    if schedule == "none":
        settings["schedule"] = None
    elif schedule is not None:
        found = read_schedule(schedule, "--schedule")
        settings["schedule"] = schedule if is_name(schedule) else found
    if batch_size is not None:
        settings["batch_size"] = batch_size
    return LinearClassifier(optimizer, **settings)


def peers(seed: int) -> dict[str, Any]:
    """Return scikit-learn's two models for the same task, with its defaults."""
    from sklearn.linear_model import LogisticRegression, SGDClassifier

    return {
        "SGDClassifier": SGDClassifier(loss="log_loss", random_state=seed),
        "LogisticRegression": LogisticRegression(),
    }
