"""`report`: write an HTML page about a fitted estimator."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..core.files import write_atomic
from ..core.markup import tag
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

    The page has pictures of losses, scores, learning rates and gradients, the diagnosis with the
    next step, the settings, and the versions. It is a single file without scripts or network
    access, suits phones, and follows the reader's choice of light or dark mode.

    Parameters
    ----------
    estimator : estimator, Pipeline or search
        Fitted estimator of fastlr, or one that ends in it. It is not changed.
    path : str or path-like, default="report.html"
        File to write; an existing file is replaced.
    X, y : array-like, optional
        Data for a range test and a sweep of rates, which are then shown too.
    sweep : bool, default=True
        Sweep rates if X and y are given. This takes the time of some ten fits.
    title : str, optional
        Heading; by default the names of model and optimizer.
    random_state : int, RandomState instance or None, default=None
        Seed of range test and sweep.

    Returns
    -------
    pathlib.Path
        The written file.

    Raises
    ------
    TypeError, ValueError
        If the estimator is not fitted or not fastlr's, or only one of X and y is given.

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
        raise ValueError(f"{'y' if y is None else 'X'} is missing: give both X and y, or neither")
    found = diagnose(estimator)
    tried, notes = ({}, ()) if X is None else _tried(estimator, X, y, sweep, random_state)
    html = page(estimator, found, X=X, y=y, title=title, notes=notes, **tried)
    written = ReportPath(path)
    write_atomic(written, html.encode("utf-8"))
    return written


class ReportPath(type(Path())):  # type: ignore[misc]  # a class of its own since 3.12
    """Where a report was written; a notebook shows a link to it."""

    def _repr_html_(self) -> str:
        return tag("a", str(self), href=quote(self.as_posix()), target="_blank")


def _tried(
    estimator: Any, X: Any, y: Any, sweep: bool, random_state: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return range test and sweep, by their names in `page`, and the warnings issued."""
    from ..tuning import find_lr
    from ..tuning import sweep as sweep_rates

    trained = getattr(estimator, "best_estimator_", estimator)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tried: dict[str, Any] = {"range_test": find_lr(trained, X, y, random_state=random_state)}
        if sweep:
            tried["sweep"] = sweep_rates(trained, X, y, random_state=random_state)
    return tried, tuple(dict.fromkeys(str(w.message) for w in caught if w.category is UserWarning))
