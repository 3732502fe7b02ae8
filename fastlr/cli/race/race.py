"""Fit fastlr beside its peers on the same rows, turn by turn, and score them."""

from __future__ import annotations

import inspect
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import DivergedError, one_line
from ..files.prepare import Split
from ..files.target import CLASSES
from ..screen.progress import Progress

MAX_FITS = 7
BUDGET = 3.0  # s that repeats may take in all; what takes longer is timed once


@dataclass
class Result:
    """Scores of one model on the test rows, and its median fit time over `fits` fits.

    For classifiers `score` is the accuracy and `loss` the log-loss, for regressors R2 and the root
    of the mean squared error; `train_loss` is the loss on the training rows. `rate` is None for
    models without a learning rate, and the name of the rule that sets it where there is one.
    """

    model: str
    estimator: Any
    seconds: float
    fits: int
    score: float
    loss: float
    train_loss: float
    rate: float | str | None
    warnings: list[str] = field(default_factory=list)
    kind: str = CLASSES


def race(
    data: str,
    split: Split,
    models: Mapping[str, Any],
    progress: Progress,
    min_fits: int = 1,
    max_fits: int = MAX_FITS,
    threads: int = 1,
) -> list[Result]:
    """Fit each model once, then again in turn while that is quick, and score the last fits.

    `data` names the data set on the progress display; `threads` limits each model's.
    """
    from sklearn.base import clone
    from threadpoolctl import threadpool_limits

    lines = {name: f"{data}  {name}".strip() for name in models}
    for line in lines.values():
        progress.start(line)
    times: dict[str, list[float]] = {name: [] for name in models}
    fitted: dict[str, Any] = {}
    said: dict[str, list[str]] = {}
    begin = time.perf_counter()
    for turn in range(max_fits):
        for name, model in models.items():
            line = lines[name]
            # Only after the first turn is it known whether more follow, so it fills the bar.
            progress.update(line, turn / max_fits if turn else None, f"fit {turn + 1}")
            fitted[name] = clone(model)
            part = 1 / max_fits if turn else 1.0
            watch = _watch(fitted[name], progress, line, turn / max_fits, part)
            with threadpool_limits(threads):
                seconds, said[name] = _timed_fit(fitted[name], split, watch)
            times[name].append(seconds)
            progress.update(
                line, (turn + 1) / max_fits, f"fit {turn + 1} took {shown_time(seconds)}"
            )
        # Another turn takes about as long as those before.
        ahead = (time.perf_counter() - begin) * (turn + 2) / (turn + 1)
        if turn + 1 >= min_fits and ahead > BUDGET:
            break
    for name, line in lines.items():
        fits = len(times[name])
        median = shown_time(statistics.median(times[name]))
        progress.finish(line, median if fits == 1 else f"{median}, median of {fits} fits")
    return [_score(n, fitted[n], times[n], said[n], split) for n in models]


def shown_time(seconds: float) -> str:
    """Return a duration with three digits and its unit.

    Examples
    --------
    >>> shown_time(0.01234), shown_time(0.0001), shown_time(2.5), shown_time(301)
    ('12.3 ms', '0.1 ms', '2.5 s', '301 s')
    """
    if seconds < 0.9995:
        return f"{seconds * 1e3:.3g} ms" if seconds < 0.0995 else f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.3g} s" if seconds < 99.5 else f"{seconds:.0f} s"


def _timed_fit(model: Any, split: Split, options: Mapping[str, Any]) -> tuple[float, list[str]]:
    """Fit a model; return the seconds and the warnings."""
    from ...exceptions import DivergenceWarning, InterruptionWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        model.fit(split.X_train, split.y_train, **options)
        seconds = time.perf_counter() - start
    for warning in caught:
        if issubclass(warning.category, InterruptionWarning):
            raise KeyboardInterrupt  # LinearClassifier keeps what it has; a command ends
        if issubclass(warning.category, DivergenceWarning):
            raise DivergedError(one_line(warning.message))
    # Plans for a library's next version say nothing about this fit.
    plans = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
    return seconds, [_plain_warning(w) for w in caught if not issubclass(w.category, plans)]


def _watch(
    model: Any, progress: Progress, line: str, done: float, part: float
) -> dict[str, Callable[[Any, dict[str, float]], None]]:
    """Return the argument of `fit` that shows each epoch, if the model takes it."""
    if "on_epoch" not in inspect.signature(model.fit).parameters:
        return {}

    def show(model: Any, row: dict[str, float]) -> None:
        epochs = f"epoch {model.n_iter_}/{model.max_epochs}, loss {row['loss']:.4f}"
        progress.update(line, done + part * model.n_iter_ / model.max_epochs, epochs)

    return {"on_epoch": show}


def _plain_warning(warning: warnings.WarningMessage) -> str:
    from sklearn.exceptions import ConvergenceWarning

    if issubclass(warning.category, ConvergenceWarning):
        return "stopped before it converged"
    return one_line(warning.message)


def _score(name: str, model: Any, times: list[float], said: list[str], split: Split) -> Result:
    score, loss, train_loss = scores(model, split)
    return Result(
        model=name,
        estimator=model,
        seconds=statistics.median(times),
        fits=len(times),
        score=score,
        loss=loss,
        train_loss=train_loss,
        rate=_rate(model),
        warnings=list(dict.fromkeys(said)),
        kind=split.kind,
    )


def scores(model: Any, split: Split) -> tuple[float, float, float]:
    """Return score and loss of a fitted model on the test rows, and its loss on the others."""
    loss = _log_loss if split.kind == CLASSES else _root_mean_square
    return (
        float(model.score(split.X_test, split.y_test)),
        loss(model, split.X_test, split.y_test),
        loss(model, split.X_train, split.y_train),
    )


def _log_loss(model: Any, X: Any, y: Any) -> float:
    from sklearn.metrics import log_loss

    if not hasattr(model, "predict_proba"):  # as with a hinge
        return float("nan")
    return float(log_loss(y, model.predict_proba(X), labels=model.classes_))


def _root_mean_square(model: Any, X: Any, y: Any) -> float:
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(y, model.predict(X)))


def _rate(model: Any) -> float | str | None:
    if hasattr(model, "lr_"):
        return float(model.lr_)
    return getattr(model, "learning_rate", None)
