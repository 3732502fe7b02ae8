"""Make the models that the commands train."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Sequence
from typing import Any

from ..errors import InputError, one_line
from ..files.target import CLASSES
from ..options.schedule_text import is_name, read_schedule

LINEAR, NETWORK = "linear", "mlp"


def linear_classifier(
    optimizer: str, schedule: str | None = None, batch_size: int | None = None, **settings: Any
) -> Any:
    """Return an unfitted `LinearClassifier` with the values of these options; see `make`."""
    return make(CLASSES, LINEAR, optimizer, schedule, batch_size, **settings)


def make(
    kind: str,
    family: str,
    optimizer: str,
    schedule: str | None = None,
    batch_size: int | None = None,
    more: Sequence[str] = (),
    **settings: Any,
) -> Any:
    """Return an unfitted estimator of fastlr for a kind of task.

    ``None`` keeps the estimator's default; the schedule "none" means a constant rate. `more` are
    settings written ``name=value``, which come last.
    """
    from ... import estimators
    from ...losses import get_loss
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
    if settings.get("loss") is not None:
        try:
            get_loss(settings["loss"])
        except ValueError as error:
            raise InputError("--loss", one_line(error)) from error
    if batch_size is not None:
        settings["batch_size"] = batch_size
    name = ("MLP" if family == NETWORK else "Linear") + (
        "Classifier" if kind == CLASSES else "Regressor"
    )
    model = getattr(estimators, name)(optimizer=optimizer)
    known = model.get_params(deep=False)
    for text in more:
        key, value = _setting(text, known)
        settings[key] = value
    unknown = [key for key in settings if key not in known]
    if unknown:  # options of other models
        option = "--" + unknown[0].replace("_", "-")
        raise InputError(option, f"{name} has no such setting")
    return model.set_params(**settings)


def _setting(text: str, known: Any) -> tuple[str, Any]:
    """Return name and value of a setting; values are Python's, and text where they are none."""
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals:
        raise InputError("--set", f"expected NAME=VALUE, got '{text}'")
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3)
        hint = " or ".join(f"'{each}'" for each in close) or ", ".join(sorted(known))
        raise InputError("--set", f"no setting '{name}'; did you mean {hint}?")
    try:
        return name, ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        return name, value.strip()


def read_hidden(text: str) -> tuple[int, ...]:
    """Return the numbers of hidden units in text such as ``64,32``."""
    try:
        units = tuple(int(each) for each in text.split(","))
    except ValueError:
        units = ()
    if not units or min(units) < 1:
        raise InputError("--hidden", f"must be numbers of units such as 64,32, got '{text}'")
    return units


def peers(seed: int, kind: str = CLASSES) -> dict[str, Any]:
    """Return scikit-learn's two models for the same task, with its defaults."""
    from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor

    if kind != CLASSES:
        return {"SGDRegressor": SGDRegressor(random_state=seed), "Ridge": Ridge()}
    return {
        "SGDClassifier": SGDClassifier(loss="log_loss", random_state=seed),
        "LogisticRegression": LogisticRegression(),
    }


def constant(kind: str) -> Any:
    """Return the model that looks at no feature: a guess that any other must beat."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(strategy="prior") if kind == CLASSES else DummyRegressor()
