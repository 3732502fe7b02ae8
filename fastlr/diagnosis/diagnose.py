"""`diagnose`: the verdict and advice on a training history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .advice import advise
from .chunks import chunk_figures, epochs_and_chunks, judge_chunks
from .ratios import Figures, figures
from .result import Diagnosis
from .rules import judge
from .subject import subject_of


def diagnose(estimator_or_history: Any) -> Diagnosis:
    """Name the problem of a training run, and the next step.

    Only the history is used, not the data. The losses decide, measured along the sum of the rates
    if those are known, together with two records of `fit`: the loss of the best constant model, and
    how far and in which direction each epoch moves the parameters. Steps are too small if epochs
    continue in the direction of the previous one, and too large if they undo it.

    Of `partial_fit` and `fit_stream`, a row of the history is a chunk. Its loss, of new rows before
    they are learned from, is mostly chance, so means over quarters of the run are compared, and
    only what is beyond three standard errors counts. If they follow a `fit`, they are judged alone,
    and the fit where they are too few.

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
    >>> diagnose({"loss": [0.7]}).verdict
    'too short'
    """
    subject = subject_of(estimator_or_history)
    epochs, n_chunks = epochs_and_chunks(subject.history)
    verdict = "too short"
    if n_chunks:
        chunks = chunk_figures(subject.history, n_chunks)
        f = Figures(chunks.number, True)
        verdict, evidence = judge_chunks(chunks)
    if verdict != "too short" or (n_chunks and not len(epochs["loss"])):
        subject = replace(subject, chunks=chunks.number)
    else:
        f = figures(epochs)
        verdict, evidence = judge(f, subject.params.get("lr") == "auto")
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
