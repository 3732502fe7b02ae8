"""``fastlr fit``: a user's own file, from reading it to a model on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.columns import task
from ..files.csv_file import COMPRESSED
from ..files.files import read
from ..files.model_file import save_model
from ..files.prepare import split
from ..files.raw import Options
from ..files.save import check_target
from ..race.models import models
from ..race.race import OURS, Result, race
from ..screen.errors import InputError
from ..screen.picture import check_picture, write_picture
from ..screen.progress import Progress
from .demo import describe


@dataclass
class Fitted:
    """What `run_fit` came to.

    Attributes
    ----------
    results : dict of str to list of Result
        Under the file's name.
    fact : str
        How many rows, features and classes there are.
    output : Path
        Where the model is.
    trusted : list of str
        Types that whoever loads the model has to trust by name.
    """

    results: dict[str, list[Result]]
    fact: str
    output: Path
    trusted: list[str]


def run_fit(
    file: Path,
    target: str | None,
    reading: Options,
    settings: Mapping[str, Any],
    say: Callable[[str], None],
    drop: Sequence[str] = (),
    test_size: float = 0.25,
    seed: int = 0,
    compare: bool = True,
    output: Path | None = None,
    force: bool = False,
    picture: Path | None = None,
    threads: int = 1,
) -> Fitted:
    """Train on a file, compare, and write the model.

    Parameters
    ----------
    file : Path
        CSV, Parquet, NPZ or svmlight.
    target : str or None
        Column, or array of an NPZ file, to predict.
    reading : Options
        How to read the file.
    settings : mapping of str to object
        Parameters of `LinearClassifier`.
    say : callable
        Takes each note as soon as it is known.
    drop : sequence of str, default=()
        Columns not to use.
    test_size : float, default=0.25
        Fraction of the rows to test on.
    seed : int, default=0
        Draws the split and seeds the models.
    compare : bool, default=True
        Whether to train the peers too.
    output : Path, optional
        Where the model goes; by default the file's name, ending in .skops, in this folder.
    force : bool, default=False
        Whether to replace a model that is there.
    picture : Path, optional
        Where a picture goes, if one is wanted.
    threads : int, default=1
        Threads for each model.

    Returns
    -------
    Fitted
        The results; the model and the picture are written.

    Raises
    ------
    InputError
        If the input cannot be used; nothing is written then.
    """
    output = output or default_output(file)
    if output.resolve() == file.resolve():
        raise InputError("--output", f"'{output}' is the file to train on")
    check_target(output, force)
    if picture is not None:
        check_picture(picture, "--picture")
    chosen = models(settings, seed, compare)
    raw = read(file, target, reading)
    data = task(raw, target, drop, reading)
    for note in data.notes:
        say(note)
    parts = split(data, test_size, seed)
    with Progress() as progress:
        results = {file.name: race("", parts, chosen, progress, threads=threads)}
    trusted = save_model(_pipeline(parts.prepare, results[file.name]), output)
    if picture is not None:
        write_picture(picture, results)
    return Fitted(results, describe(parts), output, trusted)


def default_output(file: Path) -> Path:
    """Return where the model of a file goes if nothing is said: into the current folder.

    Examples
    --------
    >>> str(default_output(Path("data/adult.v2.csv.gz"))), str(default_output(Path("a9a")))
    ('adult.v2.skops', 'a9a.skops')
    """
    name = Path(file.name)
    if name.suffix.lower() in COMPRESSED:
        name = name.with_suffix("")
    return name.with_suffix(".skops")


def _pipeline(prepare: Any, rows: Sequence[Result]) -> Any:
    """Join the fitted preparation and fastlr's fitted model."""
    from sklearn.pipeline import Pipeline

    ours = next(r.estimator for r in rows if r.model == OURS)
    return Pipeline([("prepare", prepare), ("model", ours)])
