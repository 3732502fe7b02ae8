"""``fastlr demo``: two data sets that come with scikit-learn, three models, one picture."""

from __future__ import annotations

from pathlib import Path

from ..files.columns import Task
from ..files.prepare import Split, split
from ..race.models import models
from ..race.race import Result, race
from ..screen.picture import write_picture
from ..screen.progress import Progress

TEST_SIZE = 0.25
FITS = 3  # of each model at least, for a median


def data_sets() -> dict[str, Task]:
    """Return the bundled data sets by name."""
    from sklearn.datasets import load_breast_cancer, load_digits

    return {
        "digits": Task(*load_digits(return_X_y=True)),
        "breast cancer": Task(*load_breast_cancer(return_X_y=True)),
    }


def run_demo(
    picture: Path, seed: int, quick: bool, threads: int
) -> tuple[dict[str, list[Result]], list[str]]:
    """Compare the models on both data sets and draw what fastlr's did.

    Parameters
    ----------
    picture : Path
        Where the picture goes.
    seed : int
        Draws the split and seeds the models.
    quick : bool
        Fit every model once, and not several times for a median.
    threads : int
        Threads for each model.

    Returns
    -------
    results : dict of str to list of Result
        By data set.
    facts : list of str
        A line about each data set.
    """
    results: dict[str, list[Result]] = {}
    facts = []
    with Progress() as progress:
        for name, data in data_sets().items():
            parts = split(data, TEST_SIZE, seed)
            fits = {"max_fits": 1} if quick else {"min_fits": FITS}
            results[name] = race(name, parts, models({}, seed), progress, threads=threads, **fits)
            facts.append(f"{name}: {describe(parts)}")
    write_picture(picture, results)
    return results, facts


def describe(parts: Split) -> str:
    """Return how many rows, features and classes there are."""
    import numpy as np

    rows, features = parts.X_train.shape
    return (
        f"{rows:,} rows to train on and {len(parts.X_test):,} to test on, {features:,} features, "
        f"{len(np.unique(parts.y_train)):,} classes"
    )
