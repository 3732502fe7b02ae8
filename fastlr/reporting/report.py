"""`report`: from a fitted estimator to a page on disk."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from ..diagnosis import diagnose
from .page import page


def report(
    estimator: Any,
    path: str | os.PathLike[str] = "report.html",
    X: Any = None,
    y: Any = None,
    *,
    title: str | None = None,
    random_state: Any = None,
) -> Path:
    """Write a training run as one HTML page. Needs matplotlib.

    The page has pictures of losses, scores, learning rates and gradients, what is wrong with the
    run if anything is, and what to do about it, the settings, and the versions. It is one file
    without scripts that fetches nothing, reads well on a phone, and follows the reader's choice
    of a light or a dark screen.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        Fitted, an estimator of fastlr or with one at its end. It is not changed.
    path : str or path-like, default="report.html"
        Where the page goes; one that is there is replaced.
    X, y : array-like, optional
        Data for a range test, which is shown too, and whose shape is told.
    title : str, optional
        Heading; by default names model and optimizer.
    random_state : int, RandomState instance or None, default=None
        Seeds the range test.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    TypeError, ValueError
        If the estimator is not fitted or not one of fastlr, or X comes without y.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.datasets import load_iris
    >>> from fastlr import LinearClassifier, report
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LinearClassifier(random_state=0).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     path = report(model, Path(folder) / "iris.html", X, y)
    ...     "Range test" in path.read_text(encoding="utf-8")
    True
    """
    if (X is None) != (y is None):
        raise ValueError(f"{'y' if y is None else 'X'} must be given too, for X and y go together")
    found = diagnose(estimator)
    test, notes = None, []
    if X is not None:
        from ..tuning import find_lr

        trained = getattr(estimator, "best_estimator_", estimator)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            test = find_lr(trained, X, y, random_state=random_state)
        notes = [str(w.message) for w in said if w.category is UserWarning]
    html = page(estimator, found, X=X, y=y, range_test=test, title=title, notes=tuple(notes))
    path = Path(path)
    path.write_text(html, encoding="utf-8")
    return path
