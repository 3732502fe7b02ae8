"""The models that the command line trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..screen.errors import InputError, one_line
from .race import OURS


def models(settings: Mapping[str, Any], seed: int, compare: bool = True) -> dict[str, Any]:
    """Return fastlr's model, and scikit-learn's two for the same task, unfitted.

    Parameters
    ----------
    settings : mapping of str to object
        Parameters of `LinearClassifier`; what is left out keeps its default.
    seed : int
        Seed of each.
    compare : bool, default=True
        Whether to add the peers. They keep scikit-learn's defaults.

    Returns
    -------
    dict of str to estimator
        fastlr's comes first.

    Raises
    ------
    InputError
        If no optimizer or schedule has the name given.
    """
    from ...estimators import LinearClassifier
    from ...optimizers import get_optimizer
    from ...schedules import get_schedule

    for option, check in (("optimizer", get_optimizer), ("schedule", get_schedule)):
        try:
            if option in settings:
                check(settings[option])
        except ValueError as error:
            raise InputError(f"--{option}", one_line(error)) from error
    chosen: dict[str, Any] = {OURS: LinearClassifier(**settings, random_state=seed)}
    if compare:
        from sklearn.linear_model import LogisticRegression, SGDClassifier

        chosen["SGDClassifier"] = SGDClassifier(loss="log_loss", random_state=seed)
        chosen["LogisticRegression"] = LogisticRegression()
    return chosen
