"""`diagnose`: the verdict and advice on a training history."""

from __future__ import annotations

from typing import Any

from .advice import advise
from .ratios import figures
from .result import Diagnosis
from .rules import judge
from .subject import subject_of


def diagnose(estimator_or_history: Any) -> Diagnosis:
    """Name the problem of a training run, and the next step.

    Only the history is used, not the data. The losses decide, measured along the sum of the rates
    if those are known, together with two records of `fit`: the loss of the best constant model, and
    how far and in which direction each epoch moves the parameters. Steps are too small if epochs
    continue in the direction of the previous one, and too large if they undo it.

    Parameters
    ----------
    estimator_or_history : estimator or dict
        A fitted estimator of fastlr, a pipeline or a search that ends in one, or a history: a dict
        with ``"loss"``, a value for each epoch, and any other columns of `history_`. With fewer
        columns the verdict is less certain; overfitting needs ``"validation_loss"``.

    Returns
    -------
    Diagnosis
        Verdict, evidence, causes, and the next step.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or the history is malformed.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fastlr import LinearClassifier, diagnose
    >>> X, y = load_digits(return_X_y=True)
    >>> found = diagnose(LinearClassifier(lr=1e-5, random_state=0).fit(X, y))
    >>> found.verdict, found.change
    ('too slow', {'lr': 0.0001})
    >>> diagnose({"loss": [0.7, 0.6, float("nan")]}).verdict
    'diverging'
    """
    subject = subject_of(estimator_or_history)
    f = figures(subject.history)
    verdict, evidence = judge(f)
    advice = advise(verdict, f, subject)
    return Diagnosis(
        verdict,
        advice.summary,
        tuple(evidence),
        advice.causes,
        advice.next_step,
        advice.change,
        subject.history,
    )
