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
    sweep: bool = True,
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
        Data for a range test and a sweep of rates, which are shown too; their shape is told.
    sweep : bool, default=True
        Whether to sweep; with X and y only. It is what takes time: some ten fits.
    title : str, optional
        Heading; by default names model and optimizer.
    random_state : int, RandomState instance or None, default=None
        Seeds range test and sweep.

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
    tried, notes = ({}, ()) if X is None else _tried(estimator, X, y, sweep, random_state)
    html = page(estimator, found, X=X, y=y, title=title, notes=notes, **tried)
    path = Path(path)
    path.write_text(html, encoding="utf-8")
    return path


def _tried(
    estimator: Any, X: Any, y: Any, sweep: bool, random_state: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what was tried on the data, by the names that `page` has, and what was warned of."""
    from ..tuning import find_lr
    from ..tuning import sweep as sweep_rates

    trained = getattr(estimator, "best_estimator_", estimator)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        tried: dict[str, Any] = {"range_test": find_lr(trained, X, y, random_state=random_state)}
        if sweep:
            tried["sweep"] = sweep_rates(trained, X, y, random_state=random_state)
    return tried, tuple(dict.fromkeys(str(w.message) for w in said if w.category is UserWarning))
